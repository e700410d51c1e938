// What a declaration may get wrong, as the engine asks for it in preview: one sentence each, and no value that is a secret.

import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { runtime } from "@pulumi/pulumi";
import { reconciler } from "../../../sdk/plugin";
import { daysFromNow, encrypted, issue } from "../mqtt/certificates";

beforeEach(() => {
    vi.stubEnv("THINGSBOARD_URL", "https://tb.example.com");
    vi.stubEnv("THINGSBOARD_API_KEY", "tb_x");
});
afterEach(() => vi.unstubAllEnvs());

const failures = async (type: string, inputs: object) => {
    const { failures } = await reconciler(type, 1).check!({}, { declaredBy: `project/stack/${Math.random()}`, ...inputs });
    // A property would make the engine print its value.
    expect(failures!.map(({ property }) => property)).toEqual(failures!.map(() => ""));
    return failures!.map(({ reason }) => reason);
};

const pump = issue("pump");
const other = issue("other");
const rsa1024 = execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=weak"], { stdio: "pipe", encoding: "utf8" });

it.each<[string, string, string]>([
    ["no PEM", "hello", "expected one PEM certificate, found no PEM block"],
    ["a key", pump.privateKeyPem, "found a private key (PRIVATE KEY): give the certificate, and keep the key to the device"],
    ["certificate and key", pump.certificatePem + pump.privateKeyPem, "found a private key (CERTIFICATE and PRIVATE KEY)"],
    ["a chain", pump.certificatePem + other.certificatePem, "found a chain of 2 certificates: give the device's own alone"],
    ["an expired one", issue("late", { notAfter: daysFromNow(-1) }).certificatePem, "the certificate expired on "],
    ["RSA 1024", rsa1024, "the certificate's RSA key has 1024 bits: use at least 2048, or EC P-256"],
    ["a torn one", pump.certificatePem.replace(/\n\w{4}/, "\nAAAA"), "the PEM block is labelled CERTIFICATE but does not hold a certificate that can be read"],
])("a credential of %s", async (what, certificatePem, sentence) => {
    const reasons = await failures("DeviceCredential", { deviceName: `pump ${what}`, certificatePem });
    expect(reasons).toEqual([expect.stringContaining(`device "pump ${what}": certificatePem: `)]);
    expect(reasons[0]).toContain(sentence);
    expect(reasons[0]).not.toContain(pump.privateKeyPem.split("\n")[1]);
});

const check = { deviceId: "784f394c-42b6-11ef-983c-b7beff2784f9", deviceName: "pump", mode: "publish", verifyStored: "warn", timeout: 30, onFailure: "fail" };

it.each<[string, object, string]>([
    ["no key", { certificatePem: pump.certificatePem }, 'mode "publish" connects as the device and needs its key: give certificate, or certificatePem and privateKeyPem, or use mode "observe"'],
    ["no certificate", { privateKeyPem: pump.privateKeyPem }, 'mode "publish" connects as the device and needs its certificate: give certificate or certificatePem'],
    ["another's key", { certificatePem: pump.certificatePem, privateKeyPem: other.privateKeyPem }, "the private key does not belong to the device's certificate: give the pair that was made together"],
    ["an encrypted key", { certificatePem: pump.certificatePem, privateKeyPem: encrypted(pump.privateKeyPem) }, "the device's private key is encrypted: give it without a passphrase, as a secret"],
    ["no key at all", { certificatePem: pump.certificatePem, privateKeyPem: "hello" }, "the device's private key is no PEM private key"],
    ["the two mixed up", { certificatePem: pump.privateKeyPem, privateKeyPem: pump.certificatePem }, "the device's certificate holds a PRIVATE KEY: only certificates belong there"],
    ["a chain in disorder", { certificatePem: pump.certificatePem + other.certificatePem, privateKeyPem: pump.privateKeyPem }, "certificate 2 of the device's chain did not sign certificate 1"],
    ["a wildcard topic", { ...pair(), topic: "v1/devices/+/telemetry" }, 'topic is "v1/devices/+/telemetry": expected a topic to publish to, without wildcards'],
    ["no time", { ...pair(), timeout: 0 }, "timeout is 0: expected seconds, above 0 and at most 600"],
    ["a mode of its own", { ...pair(), mode: "subscribe" }, 'mode is "subscribe": expected "publish", "connect", "observe"'],
    ["a file name as its authority", { ...pair(), caPem: "ca.pem" }, 'caPem holds no PEM certificate: it must begin with "-----BEGIN CERTIFICATE-----"'],
])("a publish check with %s", async (_what, inputs, sentence) => {
    const reasons = await failures("PublishCheck", { ...check, ...inputs });
    expect(reasons).toEqual([`publish check of device "pump": ${sentence}`].map(text => expect.stringContaining(text) as string));
    expect(reasons[0]).not.toContain(pump.privateKeyPem.split("\n")[1]);
});

