// Two stacks that want the same devices, and one that has forgotten what it made.

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { own } from "./support/live";
import { selfSigned } from "../support/openssl";
import { type Program, tb, testStack, type TestStack } from "./support/stack";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

const bound = async (name: string) => {
    const device = await server.deviceByName(name);
    return device && (await server.credentials(device.id.id)).credentialsType;
};

test("two stacks deployed at once: each shared device is one's, the other hears whose, and loses nothing of its own", async () => {
    const byHand = own("by-hand");
    await server.call("POST", "/api/device", { name: byHand });
    const program = (mine: string, shared: boolean): Program => async () => {
        const made = shared ? [own("shared"), own(mine)] : [own(mine)];
        for (const name of made) {
            const device = new tb.Device(name, { name });
            new tb.DeviceCredential(name, { device, certificate: new tb.DeviceCertificate(name, { commonName: "pump" }) });
        }
        if (shared) new tb.DeviceCredential("by-hand", { deviceName: byHand, certificatePem: selfSigned(mine) });
    };
    const stacks = await Promise.all(["one", "two"].map(async mine => ({ mine, stack: await testStack(server, program(mine, true)) })));
    const outcomes = await Promise.all(stacks.map(({ stack }) => stack.up({ continueOnError: true }).then(() => "", (error: unknown) => String(error))));

    // Either may win the one device, and either the other.
    const said = outcomes.join("\n");
    expect(said.match(new RegExp(`device "${own("shared")}" exists already on this ThingsBoard and belongs to fleet/`, "g"))?.length).toBeGreaterThan(0);
    expect(said).toContain(`device "${byHand}" was not made by this stack and holds another certificate`);
    expect([await bound(own("shared")), await bound(byHand), await bound(own("one")), await bound(own("two"))]).toEqual(Array(4).fill("X509_CERTIFICATE"));

    const [first, second] = stacks as [(typeof stacks)[0], (typeof stacks)[0]];
    const [shared, given] = [await holds(second.stack, own("shared")), await holds(second.stack, "by-hand")];
    expect([await holds(first.stack, own("shared")), await holds(first.stack, "by-hand")]).toEqual([!shared, !given]);

    // Each goes on with what is its own, and goes: what the other has won stays bound until that goes too.
    for (const { mine, stack } of stacks) {
        stack.program = program(mine, false);
        await stack.up();
        expect(await bound(own(mine))).toBe("X509_CERTIFICATE");
        await stack.destroy();
        expect(await server.deviceByName(own(mine))).toBeUndefined();
        const left = stack === first.stack;
        expect([await bound(own("shared")), await bound(byHand)]).toEqual([left && shared ? "X509_CERTIFICATE" : undefined, left && given ? "X509_CERTIFICATE" : "ACCESS_TOKEN"]);
    }
});

/** Whether the stack has bound it, by the name of the resource. */
async function holds(stack: TestStack, name: string): Promise<boolean> {
    return (await stack.resources()).some(({ urn }) => urn.endsWith(`:DeviceCredential::${name}`));
}

test("a state that is lost wholly: after an up, destroy leaves nothing of the stack, and adopted devices as they were", async () => {
    const adopted = own("adopted");
    await server.call("POST", "/api/device", { name: adopted, label: "there before" });
    const program: Program = async () => {
        const profile = new tb.DeviceProfile("profile", { name: own("forgotten-profile") });
        for (const [name, more] of [[own("forgotten"), { deviceProfile: profile }], [adopted, { adopt: true }]] as const) {
            const device = new tb.Device(name, { name, ...more });
            new tb.DeviceCredential(name, { device, certificate: new tb.DeviceCertificate(name, { commonName: "pump" }) });
        }
    };
    const name = own(randomBytes(3).toString("hex"));
    await (await testStack(server, program, name)).up();
    const { id } = (await server.deviceByName(own("forgotten")))!;

    // The same stack, in a backend that knows nothing of it.
    const again = await testStack(server, program, name);
    await again.up();
    expect((await server.deviceByName(own("forgotten")))!.id).toEqual(id);
    expect((await again.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: expect.any(Number) });
    await again.destroy();
    expect(await server.deviceByName(own("forgotten"))).toBeUndefined();
    expect(await bound(adopted)).toBe("ACCESS_TOKEN");
    expect(await server.deviceByName(adopted)).toMatchObject({ label: "there before", additionalInfo: {} });
    const profiles = await server.call<{ data: { name: string }[] }>("GET", `/api/deviceProfileInfos?pageSize=10&page=0&textSearch=${own("forgotten-profile")}`);
    expect(profiles.data).toEqual([]);
});
