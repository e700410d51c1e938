// Each way in which a publish check can be refused, played by real servers and by the emulator: the sentence that the
// user reads. `onFailure: "warn"` lets one deployment hold many; what "fail" does with the same sentence is in
// publishCheck.test.ts.

import { once } from "node:events";
import { createServer as createTlsServer } from "node:tls";
import { connect } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { type Identity, daysFromNow, issue } from "../unit/mqtt/certificates";
import { type Peer, type Script, accept, disconnect, mqttServer, refuse, strictServer, tcpServer } from "../unit/mqtt/scriptedServer";
import { emulated, own } from "./support/live";
import { listen } from "./support/reverseProxy";
import { tb, testStack } from "./support/stack";
import { type ThingsBoardUnderTest, emulatedThingsBoard, switchToToken } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
const toClose: (() => unknown)[] = [];
beforeAll(async () => {
    server = await emulatedThingsBoard();
});
beforeEach(() => server.emulator.faults.clear());
afterAll(async () => {
    for (const close of toClose) await close();
    await server.stop();
});

type Verdict = { readonly outcome: string; readonly cause?: string; readonly message: string; readonly stage: string };
const verdict = ({ outcome, cause, message, stage }: InstanceType<typeof tb.PublishCheck>): pulumi.Output<Verdict> => pulumi.output({ outcome, cause, message, stage }) as pulumi.Output<Verdict>;

/** A device with its certificate, and the arguments that its checks have in common. */
function bound(name: string, args: Partial<ConstructorParameters<typeof tb.Device>[1]> = {}) {
    const device = new tb.Device(name, { name: own(name), ...args });
    const certificate = new tb.DeviceCertificate(name, { commonName: own(name) });
    const credential = new tb.DeviceCredential(name, { device, certificate });
    return { credential, certificate, onFailure: "warn", timeout: 2 } as const;
}

const ca = issue("CA of the tests", { authority: true });
const host = "127.0.0.1";
const identity = (names: readonly string[], more: object = {}) => issue(names[0]!, { issuer: ca, names, ...more });
const running = async (starting: Promise<{ port: number; close(): unknown }>): Promise<number> => {
    const { port, close } = await starting;
    toClose.push(close);
    return port;
};

/** A load balancer that ends TLS, before a ThingsBoard's plain MQTT port: the device's certificate stays with it. */
async function loadBalancer({ certificatePem, privateKeyPem }: Identity): Promise<number> {
    const balancer = createTlsServer({ cert: certificatePem, key: privateKeyPem }, socket => {
        const onward = connect(server.emulator.mqttPort, host);
        socket.pipe(onward).pipe(socket);
        for (const end of [socket, onward]) end.on("error", () => void socket.destroy() === void onward.destroy());
    });
    toClose.push(() => balancer.close());
    return listen(balancer);
}

/** Nobody listens there, and nobody can begin to meanwhile: it is this side of a connection. */
async function deafPort(): Promise<number> {
    const socket = connect(await running(tcpServer(() => undefined)), host);
    await once(socket, "connect");
    toClose.unshift(() => socket.destroy());
    return socket.localPort!;
}

