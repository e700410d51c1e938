// A fleet on the real engine: made, grown, drifted, mended, renewed, cut down, and left.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { failure, tb, testStack } from "./support/stack";
import { selfSigned } from "./support/openssl";
import { type ThingsBoardUnderTest, switchToToken, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
beforeEach(() => server.emulator.faults.clear());
afterAll(() => server.stop());

type FleetArgs = ConstructorParameters<typeof tb.DeviceFleet>[1];

const names = (prefix: string, count: number, from = 0) => Array.from({ length: count }, (_, i) => `${prefix}-${i + from}`);

const fleet = (args: FleetArgs, name = "fleet") => async () => {
    const made = new tb.DeviceFleet(name, { batches: 4, publishCheck: "none", ...args });
    return { summary: made.summary };
};

const bound = async (name: string) => {
    const device = (await server.deviceByName(name))!;
    const { credentialsType, credentialsId } = await server.credentials(device.id.id);
    return credentialsType === "X509_CERTIFICATE" ? credentialsId : credentialsType;
};

test("a fleet is made, proven, found unchanged, and revoked", async () => {
    const devices = names("made", 40);
    const stack = await testStack(server, async () => {
        const made = new tb.DeviceFleet("made", { devices, batches: 4, publishCheck: "all" });
        const one = made.deviceOutput("made-7");
        return { summary: made.summary, certificate: one.certificatePem, key: one.privateKeyPem, id: one.deviceId, credentialsId: one.credentialsId };
    });
    const preview = await stack.preview();
    expect(preview.changes).toEqual({ create: 6 });
    const { outputs } = await stack.up();
    expect(outputs["summary"]).toMatchObject({ devices: 40, failed: 0 });
    const device = (await server.deviceByName("made-7"))!;
    expect(outputs["id"]).toBe(device.id.id);
    expect(await bound("made-7")).toBe(outputs["credentialsId"]);
    const certificate = new X509Certificate(outputs["certificate"] as string);
    expect(certificate.subject).toBe("CN=made-7");
    expect(certificate.checkPrivateKey(createPrivateKey(outputs["key"] as string))).toBe(true);
    expect(stack.rawState()).not.toContain((outputs["key"] as string).split("\n")[1]);

    expect((await stack.up()).changes).toEqual({ same: 6 });
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 6 });
    await stack.destroy();
    expect(await bound("made-7")).toBe("ACCESS_TOKEN");
});
