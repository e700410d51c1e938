// The proof on the real engine: what a refused publish looks like, and what follows it.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { failure, tb, testStack } from "./support/stack";
import { emulated, live, own } from "./support/live";
import { type ThingsBoardUnderTest, switchToToken, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
beforeEach(() => {
    if (!live) server.emulator.faults.clear();
});
afterAll(() => server.stop());

type CheckArgs = Omit<ConstructorParameters<typeof tb.PublishCheck>[1], "credential">;

const checked = (shortName: string, args: CheckArgs = {}, keyAlgorithm: "EC_P256" | "EC_P384" | "RSA_2048" = "EC_P256") => async () => {
    const name = own(shortName);
    const device = new tb.Device(name, { name });
    const certificate = new tb.DeviceCertificate(name, { commonName: name, keyAlgorithm });
    const credential = new tb.DeviceCredential(name, { device, certificate });
    const check = new tb.PublishCheck(name, { credential, certificate, ...args });
    const { outcome, stage, connackCode, pubackCode, tlsVersion, mqttVersionUsed, storedAt, message } = check;
    return { deviceId: device.deviceId, outcome, stage, connackCode, pubackCode, tlsVersion, mqttVersionUsed, storedAt, message };
};

test.each(["EC_P256", "EC_P384", "RSA_2048"] as const)("%s publishes, is stored, and the marker is removed again", async keyAlgorithm => {
    const stack = await testStack(server, checked(`ok-${keyAlgorithm}`, {}, keyAlgorithm));
    const { outputs } = await stack.up();
    expect(outputs).toMatchObject({ outcome: "accepted", stage: "puback", connackCode: 0, pubackCode: 0, tlsVersion: "TLSv1.3", mqttVersionUsed: "5" });
    expect(Date.parse(outputs["storedAt"] as string)).toBeGreaterThan(Date.now() - 60_000);
    await expect.poll(() => server.latest(outputs["deviceId"] as string, "pulumiPublishCheck")).toBeNull();
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 8 });
});

test("the guide's payload arrives under the device", async () => {
    const stack = await testStack(server, checked("guide", { payload: '{"temperature":25}', verifyStored: "required" }));
    const { outputs } = await stack.up();
    await expect.poll(() => server.latest(outputs["deviceId"] as string, "temperature")).toBe("25");
});

test("storage that is required and can't be looked for is no success: said in preview, or when the topic turns out not to be for telemetry", async () => {
    const stack = await testStack(server, checked("unseen", { payload: "25", verifyStored: "required" }));
    expect(await failure(stack.preview())).toContain(`publish check of device "${own("unseen")}": verifyStored is "required", and what is to be published can't be looked for: publish a JSON object with a value`);
    stack.program = checked("unseen", { payload: '{"temperature":25}', topic: "v1/devices/me/attributes", verifyStored: "required" });
    const text = await failure(stack.up());
    expect(text).toContain(`publish check: device "${own("unseen")}" was accepted at `);
    expect(text).toContain(`but verifyStored is "required", and what was published can't be looked for`);
    stack.program = checked("unseen", { payload: '[{"temperature":25}]', verifyStored: "required" });
    const { outputs } = await stack.up();
    expect(outputs).toMatchObject({ outcome: "accepted", stage: "puback", storedAt: expect.any(String) });
});

test("mode connect publishes nothing", async () => {
    const stack = await testStack(server, checked("connects", { mode: "connect" }));
    const { outputs } = await stack.up();
    expect(outputs).toMatchObject({ outcome: "accepted", stage: "connack", connackCode: 0 });
    expect(outputs["pubackCode"]).toBeUndefined();
});

emulated.test("a refused connection fails the deployment with its code in words, and the next up checks again", async () => {
    const stack = await testStack(server, checked("refused"));
    server.emulator.faults.set({ mqtt: { connack: 0x87 } });
    const text = await failure(stack.up());
    expect(text).toContain(`publish check: device "${own("refused")}"`);
    expect(text).toMatch(/135|0x87/);
    expect(text).not.toMatch(/^\s+at /m);
    const [check] = (await stack.resources()).filter(({ type }) => type.endsWith(":PublishCheck"));
    expect(check?.initErrors?.join()).toContain("refused");
    expect(stack.rawState()).not.toContain("BEGIN PRIVATE KEY");

    server.emulator.faults.clear();
    const again = await stack.up();
    expect(again.changes).toMatchObject({ update: 1 });
    expect(again.outputs).toMatchObject({ outcome: "accepted", pubackCode: 0 });
    expect((await stack.preview({ expectNoChanges: true })).changes).toEqual({ same: 8 });
});

emulated.test("a PUBACK that never comes is a timeout that says where it waited", async () => {
    const stack = await testStack(server, checked("silent", { timeout: 2 }));
    server.emulator.faults.set({ mqtt: { puback: "withhold" } });
    const text = await failure(stack.up());
    expect(text).toContain(`publish check: device "${own("silent")}"`);
    expect(text).toMatch(/PUBACK/);
});

emulated.test("onFailure warn goes on and says why", async () => {
    const stack = await testStack(server, checked("warned", { onFailure: "warn" }));
    server.emulator.faults.set({ mqtt: { connack: 0x87 } });
    const { outputs, output } = await stack.up();
    expect(outputs).toMatchObject({ outcome: "refused", stage: "connack", connackCode: 0x87 });
    expect(output).toContain(`warning: publish check: device "${own("warned")}"`);
});

test("a new binding is checked again", async () => {
    const stack = await testStack(server, checked("rebound"));
    const { outputs } = await stack.up();
    await switchToToken(server, outputs["deviceId"] as string);
    const { changes } = await stack.up({ refresh: true });
    expect(changes).toMatchObject({ update: 2 });
});

test("mode observe waits for the device itself, without its key", async () => {
    const name = own("observed");
    const stack = await testStack(server, async () => {
        const device = new tb.Device(name, { name });
        const certificate = new tb.DeviceCertificate(name, { commonName: name });
        const credential = new tb.DeviceCredential(name, { device, certificate });
        const check = new tb.PublishCheck(name, { credential, mode: "observe", timeout: 2 });
        return { outcome: check.outcome };
    });
    const text = await failure(stack.up());
    expect(text).toContain(`publish check: device "${name}" did not connect within 2 s`);
    expect(text).toContain("has never connected");
});

emulated.test("an MQTT server that is not there, or not trusted, is named", async () => {
    const deadPort = await testStack({ environment: { ...server.environment, THINGSBOARD_MQTT_PORT: "1" } }, checked("dead-port", { timeout: 5 }));
    expect(await failure(deadPort.up())).toMatch(/publish check: device "\S*dead-port".*localhost:1/);
    const { THINGSBOARD_MQTT_CA_PEM: _ca, ...withoutCa } = server.environment;
    const untrusted = await testStack({ environment: withoutCa }, checked("untrusted", { timeout: 5 }));
    expect(await failure(untrusted.up())).toMatch(/publish check: device "\S*untrusted".*mqttCaPem/);
});