emulated.test("on the way to ThingsBoard: name, port, TLS, and whose certificate the server shows", async () => {
    const good = identity([host]);
    const ports: Record<string, { mqttHost?: string; mqttPort: number; mqttCaPem?: string }> = {
        noName: { mqttHost: "mqtt.invalid", mqttPort: 8883 },
        nothing: { mqttPort: await deafPort() },
        plainMqtt: { mqttPort: server.emulator.mqttPort },
        http: { mqttPort: Number(new URL(server.provider.url).port) },
        silent: { mqttPort: await running(tcpServer(() => undefined)) },
        hangsUp: { mqttPort: await running(tcpServer(socket => socket.once("data", () => socket.destroy()))) },
        untrusted: { mqttPort: await running(mqttServer(good)), mqttCaPem: issue("another CA", { authority: true }).certificatePem },
        otherHost: { mqttPort: await running(mqttServer(identity(["mqtt.example.com"]))) },
        expired: { mqttPort: await running(mqttServer(identity([host], { notAfter: daysFromNow(-0.5) }))) },
        notYetValid: { mqttPort: await running(mqttServer(identity([host], { notBefore: daysFromNow(1) }))) },
        strict: { mqttPort: await running(strictServer(good, issue("only these", { authority: true }), "TLSv1.3")) },
        balancer: { mqttPort: await loadBalancer(good) },
        webServer: { mqttPort: await running(httpsServer(good)) },
    };
    const stack = await testStack(server, async () => {
        const pump = bound("pump");
        const verdicts = Object.entries(ports).map(([name, { mqttHost = host, mqttPort, mqttCaPem = ca.certificatePem }]) => {
            const provider = new tb.Provider(name, { ...server.provider, mqttHost, mqttPort, mqttCaPem });
            return [name, verdict(new tb.PublishCheck(name, pump, { provider }))] as const;
        });
        return Object.fromEntries(verdicts);
    });
    const { outputs, output } = await stack.up();
    const at = (name: string) => `${ports[name]!.mqttHost ?? host}:${ports[name]!.mqttPort}`;
    const says = (name: string, cause: string, sentence: string, what = "could not be checked") => {
        const { outcome, message, ...rest } = outputs[name] as Verdict;
        expect({ outcome, cause: rest.cause }, message).toEqual({ outcome: "refused", cause });
        expect(message).toContain(`publish check: device "${own("pump")}" ${what} at ${at(name)}`);
        expect(message).toContain(sentence);
        expect(output).toContain(message);
    };
    says("noName", "name-not-found", "there is no host mqtt.invalid (ENOTFOUND); correct mqttHost");
    says("nothing", "connection-refused", "nothing listens there (ECONNREFUSED); correct mqttHost and mqttPort");
    says("plainMqtt", "tls-handshake", "set mqttPort to the port for MQTT over TLS");
    says("http", "not-tls", "the port does not speak TLS");
    says("silent", "tls-timeout", "did not answer the TLS handshake within 2 s");
    says("hangsUp", "tls-handshake", "the TLS handshake failed (ECONNRESET)");
    says("untrusted", "server-certificate-untrusted", 'the server\'s certificate "CN=127.0.0.1" from "CN=CA of the tests", SHA-256 ');
    says("otherHost", "server-certificate-wrong-host", 'is for "DNS:mqtt.example.com" and not for 127.0.0.1');
    says("expired", "server-certificate-expired", 'the server\'s certificate "CN=127.0.0.1" expired on ');
    says("notYetValid", "server-certificate-not-yet-valid", "the server's certificate is valid only from ");
    says("strict", "client-certificate-refused", "ThingsBoard itself takes any single certificate here, so a proxy or another broker at this address judges it", "was refused");
    says("balancer", "no-certificate-arrived", "no certificate reached ThingsBoard, so a load balancer or proxy in front of it ends TLS; have it pass TCP through", "was refused");
    says("webServer", "not-mqtt", "the port speaks TLS but not MQTT");
    expect(output).not.toMatch(/^\s+at /m);
});

async function httpsServer({ certificatePem, privateKeyPem }: Identity) {
    const web = createTlsServer({ cert: certificatePem, key: privateKeyPem }, socket => {
        socket.on("error", () => socket.destroy());
        socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
    });
    return { port: await listen(web), close: () => web.close() };
}

const puback = (reasonCode: number): NonNullable<Script["publish"]> => ({ send }, { messageId }) => send({ cmd: "puback", messageId: messageId ?? 0, reasonCode });
const hangUp = ({ socket }: Peer) => void socket.destroy();

