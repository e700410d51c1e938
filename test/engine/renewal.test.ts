// Renewal on the real engine: what falls due shows in preview and is done by one `up`; the clock is the test's.

import { X509Certificate } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { readLeaf } from "../../sdk/x509/leaf";
import { certificateRequest } from "../support/openssl";
import { emulated, own } from "./support/live";
import { failure, tb, testStack, type TestStack } from "./support/stack";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterEach(() => {
    delete process.env["THINGSBOARD_CLOCK_OFFSET_DAYS"];
});
afterAll(() => server.stop());

type CertificateArgs = Partial<ConstructorParameters<typeof tb.DeviceCertificate>[1]>;

const declare = (suffix: string, args: CertificateArgs) => async () => {
    const name = own(suffix);
    const device = new tb.Device(name, { name });
    const certificate = new tb.DeviceCertificate(name, { commonName: name, ...args });
    const credential = new tb.DeviceCredential(name, { device, certificate });
    const { credentialsId, certificatePem, notAfter, renewalDue, nextCertificatePem, nextPrivateKeyPem } = certificate;
    return { deviceId: device.deviceId, credentialsId, certificatePem, notAfter, renewalDue, nextCertificatePem, nextPrivateKeyPem, bindingRevision: credential.bindingRevision };
};

/** Lets so many days pass, for the program and for the plugin. */
function pass(stack: TestStack, days: number): void {
    process.env["THINGSBOARD_CLOCK_OFFSET_DAYS"] = String(days);
    stack.setEnvironment("THINGSBOARD_CLOCK_OFFSET_DAYS", String(days));
}

const bound = async (deviceId: unknown) => (await server.credentials(deviceId as string)).credentialsId;
const boundTo = async (name: string) => bound((await server.deviceByName(name))!.id.id);
const identityOf = (pem: string) => readLeaf(pem).credentialsId;
const publicKey = (pem: unknown) => new X509Certificate(pem as string).publicKey.export({ type: "spki", format: "pem" });

test("report: a due certificate is named in the output, and nothing is changed", async () => {
    const stack = await testStack(server, declare("reported", {}));
    await stack.up();
    pass(stack, 340);
    const preview = await stack.preview({ expectNoChanges: true });
    expect(preview.output).toMatch(new RegExp(`warning: device "${own("reported")}": its certificate expires on .*, in 2\\d days`));
    const up = await stack.up();
    expect(up.changes).toEqual({ same: 7 });
    expect(up.outputs).toMatchObject({ renewalDue: true });
});

test("report: a certificate that has expired since stops no deployment", async () => {
    const stack = await testStack(server, declare("expired", {}));
    await stack.up();
    pass(stack, 366);
    const up = await stack.up();
    expect(up.output).toContain(`device "${own("expired")}": its certificate expired on`);
    expect(up.changes).toEqual({ same: 7 });
});

test("immediate: visible in preview, done by one up, not by a refresh, and then over", async () => {
    const stack = await testStack(server, declare("immediate", { renewal: "immediate" }));
    const before = (await stack.up()).outputs;
    pass(stack, 300);
    await stack.preview({ expectNoChanges: true });
    pass(stack, 336);
    await stack.refresh();
    expect((await stack.preview()).changes).toMatchObject({ replace: 2, update: 2 });
    expect(await bound(before["deviceId"])).toBe(before["credentialsId"]);

    const after = (await stack.up()).outputs;
    expect(after["credentialsId"]).not.toBe(before["credentialsId"]);
    expect(publicKey(after["certificatePem"])).not.toBe(publicKey(before["certificatePem"]));
    expect(await bound(after["deviceId"])).toBe(after["credentialsId"]);
    await stack.preview({ expectNoChanges: true });
});

