// The publish check against the package's own ThingsBoard: what REST says and what MQTT answers are one platform's.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Emulator, startEmulator } from "../../sdk/emulator";
import { type Cause, diagnose, type DiagnosisContext } from "../../sdk/mqtt/diagnosis";
import { observe } from "../../sdk/mqtt/observe";
import type { PublishCheckRequest } from "../../sdk/mqtt/outcome";
import { deviceMessage, marker, markerKey } from "../../sdk/mqtt/payload";
import { publishCheck } from "../../sdk/mqtt/publishCheck";
import { fetchServerChain } from "../../sdk/mqtt/serverChain";
import { readLeaf } from "../../sdk/x509/leaf";
import { type Identity, issue } from "../unit/mqtt/certificates";

let emulator: Emulator;
beforeAll(async () => {
    emulator = await startEmulator();
});
afterAll(() => emulator.stop());
afterEach(() => {
    emulator.faults.clear();
    emulator.setLimits({});
});

async function rest<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${emulator.restUrl}${path}`, {
        method,
        headers: { "X-Authorization": `ApiKey ${emulator.apiKey}`, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
}

type Credential = NonNullable<DiagnosisContext["credential"]>;
interface Device {
    readonly id: string;
    readonly name: string;
    readonly identity: Identity;
    check(more?: Partial<PublishCheckRequest>): ReturnType<typeof publishCheck>;
    /** Checks, and reads the verdict with what REST knows. */
    verdict(more?: Partial<PublishCheckRequest>, context?: Partial<DiagnosisContext>): Promise<{ cause: Cause; sentence: string }>;
}

let count = 0;
async function device(how: "bound" | "unbound" = "bound", fields: object = {}): Promise<Device> {
    const name = `pump-${++count}`;
    const identity = issue(name);
    const credentials = { credentialsType: "X509_CERTIFICATE", credentialsValue: identity.certificatePem };
    const { id } =
        how === "bound"
            ? await rest<{ id: { id: string } }>("POST", "/api/device-with-credentials", { device: { name, ...fields }, credentials })
            : await rest<{ id: { id: string } }>("POST", "/api/device", { name, ...fields });
    const check: Device["check"] = more =>
        publishCheck({
            mode: "publish",
            host: emulator.mqttsHost,
            port: emulator.mqttsPort,
            caPem: emulator.caPem,
            certificatePem: identity.certificatePem,
            privateKeyPem: identity.privateKeyPem,
            ...deviceMessage(marker()),
            timeoutSeconds: 5,
            ...more,
        });
    return {
        id: id.id,
        name,
        identity,
        check,
        async verdict(more, context) {
            const outcome = await check(more);
            const credential = await rest<Credential>("GET", `/api/device/${id.id}/credentials`);
            return diagnose(outcome, { deviceName: name, credential, ...context });
        },
    };
}

describe("a device whose certificate is bound", () => {
    it("is accepted, and what the check published is stored", async () => {
        const pump = await device();
        const value = marker();
        const outcome = await pump.check(deviceMessage(value));
        expect(outcome).toMatchObject({ ok: true, reached: "puback", mqttVersion: "5", presented: { credentialsId: readLeaf(pump.identity.certificatePem).credentialsId } });
        const latest = await rest<Record<string, { value: string }[]>>("GET", `/api/plugins/telemetry/DEVICE/${pump.id}/values/timeseries?keys=${markerKey}`);
        expect(latest[markerKey]?.[0]?.value).toBe(value);
    });

    it("is accepted in MQTT 3.1.1 too, and in mode connect", async () => {
        const pump = await device();
        expect(await pump.verdict({ protocolVersion: "3.1.1" })).toMatchObject({ cause: "accepted" });
        expect(await pump.check({ mode: "connect" })).toMatchObject({ ok: true, reached: "connack" });
    });

    it("is observed when it connects by itself", async () => {
        const pump = await device();
        const since = Date.now() - 1;
        const poll = async () => {
            const found = await rest<{ key: string; value: number }[]>("GET", `/api/plugins/telemetry/DEVICE/${pump.id}/values/attributes/SERVER_SCOPE?keys=lastConnectTime`);
            const lastConnectTime = found.find(({ key }) => key === "lastConnectTime")?.value;
            return lastConnectTime === undefined ? {} : { lastConnectTime };
        };
        const [observed] = await Promise.all([observe(poll, { since, timeoutSeconds: 10, intervalSeconds: 0.05 }), pump.check({ mode: "connect" })]);
        expect(observed).toMatchObject({ connected: true });
    });
});

describe("a refusal is explained by what REST knows", () => {
    it("an access token instead of the certificate", async () => {
        const pump = await device("unbound");
        expect((await pump.verdict()).sentence).toBe(
            `device "${pump.name}" was refused at localhost:${emulator.mqttsPort} (CONNACK 0x87, Not authorized): the device holds an access token instead of a certificate; bind the certificate with DeviceCredential`,
        );
        expect((await pump.verdict({ protocolVersion: "3.1.1" })).sentence).toContain("(CONNACK 5, Not authorized)");
    });

    it("another certificate", async () => {
        const pump = await device();
        const { certificatePem, privateKeyPem } = issue("pump-other");
        expect(await pump.verdict({ certificatePem, privateKeyPem })).toMatchObject({ cause: "other-certificate-bound" });
    });

    it("another device's certificate, which is accepted, but not as this device", async () => {
        const [pump, other] = [await device(), await device()];
        const { certificatePem, privateKeyPem } = other.identity;
        expect(await pump.verdict({ certificatePem, privateKeyPem })).toMatchObject({ cause: "bound-to-another-device" });
    });

    it("a clock that is behind, and one past the certificate's end", async () => {
        const pump = await device();
        const skew = async (clockSkewMs: number) => {
            emulator.faults.set({ clockOffset: clockSkewMs });
            return pump.verdict({ clockSkewMs }, { clockSkewMs });
        };
        expect(await skew(-3 * 86_400_000)).toMatchObject({ cause: "certificate-not-yet-valid", sentence: expect.stringContaining("(the server's clock is 3 days behind this machine's)") });
        expect(await skew(60 * 86_400_000)).toMatchObject({ cause: "certificate-expired" });
    });

    it("a profile for another transport", async () => {
        const profile = { name: `coap-${count}`, transportType: "COAP" };
        const coap = { type: "COAP", coapDeviceTypeConfiguration: { coapDeviceType: "DEFAULT", transportPayloadTypeConfiguration: { transportPayloadType: "JSON" } } };
        const { id } = await rest<{ id: object }>("POST", "/api/deviceProfile", {
            ...profile, type: "DEFAULT", provisionType: "DISABLED",
            profileData: { configuration: { type: "DEFAULT" }, transportConfiguration: coap, provisionConfiguration: { type: "DISABLED", provisionDeviceSecret: null }, alarms: null },
        });
        const pump = await device("bound", { deviceProfileId: id });
        expect(await pump.verdict({}, { profile })).toMatchObject({ cause: "other-transport", sentence: expect.stringContaining('is for "COAP", which shuts MQTT out') });
    });
});

describe("what is published is judged", () => {
    it.each<[Cause, Partial<PublishCheckRequest>]>([
        ["topic-refused", { topic: "pumps" }],
        ["payload-refused", { payload: "21 degrees" }],
        ["closed-before-puback", { payload: "21 degrees", protocolVersion: "3.1.1" }],
        ["packet-too-large", { payload: JSON.stringify({ text: "x".repeat(70_000) }) }],
        ["packet-too-large", { payload: JSON.stringify({ text: "x".repeat(70_000) }), protocolVersion: "3.1.1" }],
        ["gateway-topic", { topic: "v1/gateway/telemetry", timeoutSeconds: 0.5 }],
        ["puback-timeout", { payload: "[]", timeoutSeconds: 0.5 }],
    ])("%s (%#)", async (cause, more) => {
        expect(await (await device()).verdict(more)).toMatchObject({ cause });
    });
});

describe("the server itself", () => {
    it.each<[Cause, Parameters<Emulator["rotateServerCertificate"]>[0]]>([
        ["server-certificate-untrusted", { authority: "new" }],
        ["server-certificate-wrong-host", { hosts: ["mqtt.example.com"] }],
        ["server-certificate-expired", { validity: "expired" }],
        ["server-certificate-not-yet-valid", { validity: "notYetValid" }],
    ])("%s", async (cause, rotation) => {
        const pump = await device();
        const { caPem } = emulator;
        try {
            await emulator.rotateServerCertificate(rotation);
            expect(await pump.verdict({ caPem })).toMatchObject({ cause });
        } finally {
            await emulator.rotateServerCertificate();
        }
    });

    it.each<[Cause, Parameters<Emulator["faults"]["set"]>[0]["mqtt"] & object]>([
        ["tls-handshake", { tls: "close" }],
        ["no-certificate-arrived", { connack: 2 }],
        ["server-unavailable", { connack: 0x88 }],
        ["rate-limit", { connack: 0x9f }],
        ["connack-timeout", { connack: "withhold" }],
        ["closed-before-connack", { connack: "close" }],
        ["quota", { puback: 0x97 }],
        ["puback-timeout", { puback: "withhold" }],
        ["closed-before-puback", { puback: "close" }],
        ["closed-before-puback", { closeAfterConnect: true }],
    ])("%s (%#)", async (cause, mqtt) => {
        const pump = await device();
        emulator.faults.set({ mqtt });
        expect(await pump.verdict({ timeoutSeconds: 1 })).toMatchObject({ cause });
    });

    it("its plain MQTT port, and its REST port", async () => {
        const pump = await device();
        expect((await pump.verdict({ port: emulator.mqttPort })).cause).toMatch(/^(not-tls|tls-handshake)$/);
        expect(await pump.verdict({ port: Number(new URL(emulator.restUrl).port) })).toMatchObject({ cause: "not-tls" });
    });

    it("shows its chain, which then is what a device may trust", async () => {
        const { mqttsHost: host, mqttsPort: port } = emulator;
        const chain = await fetchServerChain({ host, port, caPem: emulator.caPem });
        expect(await fetchServerChain({ host, port, fingerprint: chain.fingerprint })).toMatchObject({ fingerprint: chain.fingerprint });
        expect(await (await device()).verdict({ caPem: chain.chainPem })).toMatchObject({ cause: "accepted" });
    });
});
