// The device side, beyond the recorded scenarios.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../sdk/emulator";
import { bind, connect, eventually, latest, makeCert, restOf, TELEMETRY, type Certificate, type Rest } from "./support";

let emulator: Emulator;
let rest: Rest;
let serial = 0;

beforeAll(async () => {
    emulator = await startEmulator();
    rest = restOf(emulator);
});
afterAll(() => emulator.stop());

async function device(): Promise<{ id: string; certificate: Certificate }> {
    const certificate = makeCert({ cn: `device-${++serial}` });
    return { id: await bind(rest, `device-${serial}`, certificate), certificate };
}
const versions = [4, 5] as const;

describe.each(versions)("MQTT version %i", (version) => {
    test("payloads up to the limit are stored, larger ones end the session", async () => {
        const { id, certificate } = await device();
        const client = await connect(emulator, { certificate, version });
        const text = "x".repeat(60_000);
        expect(await client.publish(TELEMETRY, JSON.stringify({ text }))).toBe(0);
        expect(await eventually(() => latest(rest, id, "text"), (value) => value === text)).toBe(text);
        expect(await client.publish(TELEMETRY, JSON.stringify({ text: "x".repeat(70_000) }))).toBe("closed");
        expect(await client.closed()).toEqual({ disconnect: version === 5 ? 0x81 : undefined });
    });
    test("QoS 2 is answered with PUBACK and stored", async () => {
        const { id, certificate } = await device();
        const client = await connect(emulator, { certificate, version });
        expect(await client.publish(TELEMETRY, '{"q":2}', { qos: 2 })).toBe(0);
        expect(await eventually(() => latest(rest, id, "q"), (value) => value === "2")).toBe("2");
    });
    test("an empty array is never acknowledged, what a shell leaves of JSON is", async () => {
        const { id, certificate } = await device();
        const client = await connect(emulator, { certificate, version });
        expect(await client.publish(TELEMETRY, "[]", { wait: 300 })).toBe("nothing");
        expect(await client.publish(TELEMETRY, "{temperature:25}")).toBe(0);
        expect(await eventually(() => latest(rest, id, "temperature"), (value) => value === "25")).toBe("25");
    });
    test("bad payloads with QoS 0 end the session in either version", async () => {
        const { certificate } = await device();
        const client = await connect(emulator, { certificate, version });
        await client.publish(TELEMETRY, "{bad", { qos: 0, wait: 50 });
        expect(await client.closed()).toEqual({ disconnect: version === 5 ? 0x99 : undefined });
    });
    test("the end of a device is the end of its session", async () => {
        const { id, certificate } = await device();
        const client = await connect(emulator, { certificate, version });
        await rest("DELETE", `/api/device/${id}`);
        expect(await client.closed()).not.toBe("open");
        expect((await connect(emulator, { certificate, version })).connack).toBe(version === 5 ? 135 : 5);
    });
    test("limits of messages", async () => {
        const { certificate } = await device();
        emulator.setLimits({ transportDeviceTelemetryMsgRateLimit: "1:60" });
        const client = await connect(emulator, { certificate, version });
        expect(await client.publish(TELEMETRY, '{"a":1}')).toBe(0);
        expect(await client.publish(TELEMETRY, '{"a":2}')).toBe("closed");
        expect(await client.closed()).toEqual({ disconnect: version === 5 ? 131 : undefined });
        emulator.setLimits({ transportDeviceMsgRateLimit: "1:60" });
        expect((await connect(emulator, { certificate, version })).connack).toBe(0);
        const refused = await connect(emulator, { certificate, version });
        expect(refused.connack).toBe(version === 5 ? 159 : 3);
        expect(await refused.closed()).toEqual({ disconnect: version === 5 ? 0x96 : undefined });
        emulator.setLimits({});
    });
    test("a profile of another transport", async () => {
        const profile = await rest("POST", "/api/deviceProfile", { name: `coap-${version}`, type: "DEFAULT", transportType: "COAP", profileData: {} });
        const certificate = makeCert({ cn: `coap-${version}` });
        await rest("POST", "/api/device-with-credentials", {
            device: { name: `coap-${version}`, deviceProfileId: profile.body.id },
            credentials: { credentialsType: "X509_CERTIFICATE", credentialsValue: certificate.pem },
        });
        expect((await connect(emulator, { certificate, version })).connack).toBe(version === 5 ? 0x88 : 3);
    });
    test("a profile with topics of its own: the usual ones are lost, the short ones work", async () => {
        const transportConfiguration = { type: "MQTT", deviceTelemetryTopic: "plant/+/data", deviceAttributesTopic: "plant/attributes" };
        const profile = await rest("POST", "/api/deviceProfile", {
            name: `topics-${version}`, type: "DEFAULT", transportType: "MQTT", profileData: { configuration: { type: "DEFAULT" }, transportConfiguration },
        });
        const certificate = makeCert({ cn: `topics-${version}` });
        const { id } = (await rest("POST", "/api/device-with-credentials", {
            device: { name: `topics-${version}`, deviceProfileId: profile.body.id },
            credentials: { credentialsType: "X509_CERTIFICATE", credentialsValue: certificate.pem },
        })).body;
        const client = await connect(emulator, { certificate, version });
        expect(await client.publish("plant/7/data", '{"own":1}')).toBe(0);
        expect(await client.publish("v2/t", '{"short":1}')).toBe(0);
        expect(await client.publish(TELEMETRY, '{"usual":1}')).toBe(version === 5 ? 0x90 : 0);
        expect(await eventually(() => latest(rest, id.id, "short"), (value) => value === "1")).toBe("1");
        expect([await latest(rest, id.id, "own"), await latest(rest, id.id, "usual")]).toEqual(["1", null]);
    });
    test("without a certificate: the code tells what was said, not what was wrong", async () => {
        const said = async (options: object): Promise<unknown> => (await connect(emulator, { version, ...options })).connack;
        expect(await said({ clientId: "x" })).toBe(version === 5 ? 133 : 2);
        expect(await said({ clientId: "" })).toBe(version === 5 ? 135 : 5);
        expect(await said({ username: "nobody" })).toBe(version === 5 ? 134 : 5);
        expect(await said({ username: "nobody", password: "p" })).toBe(version === 5 ? 134 : 5);
        expect(await said({ clientId: "provision" })).toBe(0);
    });
    test("plain MQTT: access token and basic credentials", async () => {
        const { id } = (await rest("POST", `/api/device?accessToken=token-${version}`, { name: `token-${version}` })).body;
        expect((await connect(emulator, { version, plain: true, username: `token-${version}` })).connack).toBe(0);
        const row = (await rest("GET", `/api/device/${id.id}/credentials`)).body;
        const value = { clientId: `basic-${version}`, userName: "u", password: "p" };
        await rest("POST", "/api/device/credentials", { ...row, credentialsType: "MQTT_BASIC", credentialsValue: JSON.stringify(value) });
        const basic = { version, plain: true, clientId: value.clientId, username: "u" };
        expect((await connect(emulator, { ...basic, password: "p" })).connack).toBe(0);
        expect((await connect(emulator, { ...basic, password: "wrong" })).connack).toBe(version === 5 ? 134 : 5);
        expect((await connect(emulator, { version, plain: true, username: `token-${version}` })).connack).toBe(version === 5 ? 134 : 5);
    });
    test("a client that ends the session is answered in kind, one that asks for a kept session is told so", async () => {
        const { certificate } = await device();
        const client = await connect(emulator, { certificate, version, clean: false });
        expect(await client.next("connack")).toMatchObject({ sessionPresent: true });
        client.send({ cmd: "disconnect" });
        expect(await client.closed()).toEqual({ disconnect: version === 5 ? 0 : undefined });
    });
    test("a provisioning session may listen for its answer, and nothing else", async () => {
        const client = await connect(emulator, { version, clientId: "provision" });
        client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "/provision/response", qos: 1 }, { topic: "v1/devices/me/attributes", qos: 1 }] });
        expect(await client.next("suback")).toMatchObject({ granted: [1, version === 5 ? 0x8f : 0x80] });
    });
    test("shared attributes reach a device that listens, and are answered when asked for", async () => {
        const { id, certificate } = await device();
        const client = await connect(emulator, { certificate, version });
        client.send({ cmd: "subscribe", messageId: 1, subscriptions: ["v1/devices/me/attributes", "v1/devices/me/attributes/response/+", "no/such"].map((topic) => ({ topic, qos: 1 as const })) });
        expect(await client.next("suback")).toMatchObject({ granted: [1, 1, version === 5 ? 0x8f : 0x80] });
        client.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: ["v1/devices/me/attributes/response/+", "not/there"] });
        expect(await client.next("unsuback")).toMatchObject(version === 5 ? { granted: [0, 0x11] } : { messageId: 2 });
        client.send({ cmd: "subscribe", messageId: 3, subscriptions: [{ topic: "v1/devices/me/attributes/response/+", qos: 0 }] });
        await rest("POST", `/api/plugins/telemetry/DEVICE/${id}/attributes/SHARED_SCOPE`, { rate: 5 });
        const update = await client.next("publish");
        expect(update?.cmd === "publish" && [update.topic, update.payload.toString(), update.qos]).toEqual(["v1/devices/me/attributes", '{"rate":5}', 1]);
        await client.publish("v1/devices/me/attributes", '{"firmware":"1.0.0"}');
        await client.publish("v1/devices/me/attributes/request/9", '{"clientKeys":"firmware","sharedKeys":"rate"}');
        const messages = await eventually(async () => client.received.filter((packet) => packet.cmd === "publish"), (all) => all.length === 2);
        expect(messages.map((packet) => packet.cmd === "publish" && [packet.topic, packet.payload.toString()])[1]).toEqual([
            "v1/devices/me/attributes/response/9",
            '{"client":{"firmware":"1.0.0"},"shared":{"rate":5}}',
        ]);
    });
});