test("keepKey: a new certificate for the same key", async () => {
    const stack = await testStack(server, declare("kept-key", { renewal: "immediate", rotationPolicy: "keepKey" }));
    const before = (await stack.up()).outputs;
    pass(stack, 336);
    const after = (await stack.up()).outputs;
    expect(after["credentialsId"]).not.toBe(before["credentialsId"]);
    expect(publicKey(after["certificatePem"])).toBe(publicKey(before["certificatePem"]));
});

test("staged: the next pair is made and given out first, and bound when it falls due; both halves in preview", async () => {
    const stack = await testStack(server, declare("staged", { renewal: "staged", renewBeforeDays: 30, activateBeforeDays: 10 }));
    const before = (await stack.up()).outputs;
    expect(before["nextCertificatePem"]).toBeUndefined();
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).not.toHaveProperty("update");

    pass(stack, 336);
    const preview = await stack.preview();
    expect(preview.changes).toMatchObject({ update: 1, replace: 2 });
    expect(preview.output).not.toMatch(/DeviceCredential.*\(update\)/);
    const prepared = (await stack.up()).outputs;
    expect(prepared).toMatchObject({ credentialsId: before["credentialsId"], bindingRevision: before["bindingRevision"] });
    expect(prepared["nextCertificatePem"]).toMatch(/BEGIN CERTIFICATE/);
    expect(prepared["nextPrivateKeyPem"]).toMatch(/BEGIN PRIVATE KEY/);
    expect(stack.rawState()).not.toContain("BEGIN PRIVATE KEY");
    expect(await bound(before["deviceId"])).toBe(before["credentialsId"]);
    await stack.preview({ expectNoChanges: true });

    pass(stack, 357);
    expect((await stack.preview()).changes).toMatchObject({ update: 2 });
    const activated = (await stack.up()).outputs;
    expect(activated["certificatePem"]).toBe(prepared["nextCertificatePem"]);
    expect(activated["nextCertificatePem"]).toBeUndefined();
    expect(await bound(before["deviceId"])).toBe(activated["credentialsId"]);
    await stack.preview({ expectNoChanges: true });

    // And so on with the first pair again.
    pass(stack, 336 + 336);
    const again = (await stack.up()).outputs;
    expect(again["credentialsId"]).toBe(activated["credentialsId"]);
    expect(again["nextCertificatePem"]).toMatch(/BEGIN CERTIFICATE/);
});

test("a device's own request: a new certificate for the key that the device has, and no key is made", async () => {
    const [now, later] = [own("requested-now"), own("requested-later")];
    const requests = new Map([now, later].map(name => [name, certificateRequest(`/CN=${name}`)]));
    const stack = await testStack(server, async () => {
        const authority = new tb.CertificateAuthority("factory", { commonName: "Factory root" });
        const certificates = [now, later].map(name => {
            const { csrPem } = requests.get(name)!;
            const certificate = new tb.DeviceCertificate(name, { commonName: name, csrPem, authority, renewal: name === now ? "immediate" : "staged", renewBeforeDays: 30 });
            new tb.DeviceCredential(name, { device: new tb.Device(name, { name }), certificate });
            return certificate;
        });
        return {
            pems: certificates.map(({ certificatePem }) => certificatePem),
            next: certificates[1]!.nextCertificatePem,
            nextKey: certificates[1]!.nextPrivateKeyPem,
        };
    });
    const before = (await stack.up()).outputs;
    pass(stack, 336);
    const due = (await stack.up()).outputs;
    const [first, staged] = before["pems"] as [string, string];
    const [renewed, waiting] = due["pems"] as [string, string];
    expect(renewed).not.toBe(first);
    expect(waiting).toBe(staged);
    expect([publicKey(renewed), publicKey(due["next"])]).toEqual([publicKey(first), publicKey(staged)]);
    expect(due["nextKey"]).toBeUndefined();
    expect(await boundTo(now)).toBe(identityOf(renewed));
    expect(await boundTo(later)).toBe(identityOf(staged));

    pass(stack, 357);
    const activated = (await stack.up()).outputs;
    expect(activated["pems"]).toEqual([renewed, due["next"]]);
    expect(await boundTo(later)).toBe(identityOf(due["next"] as string));
    expect((await stack.resources()).filter(({ type }) => type === "tls:index/privateKey:PrivateKey").map(({ urn }) => urn.split("::").at(-1))).toEqual(["factory"]);
});

