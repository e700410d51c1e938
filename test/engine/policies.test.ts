// The policy pack of examples/policy-pack, run by the engine as `--policy-pack` does.

import * as path from "node:path";
import { afterAll, beforeAll, expect, onTestFinished } from "vitest";
import { daysFromNow, issue } from "../unit/mqtt/certificates";
import { repository, scratchProject } from "./support/commandLine";
import { emulated } from "./support/live";
import { type ThingsBoardUnderTest, emulatedThingsBoard } from "./support/thingsboard";

const pack = path.join(repository, "examples", "policy-pack");

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await emulatedThingsBoard();
});
afterAll(() => server.stop());

const project = (program: string) => scratchProject("policies", program, server.environment);

emulated.test("a preview names every violation, and what to do about it", async () => {
    const pulumi = await project(`
        const bound = (name, args) => new tb.DeviceCredential(name, { device: new tb.Device(name, { name }), certificate: new tb.DeviceCertificate(name, { commonName: name, ...args }) });
        bound("weak", { keyAlgorithm: "RSA_2048" });
        bound("long", { validityDays: 3650 });
        new tb.DeviceFleet("pumps", { devices: ["pump-1", "pump-2"], batches: 1, publishCheck: "none", certificate: { keyAlgorithm: "RSA_2048", validityDays: 400 } });
    `);
    const shown = await pulumi("preview", "--policy-pack", pack).then(() => "", String);
    for (const violation of [
        "its RSA key has 2048 bits: use EC_P256 or RSA_3072",
        "its certificate is valid for 3650 days: declare validityDays of 398 or less",
        "its certificate is valid for 400 days",
        'DeviceCredential "weak" has no PublishCheck',
        'DeviceCredential "long" has no PublishCheck',
        '"pumps-0" belongs to a DeviceFleet with publishCheck "none"',
        "this private key is in the stack's state",
        "the private keys of 2 devices are in the stack's state",
    ]) expect.soft(shown).toContain(violation);
    expect(shown.match(/2048 bits/g)).toHaveLength(2);
});

emulated.test("a sound program passes, with advice only; a certificate from elsewhere is looked into", async () => {
    const long = issue("pump-2", { notAfter: daysFromNow(1000) });
    const pulumi = await project(`
        const one = new tb.Device("pump-1", { name: "pump-1" });
        const certificate = new tb.DeviceCertificate("pump-1", { commonName: "pump-1" });
        const credential = new tb.DeviceCredential("pump-1", { device: one, certificate });
        new tb.PublishCheck("pump-1", { credential, certificate });
        if (process.env.LONG) {
            const credential = new tb.DeviceCredential("pump-2", { device: new tb.Device("pump-2", { name: "pump-2" }), certificatePem: process.env.LONG });
            new tb.PublishCheck("pump-2", { credential, mode: "observe", timeout: 1, onFailure: "warn" });
        }
    `);
    const shown = await pulumi("up", "--yes", "--skip-preview", "--policy-pack", pack);
    expect(shown).toContain("this private key is in the stack's state");
    expect(await server.deviceByName("pump-1")).toBeDefined();

    const environment = { ...pulumi.environment };
    pulumi.environment["LONG"] = long.certificatePem;
    onTestFinished(() => void Object.assign(pulumi.environment, environment));
    await expect(pulumi("up", "--yes", "--skip-preview", "--policy-pack", pack)).rejects.toThrow("its certificate is valid for 1001 days");
    const device = await server.deviceByName("pump-2");
    if (device) expect(await server.credentials(device.id.id)).toMatchObject({ credentialsType: "ACCESS_TOKEN" });
});