test("a device is active, and after ten silent minutes no longer", async () => {
    const { id, certificate } = await device();
    const attribute = async (key: string): Promise<unknown> => (await rest("GET", `/api/plugins/telemetry/DEVICE/${id}/values/attributes/SERVER_SCOPE?keys=${key}`)).body[0]?.value;
    expect([await attribute("active"), await attribute("lastConnectTime")]).toEqual([false, undefined]);
    const client = await connect(emulator, { certificate });
    expect([await attribute("active"), typeof (await attribute("lastConnectTime"))]).toEqual([true, "number"]);
    client.end();
    expect(typeof (await eventually(() => attribute("lastDisconnectTime"), (value) => value !== undefined))).toBe("number");
    emulator.faults.set({ clockOffset: 601_000 });
    expect(await attribute("active")).toBe(false);
    emulator.faults.clear();
});

test("the clock decides about the dates of a certificate", async () => {
    const { certificate } = await device();
    emulator.faults.set({ clockOffset: -3 * 86_400_000 });
    expect((await connect(emulator, { certificate })).connack).toBe(5);
    emulator.faults.set({ clockOffset: 400 * 86_400_000 });
    expect((await connect(emulator, { certificate })).connack).toBe(5);
    emulator.faults.clear();
    expect((await connect(emulator, { certificate })).connack).toBe(0);
});