function pair() {
    const { certificatePem, privateKeyPem } = pump;
    return { certificatePem, privateKeyPem };
}

it.each<[string, object, string]>([
    ["a source of its own", { source: "web", timeout: 15 }, 'source is "web": expected "download" or "handshake"'],
    ["a pin for a download", { source: "download", timeout: 15, fingerprint: "ab".repeat(32) }, 'fingerprint belongs to source "handshake": a download is verified by the REST connection'],
    ["half a fingerprint", { source: "handshake", timeout: 15, fingerprint: "AB:CD" }, "fingerprint is no SHA-256: expected 64 hex digits"],
    ["a file name as its authority", { source: "handshake", timeout: 15, caPem: "ca.pem" }, 'caPem holds no PEM certificate: it must begin with "-----BEGIN CERTIFICATE-----"'],
    ["a URL as its host", { source: "handshake", timeout: 15, host: "mqtts://tb.example.com" }, 'MQTT host "mqtts://tb.example.com" must be a name or an address alone'],
])("a server chain with %s", async (_what, inputs, sentence) => {
    expect(await failures("ServerChain", inputs)).toEqual([expect.stringContaining(sentence)]);
});

it("asks nothing of what is not known yet", async () => {
    const unknown = runtime.unknownValue;
    expect(await failures("DeviceCredential", { deviceId: unknown, certificatePem: unknown })).toEqual([]);
    expect(await failures("PublishCheck", { ...check, deviceId: unknown, deviceName: unknown, certificatePem: unknown, privateKeyPem: unknown, caPem: unknown })).toEqual([]);
    expect(await failures("ServerChain", { source: unknown, timeout: 15, caPem: unknown, host: unknown, fingerprint: unknown })).toEqual([]);
});

it.each<[string, object, string]>([
    ["Device", { name: "pump", attributes: "north" }, 'Device "pump": attributes is of type string: expected an object'],
    ["Device", { name: "pump", groups: ["a", 5] }, 'Device "pump": groups is a list: expected a list of texts'],
    ["Device", { name: ["pump"] }, "Device: name is a list: expected text"],
    ["DeviceCredential", { deviceName: "pump", certificatePem: { pem: "x" } }, 'DeviceCredential "pump": certificatePem is an object: expected text'],
    ["DeviceProfile", { name: "pumps", x509Chain: { certificatePem: 5, commonNamePattern: "(.*)", createDevices: true } }, 'DeviceProfile "pumps": x509Chain.certificatePem is of type number: expected text'],
    ["PublishCheck", { ...check, ...pair(), rollback: "no" }, 'PublishCheck "pump": rollback is of type string: expected true or false'],
    ["ServerChain", { source: "handshake", timeout: 15, fingerprint: ["AB"] }, "ServerChain: fingerprint is a list: expected text"],
    ["ServerChain", { source: "handshake", timeout: 15, port: "8883" }, "ServerChain: port is of type string: expected a number"],
    ["Device", { name: "pump", attributes: null }, 'Device "pump": attributes is null: expected an object'],
])("%s with another kind of value (%#)", async (type, inputs, sentence) => {
    expect(await failures(type, inputs)).toEqual([sentence]);
});

it.each<[string, object]>([
    ["Device", { name: "every input", label: "x", deviceProfile: "default", owner: "tenant", groups: ["a"], gateway: true, attributes: { site: "north" }, additionalInfo: { floor: 3 }, adopt: false, onDelete: "keep", onDrift: "repair" }],
    ["Device", { name: "with a customer", customer: "Acme" }],
    ["DeviceCredential", { deviceName: "every input", certificatePem: issue("every input").certificatePem, adopt: false, onDelete: "keep", onDrift: "fail", ignoreServerRotation: true }],
    ["DeviceProfile", { name: "every input", description: "x", transport: "MQTT", mqtt: { telemetryTopic: "t", attributesTopic: "a", payloadType: "JSON", acknowledgeInvalid: true }, ruleChain: "Root", dashboard: "d", default: false, adopt: false, onDelete: "keep", onDrift: "fail" }],
    ["PublishCheck", { ...check, ...pair(), topic: "t", payload: "{}", mqttVersion: "5", rollback: false, bindingRevision: 1, boundAt: 1, triggers: [1] }],
    ["ServerChain", { source: "handshake", timeout: 15, host: "tb.example.com", port: 8883 }],
    ["ServerChain", { source: "download", timeout: 15 }],
])("%s as it is declared (%#)", async (type, inputs) => {
    expect(await failures(type, inputs)).toEqual([]);
});