/** What ThingsBoard, or a broker that is none, can answer; the certificate's name says which of them the check is to meet. */
const answers: Record<string, [script: Script, cause: string, sentence: string]> = {
    "user name": [{ connect: refuse(0x86) }, "user-name-refused", "(CONNACK 0x86, Bad User Name or Password): ThingsBoard was looking for a user name, so no certificate reached it"],
    unavailable: [{ connect: refuse(0x88) }, "server-unavailable", "(CONNACK 0x88, Server unavailable): ThingsBoard can't take the session"],
    "no MQTT 5, no 3.1.1": [{ connect: (peer, packet) => (packet.protocolVersion === 5 ? refuse(0x84) : refuse(1))(peer, packet) }, "protocol-version", "(CONNACK 1, Unacceptable protocol version): the server speaks neither MQTT 5 nor 3.1.1, so it is no ThingsBoard; correct mqttHost and mqttPort"],
    blocked: [{ connect: refuse(0x8a) }, "address-blocked", "the server blocks this machine's address after too many refused connections"],
    quota: [{ connect: refuse(0x97) }, "quota", "the tenant's quota is used up"],
    hurry: [{ connect: refuse(0x9f) }, "rate-limit", "(CONNACK 0x9F, Connection rate exceeded): a rate limit of the tenant or the device is used up"],
    mute: [{ connect: () => undefined }, "connack-timeout", "got no answer to CONNECT at 127.0.0.1"],
    "cut off": [{ connect: hangUp }, "closed-before-connack", "was cut off at 127.0.0.1"],
    topic: [{ publish: puback(0x90) }, "topic-refused", "(PUBACK 0x90, Topic Name invalid): "],
    payload: [{ publish: puback(0x99) }, "payload-refused", '(PUBACK 0x99, Payload format invalid): see that what goes to "v1/devices/me/telemetry" is a JSON object'],

    rights: [{ publish: puback(0x87) }, "not-authorized", 'the device may not publish to "v1/devices/me/telemetry"'],
    unnamed: [{ publish: puback(0x80) }, "other-reason", "(PUBACK 0x80, Unspecified error): ThingsBoard gives no further reason; look at its log"],
    "taken over": [{ publish: disconnect(0x8e) }, "taken-over", "(DISCONNECT 0x8E, Session taken over): the device itself connected at the same time"],
    shutdown: [{ publish: disconnect(0x8b) }, "server-shutting-down", "the server is shutting down; try again when it is up"],
};

emulated.test("what the server answers: every reason code in words", async () => {
    const name = ({ socket }: Peer): string => (socket as import("node:tls").TLSSocket).getPeerCertificate().subject.CN as string;
    const played: Script = {
        connect: (peer, packet) => (answers[name(peer)]?.[0].connect ?? accept.connect)(peer, packet),
        publish: (peer, packet) => (answers[name(peer)]?.[0].publish ?? accept.publish)(peer, packet),
    };
    const mqttPort = await running(mqttServer(identity([host]), played));
    const stack = await testStack(server, async () => {
        const provider = new tb.Provider("scripted", { ...server.provider, mqttHost: host, mqttPort, mqttCaPem: ca.certificatePem });
        const { credential, onFailure, timeout } = bound("asked");
        const verdicts = Object.keys(answers).map(name => {
            const { certificatePem, privateKeyPem } = issue(name);
            return [name, verdict(new tb.PublishCheck(name, { credential, certificatePem, privateKeyPem, onFailure, timeout }, { provider }))] as const;
        });
        return Object.fromEntries(verdicts);
    });
    const { outputs, output } = await stack.up();
    for (const [name, [, cause, sentence]] of Object.entries(answers)) {
        const { message, ...rest } = outputs[name] as Verdict;
        expect(message).toContain(`publish check: device "${own("asked")}" `);
        expect(message).toContain(sentence);
        expect(rest.cause).toBe(cause);
    }
    expect(output).not.toMatch(/^\s+at /m);
});

/** Profiles as an administrator makes them at the web page. */
async function profile(name: string, transportType: string, transportConfiguration: object = { type: transportType }): Promise<string> {
    await server.call("POST", "/api/deviceProfile", {
        name,
        type: "DEFAULT",
        transportType,
        provisionType: "DISABLED",
        profileData: { configuration: { type: "DEFAULT" }, transportConfiguration, provisionConfiguration: { type: "DISABLED", provisionDeviceSecret: null }, alarms: null },
    });
    return name;
}

const mqttTransport = (deviceTelemetryTopic: string, transportPayloadType = "JSON") => ({
    type: "MQTT",
    deviceTelemetryTopic,
    deviceAttributesTopic: "v1/devices/me/attributes",
    deviceAttributesSubscribeTopic: "v1/devices/me/attributes",
    transportPayloadTypeConfiguration: { transportPayloadType, ...(transportPayloadType === "PROTOBUF" ? { enableCompatibilityWithJsonPayloadFormat: false } : {}) },
});