test("maxRenewalsPerUp renews some now and the others with the next up", async () => {
    const names = ["bounded-1", "bounded-2", "bounded-3"];
    const stack = await testStack(server, async () => {
        const ids = names.map(name => new tb.DeviceCertificate(name, { commonName: name, renewal: "immediate", maxRenewalsPerUp: 2 }).credentialsId);
        return { ids };
    });
    const ids = async () => (await stack.up()).outputs["ids"] as string[];
    const changed = (before: string[], after: string[]) => after.filter((id, index) => id !== before[index]).length;
    const first = await ids();
    pass(stack, 336);
    const second = await ids();
    expect(changed(first, second)).toBe(2);
    const third = await ids();
    expect(changed(second, third)).toBe(1);
    await stack.preview({ expectNoChanges: true });
});

emulated.test("a renewed certificate that is refused is taken back, and tried again after a refresh", async () => {
    const name = own("rolled-back");
    let organization = "first";
    const program = async () => {
        const device = new tb.Device(name, { name });
        const certificate = new tb.DeviceCertificate(name, { commonName: name, organization, renewal: "immediate" });
        const credential = new tb.DeviceCredential(name, { device, certificate });
        new tb.PublishCheck(name, { credential, certificate, mode: "connect" });
        return { deviceId: device.deviceId, credentialsId: certificate.credentialsId };
    };
    const stack = await testStack(server, program);
    const before = (await stack.up()).outputs;
    pass(stack, 336);
    server.emulator.faults.set({ mqtt: { connack: 0x87 } });
    const text = await failure(stack.up());
    expect(text).toContain("Its previous certificate is bound again");
    expect(await bound(before["deviceId"])).toBe(before["credentialsId"]);

    server.emulator.faults.clear();
    const after = (await stack.up({ refresh: true })).outputs;
    expect(after["credentialsId"]).not.toBe(before["credentialsId"]);
    expect(await bound(before["deviceId"])).toBe(after["credentialsId"]);

    // Not to one that was revoked meanwhile.
    organization = "second";
    await server.call("POST", `/api/plugins/telemetry/DEVICE/${before["deviceId"] as string}/attributes/SERVER_SCOPE`, { pulumiRevoked: { [after["credentialsId"] as string]: "2026-11-24T10:00:00.000Z" } });
    server.emulator.faults.set({ mqtt: { connack: 0x87 } });
    expect(await failure(stack.up())).toContain("Its previous certificate was revoked, and is not bound again");
    expect(await bound(before["deviceId"])).not.toBe(after["credentialsId"]);
    server.emulator.faults.clear();
});

test.each([
    [{ renewBeforeDays: 400 }, "renewBeforeDays is 400: expected more than 0 and less than the 365 days of validity"],
    [{ renewal: "staged" as const, activateBeforeDays: 40 }, "activateBeforeDays is 40: expected at least 0 and less than renewBeforeDays (30)"],
    [{ renewal: "sometimes" as "report" }, 'renewal is "sometimes"'],
    [{ activateBeforeDays: 5 }, 'activateBeforeDays belongs to renewal "staged"'],
    [{ renewalJitterDays: 400 }, "renewalJitterDays is 400"],
    [{ maxRenewalsPerUp: 0 }, "maxRenewalsPerUp is 0"],
])("settings that can't work are named in preview (%#)", async (args, sentence) => {
    const stack = await testStack(server, declare("settings", args));
    expect(await failure(stack.preview())).toContain(`DeviceCertificate "${own("settings")}": ${sentence}`);
});
