// Zero touch: a profile that lets devices in by their certificate's authority, proven by a canary that leaves nothing.

import { afterAll, beforeAll, expect, test } from "vitest";
import { rootAuthority } from "../support/openssl";
import { emulated, own } from "./support/live";
import { type Program, failure, tb, testStack } from "./support/stack";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

const names = async (start: string) => (await server.call<{ data: { name: string }[] }>("GET", `/api/tenant/devices?pageSize=100&page=0&textSearch=${start}`)).data.map(({ name }) => name);

test("a canary enrols, is seen, is removed; it runs again when the profile changes, and no key of it is anywhere", async () => {
    const declare = (commonNamePattern: string, renewal: "report" | "immediate" = "report"): Program => async () => {
        const intermediate = { commonName: "Factory devices", validityDays: 100, renewal, renewBeforeDays: 99.99999 };
        const authority = new tb.CertificateAuthority("factory", { commonName: "Factory root", intermediate });
        const profile = new tb.DeviceProfile("pumps", { name: own("enrolled-pumps"), x509Chain: { authority, commonNamePattern } });
        const check = new tb.EnrolmentCheck("pumps", { profile, authority, commonName: `${own("canary")}.factory.example` });
        return { message: check.message, outcome: check.outcome, connackCode: check.connackCode, checkedAt: check.checkedAt, key: authority.privateKeyPem };
    };
    const stack = await testStack(server, declare("(.*)\\.factory\\.example"));
    const first = (await stack.up()).outputs;
    expect(first).toMatchObject({ outcome: "accepted", connackCode: 0, message: `enrolment check of device profile "${own("enrolled-pumps")}": the canary "${own("canary")}.factory.example" enrolled as device "${own("canary")}", and was removed again` });
    expect(await names(own("canary"))).toEqual([]);
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).not.toHaveProperty("update");
    expect(stack.rawState()).not.toContain((first["key"] as string).split("\n")[1]);

    stack.program = declare("([a-z0-9-]+)\\.factory\\.example");
    const second = await stack.up();
    expect(second.changes).toMatchObject({ update: 2 });
    expect(second.outputs["checkedAt"]).not.toBe(first["checkedAt"]);

    // Due a second after its issue: the profile holds it in its new form, and the canary comes with that.
    stack.program = declare("([a-z0-9-]+)\\.factory\\.example", "immediate");
    const renewed = await stack.up();
    expect(renewed.changes).toMatchObject({ replace: 1, update: 3 });
    expect(renewed.outputs).toMatchObject({ outcome: "accepted" });
    expect(renewed.outputs["checkedAt"]).not.toBe(second.outputs["checkedAt"]);
    await stack.destroy();
    expect(await names(own("canary"))).toEqual([]);
});

emulated.test("an authority that is not the profile's, and a name that a device has, are refused with a sentence", async () => {
    const anchor = rootAuthority("Anchor");
    const other = rootAuthority("Other");
    await server.call("POST", "/api/device", { name: "taken" });
    const declare = (pair: typeof anchor, commonName: string, onFailure: "fail" | "warn" = "fail"): Program => async () => {
        const profile = new tb.DeviceProfile("valves", { name: "valves", x509Chain: { certificatePem: anchor.certificatePem, commonNamePattern: "(.*)\\.example" } });
        const check = new tb.EnrolmentCheck("valves", { profile, authority: new tb.CertificateAuthority("own", pair), commonName, onFailure });
        return { outcome: check.outcome, message: check.message, connackCode: check.connackCode };
    };
    const stack = await testStack(server, declare(anchor, "nobody"));
    expect(await failure(stack.preview())).toContain(`commonName "nobody" does not fit the profile's pattern (.*)\\.example`);
    stack.program = declare(other, "free.example");
    expect(await failure(stack.up())).toContain("it holds another authority than the one given here");
    stack.program = declare(anchor, "taken.example");
    expect(await failure(stack.up())).toContain('device "taken" exists already, and a canary would replace its certificate');
    server.emulator.setLimits({ maxDevices: 1 });
    stack.program = declare(anchor, "free.example");
    const refused = await failure(stack.up());
    // Told, and not more: the deployment goes on, and is over.
    stack.program = declare(anchor, "free.example", "warn");
    const warned = await stack.up();
    expect(warned.output).toContain('warning: enrolment check of device profile "valves": the canary "free.example" was refused');
    expect(warned.outputs).toMatchObject({ outcome: "refused", connackCode: 0x87, message: expect.stringContaining('device "free" was not created') as string });
    await stack.preview({ expectNoChanges: true });
    stack.program = declare(anchor, "free.example");
    server.emulator.setLimits({});
    expect(refused).toMatch(/the canary "free\.example" was refused at .* \(0x87, Not authorized\), and device "free" was not created/);
    await stack.up();
    expect(await names("")).toEqual(["taken"]);
});