emulated.test("what the device's profile says: its transport, topics and payloads; and gateways", async () => {
    const coap = await profile(own("coap"), "COAP", { type: "COAP", coapDeviceTypeConfiguration: { coapDeviceType: "DEFAULT" } });
    const topics = await profile(own("topics"), "MQTT", mqttTransport("factory/telemetry"));
    const protobuf = await profile(own("protobuf"), "MQTT", mqttTransport("v1/devices/me/telemetry", "PROTOBUF"));
    const stack = await testStack(server, async () => {
        const plain = bound("no-gateway");
        const check = (name: string, args: ConstructorParameters<typeof tb.PublishCheck>[1], dependsOn: pulumi.Resource[] = []) => [name, verdict(new tb.PublishCheck(name, args, { dependsOn }))] as const;
        const custom = bound("custom", { deviceProfile: topics });
        const binary = bound("binary", { deviceProfile: protobuf });
        return Object.fromEntries([
            check("coap", bound("coap", { deviceProfile: coap })),
            check("ownTopic", custom),
            check("binary", binary),
            check("gateway", bound("gateway", { gateway: true })),
            check("gatewayTopic", { ...bound("gateway-speaks", { gateway: true }), topic: "v1/gateway/telemetry", payload: "{}" }),
            check("notAGateway", { ...plain, topic: "v1/gateway/telemetry", payload: "{}" }),
            check("usualTopic", { ...bound("usual", { deviceProfile: topics }), topic: "v1/devices/me/telemetry" }),
            check("text", { ...bound("text"), payload: "not JSON" }),
            check("large", { ...bound("large"), payload: JSON.stringify({ text: "x".repeat(70_000) }) }),
            check("empty", { ...bound("empty"), payload: "[]" }),
            check("old", { ...bound("old"), mqttVersion: "3.1.1", topic: "v1/devices/me/telemtry", payload: '{"a":1}' }),
        ]);
    });
    const { outputs, output } = await stack.up();
    const says = (name: string, cause: string | undefined, sentence: string | RegExp) => {
        const { message, ...rest } = outputs[name] as Verdict;
        expect(message).toMatch(sentence);
        expect(rest.cause, message).toBe(cause);
    };
    says("coap", "other-transport", new RegExp(`device profile "${coap}" is for "COAP", which shuts MQTT out; give the device a profile with transport DEFAULT or MQTT`));
    says("ownTopic", undefined, /was accepted .* published to "factory\/telemetry" was acknowledged .* is stored$/);
    says("binary", undefined, /published to "v2\/t\/j" was acknowledged .* is stored$/);
    says("gateway", undefined, /was accepted .* is stored$/);
    says("gatewayTopic", undefined, /was accepted .* published to "v1\/gateway\/telemetry" was acknowledged/);
    says("notAGateway", "gateway-topic", /never acknowledges "v1\/gateway\/telemetry" from a device that is no gateway; .* or mark the device as a gateway/);
    says("usualTopic", "topic-refused", new RegExp(`device profile "${topics}" does not know "v1/devices/me/telemetry"; publish to its own telemetry topic "factory/telemetry"`));
    says("text", "payload-refused", /is a JSON object, or an array of them, such as \{"temperature":21\}/);
    says("large", "packet-too-large", /more than this server takes \(ThingsBoard: 65,536 by default\); send less, or raise NETTY_MAX_PAYLOAD_SIZE/);
    says("empty", "puback-timeout", /an empty array is never acknowledged/);
    // Acknowledged, and nobody knows where it went: nothing to look for on a topic that is not telemetry's.
    says("old", undefined, /was accepted .* over TLSv1\.3 and MQTT 3\.1\.1/);
    expect(output).not.toMatch(/^\s+at /m);
});

emulated.test("what happened to the credential meanwhile, and whose clock is wrong", async () => {
    const day = 86_400_000;
    let trigger = 0;
    const stack = await testStack(server, async () => {
        const names = ["token", "deleted", "swapped"];
        const checks = names.map(name => {
            const pump = bound(`life-${name}`);
            return [name, { id: pump.credential.deviceId, verdict: verdict(new tb.PublishCheck(name, { ...pump, triggers: [trigger] })) }] as const;
        });
        return Object.fromEntries(checks);
    });
    const first = (await stack.up()).outputs as Record<string, { id: string; verdict: Verdict }>;
    for (const { verdict } of Object.values(first)) expect(verdict).toMatchObject({ outcome: "accepted", stage: "puback" });

    // The trigger alone makes them run again.
    trigger++;
    expect((await stack.preview()).changes).toMatchObject({ update: 3 });
    await switchToToken(server, first["token"]!.id);
    await server.call("DELETE", `/api/device/${first["deleted"]!.id}`);
    const [a, b] = [await server.credentials(first["swapped"]!.id), await server.credentials(first["token"]!.id)];
    await server.call("POST", "/api/device/credentials", { ...a, credentialsType: "ACCESS_TOKEN", credentialsId: "freed", credentialsValue: null });
    await server.call("POST", "/api/device/credentials", { ...b, credentialsType: "X509_CERTIFICATE", credentialsValue: a.credentialsValue });
    const { outputs, output } = await stack.up();
    const said = (name: string) => (outputs[name] as { verdict: Verdict }).verdict;
    expect(said("token")).toMatchObject({ cause: "changed-meanwhile", message: expect.stringMatching(/was bound, but somebody changed it and the device now holds another certificate .*; run pulumi refresh and pulumi up to bind it again, and find out who else writes its credentials/) as string });
    expect(said("deleted")).toMatchObject({ cause: "device-gone", message: expect.stringContaining("the device is no longer there, and its certificate went with it; run pulumi refresh and pulumi up to have it made again") as string });
    // ThingsBoard knows a device by its certificate alone: this one speaks for another now.
    expect(said("swapped")).toMatchObject({ cause: "bound-to-another-device", message: expect.stringContaining("was accepted at localhost") as string });
    expect(output).not.toMatch(/^\s+at /m);

    await stack.up({ refresh: true });
    server.emulator.faults.set({ clockOffset: 400 * day });
    trigger++;
    const late = (await stack.up()).outputs as Record<string, { verdict: Verdict }>;
    expect(late["token"]!.verdict).toMatchObject({ cause: "certificate-expired", message: expect.stringMatching(/its certificate expired on .* \(the server's clock is 400 days ahead of this machine's\); issue a new one/) as string });
    server.emulator.faults.set({ clockOffset: -2 * day });
    trigger++;
    const early = (await stack.up()).outputs as Record<string, { verdict: Verdict }>;
    expect(early["token"]!.verdict).toMatchObject({ cause: "certificate-not-yet-valid", message: expect.stringMatching(/its certificate is valid only from .*, which is \d+ h away for ThingsBoard \(the server's clock is 2 days behind this machine's\); set the clocks by NTP, or run again then/) as string });
});

emulated.test("limits, lost values, and a clock that is a little slow", async () => {
    let args: Partial<ConstructorParameters<typeof tb.PublishCheck>[1]> = {};
    const stack = await testStack(server, async () => ({ verdict: verdict(new tb.PublishCheck("c", { ...bound("limited"), ...args })) }));
    const says = async (cause: string | undefined, sentence: RegExp) => {
        const { outputs, output } = await stack.up();
        const { message, ...rest } = outputs["verdict"] as Verdict;
        expect(rest.cause, message).toBe(cause);
        expect(`${message}\n${output}`).toMatch(sentence);
    };
    // Made a moment ago, and not yet valid for a server three seconds behind: tried again until it is.
    server.emulator.faults.set({ clockOffset: -3000 });
    await says(undefined, /was accepted/);

    server.emulator.faults.set({ clockOffset: 0, mqtt: { loseTelemetry: true } });
    args = { triggers: [1], verifyStored: "required" };
    await says("not-stored", /published .* to "v1\/devices\/me\/telemetry", which was acknowledged but not stored: the rule chain drops or renames the key, or the rule engine is behind/);
    server.emulator.faults.clear();

    server.emulator.setLimits({ transportDeviceTelemetryMsgRateLimit: "1:600" });
    args = { triggers: [2] };
    await says(undefined, /was accepted/);
    args = { triggers: [3] };
    await says("rate-limit", /ThingsBoard closes so when the telemetry rate limit of the tenant or the device is used up; wait a minute, or raise it in the tenant profile/);
    server.emulator.setLimits({ transportDeviceMsgRateLimit: "1:600" });
    // MQTT 3.1.1 has no words for it: the first connection is taken, and its message ends it; the next one is not taken.
    args = { triggers: [4], mqttVersion: "3.1.1" };
    await says("closed-before-puback", /without a PUBACK: ThingsBoard closes so on a payload that it can't read, on a used-up telemetry rate limit, and when the device itself connects/);
    args = { triggers: [5], mqttVersion: "3.1.1" };
    await says("server-unavailable", /CONNACK 3, Server unavailable\): ThingsBoard can't take the session: it is starting, a message rate limit/);
    server.emulator.setLimits({});
});
