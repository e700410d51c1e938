import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { PublishCheckOutcome, PublishCheckRequest } from "../../../sdk/mqtt/outcome";
import { publishChecks } from "../../../sdk/mqtt/pool";
import { publishCheck } from "../../../sdk/mqtt/publishCheck";
import { readLeaf } from "../../../sdk/x509/leaf";
import { daysFromNow, encrypted, type Identity, issue } from "./certificates";
import { accept, disconnect, mqttServer, refuse, type Script, strictServer, tcpServer } from "./scriptedServer";

const ca = issue("test-ca", { authority: true });
const server = issue("127.0.0.1", { issuer: ca, names: ["127.0.0.1"] });
const device = issue("pump-1");

const running: { close(): Promise<void> }[] = [];
const started = <T extends { close(): Promise<void> }>(it: T): T => (running.push(it), it);
afterEach(async () => {
    await Promise.all(running.splice(0).map(it => it.close()));
});

const to = (port: number, more: Partial<PublishCheckRequest> = {}): PublishCheckRequest =>
    ({
        mode: "publish",
        host: "127.0.0.1",
        port,
        caPem: ca.certificatePem,
        certificatePem: device.certificatePem,
        privateKeyPem: device.privateKeyPem,
        payload: '{"pulumiPublishCheck":"pulumi-x"}',
        timeoutSeconds: 5,
        ...more,
    });

/** Starts a server, checks against it, and makes sure that nothing stays open on either side. */
async function against(script: Script, more?: Partial<PublishCheckRequest>, options?: Parameters<typeof mqttServer>[2]): Promise<PublishCheckOutcome> {
    const mqtt = started(await mqttServer(server, script, options));
    const outcome = await publishCheck(to(mqtt.port, more));
    await mqtt.idle();
    return outcome;
}

describe("an accepted check", () => {
    it("publishes, waits for PUBACK, says goodbye, and tells what it saw", async () => {
        let published = "", goodbyes = 0;
        const outcome = await against({
            publish: (peer, packet) => {
                published = `${packet.qos} ${packet.topic} ${packet.payload.toString()}`;
                accept.publish(peer, packet);
            },
            disconnect: () => goodbyes++,
        });
        expect(published).toBe('1 v1/devices/me/telemetry {"pulumiPublishCheck":"pulumi-x"}');
        expect(goodbyes).toBe(1);
        expect(outcome).toMatchObject({
            ok: true,
            reached: "puback",
            reasonCode: 0,
            reasonName: "Success",
            mqttVersion: "5",
            tlsVersion: "TLSv1.3",
            cipher: expect.stringMatching(/^TLS_/),
            clientId: expect.stringMatching(/^pulumi-[0-9a-f]{16}$/),
            topic: "v1/devices/me/telemetry",
            payloadBytes: 33,
            connections: 1,
            remoteAddress: expect.stringContaining("127.0.0.1 port "),
            localAddress: expect.stringContaining("127.0.0.1 port "),
            connectMs: expect.any(Number),
            publishMs: expect.any(Number),
            presented: { credentialsId: readLeaf(device.certificatePem).credentialsId, chainLength: 1 },
            server: { fingerprint: readLeaf(server.certificatePem).fingerprint, subject: "CN=127.0.0.1", issuer: "CN=test-ca", names: "IP Address:127.0.0.1" },
        });
        expect(JSON.stringify(outcome)).not.toContain("PRIVATE KEY");
    });

    it("leaves after CONNACK where nothing is to be published", async () => {
        const outcome = await against({ publish: () => expect.unreachable() }, { mode: "connect" });
        expect(outcome).toMatchObject({ ok: true, reached: "connack", reasonCode: 0 });
        expect(outcome).not.toHaveProperty("topic");
    });

    it("presents the certificate although the server names another acceptable issuer, as ThingsBoard does", async () => {
        let presented = "";
        await against({ connect: (peer, packet) => ((presented = peerName(peer.socket)), accept.connect(peer, packet)) }, {}, { ca: server.certificatePem });
        expect(presented).toBe("pump-1");
    });

    it.each(["TLSv1.2", "TLSv1.3"] as const)("speaks %s", async version => {
        expect(await against({}, {}, { minVersion: version, maxVersion: version })).toMatchObject({ ok: true, tlsVersion: version });
    });

    it("takes 'no matching subscribers' for success", async () => {
        const outcome = await against({ publish: ({ send }, { messageId }) => send({ cmd: "puback", messageId: messageId ?? 0, reasonCode: 0x10 }) });
        expect(outcome).toMatchObject({ ok: true, reasonCode: 0x10, reasonName: "No matching subscribers" });
    });

    it("tries the next address of a name that has several", async () => {
        const mqtt = started(await mqttServer(server));
        const lookup = async () => [{ address: "::1", family: 6 }, { address: "127.0.0.1", family: 4 }];
        const outcome = await publishCheck(to(mqtt.port, { host: "mqtt.example.com" }), { lookup });
        expect(outcome).toMatchObject({ ok: false, fault: "wrong-host", remoteAddress: `127.0.0.1 port ${mqtt.port}` });
    });

    it("checks the certificate against another name where told to", async () => {
        const named = issue("server", { issuer: ca, names: ["mqtt.example.com"] });
        const mqtt = started(await mqttServer(named));
        expect(await publishCheck(to(mqtt.port, { servername: "mqtt.example.com" }))).toMatchObject({ ok: true });
    });
});

describe("the version of MQTT", () => {
    const only311: Script["connect"] = (peer, packet) => (packet.protocolVersion === 5 ? peer.raw("20020001") : accept.connect(peer, packet));

    it.each<[string, NonNullable<Script["connect"]>]>([
        ["0x84", (peer, packet) => (packet.protocolVersion === 5 ? refuse(0x84)(peer, packet) : accept.connect(peer, packet))],
        ["a CONNACK of 3.1.1", only311],
        ["a closed connection", (peer, packet) => (packet.protocolVersion === 5 ? peer.socket.destroy() : accept.connect(peer, packet))],
    ])("falls back to 3.1.1 on %s", async (_how, connect) => {
        expect(await against({ connect })).toMatchObject({ ok: true, mqttVersion: "3.1.1", connections: 2 });
    });

    it("does not fall back where one was asked for", async () => {
        expect(await against({ connect: only311 }, { protocolVersion: "5" })).toMatchObject({
            ok: false, stage: "connack", reasonCode: 1, reasonName: "Unacceptable protocol version", connections: 1,
        });
        expect(await against({}, { protocolVersion: "3.1.1" })).toMatchObject({ ok: true, mqttVersion: "3.1.1" });
    });
});

describe("a refusal names the stage", () => {
    it.each([
        ["a PUBLISH of QoS 1", "32020000", "PUBLISH without its packet identifier"],
        ["a PUBLISH of QoS 2", "34020000", "PUBLISH without its packet identifier"],
        ["a PUBREL", "6200", "PUBREL without its packet identifier"],
        ["a PUBACK", "4000", "PUBACK without its packet identifier"],
        ["a PUBACK with the identifier 0", "40020000", "PUBACK without its packet identifier"],
    ])("not-mqtt, for %s that ends before its packet identifier, to which nothing could be answered", async (_what, bytes, code) => {
        for (const protocolVersion of ["3.1.1", "5"] as const) expect(await against({ publish: ({ raw }) => raw(bytes) }, { protocolVersion })).toMatchObject({ ok: false, stage: "not-mqtt", waitedFor: "puback", code });
    });

    it("not-mqtt, for a PUBACK of something else, which proves nothing", async () => {
        const outcome = await against({ publish: ({ send }, { messageId }) => send({ cmd: "puback", messageId: messageId === 7 ? 8 : 7 }) });
        expect(outcome).toMatchObject({ ok: false, stage: "not-mqtt", waitedFor: "puback", code: "PUBACK for another message" });
    });

    it("none, where the server sends a message of its own before its PUBACK", async () => {
        const outcome = await against({ publish: (peer, packet) => (peer.send({ cmd: "publish", topic: "v1/devices/me/attributes", payload: "{}", qos: 1, dup: false, retain: false, messageId: 9 }), accept.publish(peer, packet)) });
        expect(outcome).toMatchObject({ ok: true, reached: "puback" });
    });

    it("connack, although a DISCONNECT comes in the same piece of data whose code its packet may not carry", async () => {
        const outcome = await against({ connect: ({ raw }) => raw("2003008500" + "e00185") });
        expect(outcome).toMatchObject({ ok: false, stage: "connack", reasonCode: 0x85, reasonName: "Client Identifier not valid" });
        const other = await against({ publish: ({ raw }) => raw("40030001" + "95") });
        expect(other).toMatchObject({ ok: false, stage: "closed", waitedFor: "puback", code: "Invalid puback reason code" });
    });

    it("dns", async () => {
        const outcome = await publishCheck(to(8883, { host: "mqtt.invalid" }));
        expect(outcome).toMatchObject({ ok: false, stage: "dns", code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) });
        expect(outcome).not.toHaveProperty("reached");
    });

    it("timeout in the look-up", async () => {
        const never = () => new Promise<never>(() => undefined);
        expect(await publishCheck(to(8883, { timeoutSeconds: 0.1 }), { lookup: never })).toMatchObject({ ok: false, stage: "timeout", waitedFor: "dns" });
    });

    it("tcp", async () => {
        const gone = await tcpServer(() => undefined);
        await gone.close();
        expect(await publishCheck(to(gone.port))).toMatchObject({ ok: false, stage: "tcp", code: "ECONNREFUSED", reached: "dns" });
    });

    it("tls-server: HTTP on the port", async () => {
        const http = createHttpServer().listen(0, "127.0.0.1");
        started({ close: async () => void http.close() });
        await new Promise(resolve => http.once("listening", resolve));
        expect(await publishCheck(to((http.address() as AddressInfo).port))).toMatchObject({ ok: false, stage: "tls-server", fault: "not-tls", reached: "tcp" });
    });

    it("tls-server: hangs up on a TLS greeting, as a plain MQTT port does", async () => {
        const plain = started(await tcpServer(socket => socket.once("data", () => socket.destroy())));
        expect(await publishCheck(to(plain.port))).toMatchObject({ ok: false, stage: "tls-server", fault: "handshake", code: "ECONNRESET" });
    });

    it.each<[string, () => Identity]>([
        ["untrusted", () => issue("127.0.0.1", { names: ["127.0.0.1"] })],
        ["wrong-host", () => issue("other", { issuer: ca, names: ["mqtt.example.com"] })],
        ["expired", () => issue("old", { issuer: ca, names: ["127.0.0.1"], notBefore: daysFromNow(-9), notAfter: daysFromNow(-1) })],
        ["not-yet-valid", () => issue("new", { issuer: ca, names: ["127.0.0.1"], notBefore: daysFromNow(1) })],
    ])("tls-server: %s, and CONNECT is never sent", async (fault, identity) => {
        const certificate = identity();
        const mqtt = started(await mqttServer(certificate, { connect: () => expect.unreachable() }));
        expect(await publishCheck(to(mqtt.port))).toMatchObject({
            ok: false, stage: "tls-server", fault, reached: "tcp", connections: 1, server: { fingerprint: readLeaf(certificate.certificatePem).fingerprint },
        });
    });

    it("tls-server: untrusted without caPem", async () => {
        const { caPem: _, ...request } = to(started(await mqttServer(server)).port);
        expect(await publishCheck(request as PublishCheckRequest)).toMatchObject({ ok: false, stage: "tls-server", fault: "untrusted" });
    });

    it.each([["TLSv1.2", "tcp"], ["TLSv1.3", "tls"]] as const)("tls-client: the certificate is refused in TLS itself (%s)", async (version, reached) => {
        const strict = started(await strictServer(server, ca, version));
        expect(await publishCheck(to(strict.port))).toMatchObject({ ok: false, stage: "tls-client", alert: "unknown_ca", reached, connections: 1 });
    });

    it.each([[0x85, "Client Identifier not valid"], [0x86, "Bad User Name or Password"], [0x87, "Not authorized"], [0x88, "Server unavailable"], [0x8a, "Banned"], [0x97, "Quota exceeded"], [0x9f, "Connection rate exceeded"]])(
        "connack %i, %s", async (code, reasonName) => {
            expect(await against({ connect: refuse(code) })).toMatchObject({ ok: false, stage: "connack", reasonCode: code, reasonName, reached: "tls", mqttVersion: "5" });
        });

    it.each([[2, "Identifier rejected"], [3, "Server unavailable"], [4, "Bad user name or password"], [5, "Not authorized"]])(
        "connack %i of 3.1.1, %s", async (code, reasonName) => {
            expect(await against({ connect: refuse(code) }, { protocolVersion: "3.1.1" })).toMatchObject({ ok: false, stage: "connack", reasonCode: code, reasonName });
        });

    it.each([[0x90, "Topic Name invalid"], [0x99, "Payload format invalid"], [0x97, "Quota exceeded"], [0x87, "Not authorized"]])(
        "puback %i, %s", async (code, reasonName) => {
            const publish: Script["publish"] = ({ send, socket }, { messageId }) => {
                send({ cmd: "puback", messageId: messageId ?? 0, reasonCode: code });
                socket.end();
            };
            expect(await against({ publish })).toMatchObject({ ok: false, stage: "puback", reasonCode: code, reasonName, reached: "connack" });
        });

    it("closed without PUBACK", async () => {
        const outcome = await against({ publish: ({ socket }) => socket.destroy() }, { protocolVersion: "3.1.1" });
        expect(outcome).toMatchObject({ ok: false, stage: "closed", waitedFor: "puback", reached: "connack" });
        expect(outcome).not.toHaveProperty("reasonCode");
    });

    it.each([[0x81, "Malformed Packet"], [0x83, "Implementation specific error"], [0x8e, "Session taken over"], [0x96, "Message rate too high"], [0x98, "Administrative action"]])(
        "closed with DISCONNECT %i, %s", async (code, reasonName) => {
            expect(await against({ publish: disconnect(code) })).toMatchObject({ ok: false, stage: "closed", waitedFor: "puback", reasonCode: code, reasonName });
        });

    it("closed with a DISCONNECT right behind CONNACK", async () => {
        const connect: Script["connect"] = (peer, packet) => (accept.connect(peer, packet), disconnect(0x96)(peer));
        expect(await against({ connect, publish: () => undefined })).toMatchObject({ ok: false, stage: "closed", reasonCode: 0x96 });
    });

    it("not-mqtt: HTTPS on the port", async () => {
        const https = createHttpsServer({ cert: server.certificatePem, key: server.privateKeyPem }).listen(0, "127.0.0.1");
        started({ close: async () => void https.close() });
        await new Promise(resolve => https.once("listening", resolve));
        expect(await publishCheck(to((https.address() as AddressInfo).port))).toMatchObject({ ok: false, stage: "not-mqtt", waitedFor: "connack", reached: "tls" });
    });

    it("timeout in the handshake", async () => {
        const silent = started(await tcpServer(() => undefined));
        expect(await publishCheck(to(silent.port, { timeoutSeconds: 0.3 }))).toMatchObject({ ok: false, stage: "timeout", waitedFor: "tls", timeoutSeconds: 0.3 });
    });

    it("timeout before CONNACK, and before PUBACK", async () => {
        expect(await against({ connect: () => undefined }, { timeoutSeconds: 0.5 })).toMatchObject({ ok: false, stage: "timeout", waitedFor: "connack", reached: "tls" });
        expect(await against({ publish: () => undefined }, { timeoutSeconds: 0.5 })).toMatchObject({ ok: false, stage: "timeout", waitedFor: "puback", reached: "connack" });
    });
});

describe("a certificate that may not be valid yet", () => {
    /** Time passes only while the check sleeps. */
    const clockFrom = (start: number) => {
        const clock = { at: start, slept: [] as number[] };
        return { clock, deps: { now: () => clock.at, sleep: async (ms: number) => void ((clock.at += ms), clock.slept.push(ms)) } };
    };
    const young = () => issue("pump-2", { notBefore: new Date(Math.floor(Date.now() / 1000) * 1000) });

    it("is tried three times within 30 s", async () => {
        const { certificatePem, privateKeyPem } = young();
        const { clock, deps } = clockFrom(Date.now());
        const mqtt = started(await mqttServer(server, { connect: refuse(0x87) }));
        expect(await publishCheck(to(mqtt.port, { certificatePem, privateKeyPem }), deps)).toMatchObject({ ok: false, stage: "connack", connections: 3 });
        expect(clock.slept).toEqual([10_000, 20_000]);
    });

    it("is tried as soon as a slow server takes it", async () => {
        const { certificatePem, privateKeyPem } = young();
        const { clock, deps } = clockFrom(Date.now());
        const validAt = clock.at + 12_000;
        const mqtt = started(await mqttServer(server, { connect: (peer, packet) => (clock.at < validAt ? refuse(0x87) : accept.connect)(peer, packet) }));
        const outcome = await publishCheck(to(mqtt.port, { certificatePem, privateKeyPem, clockSkewMs: -12_000 }), deps);
        expect(outcome).toMatchObject({ ok: true, connections: 2 });
        expect(clock.slept[0]).toBeLessThan(15_000);
    });

    it("is not waited for when the server's clock is further behind, nor when it is right, nor when the certificate is old", async () => {
        const { certificatePem, privateKeyPem } = young();
        const mqtt = started(await mqttServer(server, { connect: refuse(0x87) }));
        const refusedAtOnce = async (more: Partial<PublishCheckRequest>, start = Date.now()) => {
            const { clock, deps } = clockFrom(start);
            expect(await publishCheck(to(mqtt.port, more), deps)).toMatchObject({ ok: false, connections: 1 });
            expect(clock.slept).toEqual([]);
        };
        await refusedAtOnce({ certificatePem, privateKeyPem, clockSkewMs: -120_000 });
        await refusedAtOnce({ certificatePem, privateKeyPem, clockSkewMs: 0 }, Date.now() + 10_000);
        await refusedAtOnce({});
    });
});

it("leaves no socket and no timer behind, whatever the outcome", async () => {
    const left = () => process.getActiveResourcesInfo().filter(kind => /Timeout|TCPSocket|TLS/.test(kind)).length;
    const before = left();
    const scripts: Script[] = [{}, { connect: refuse(0x87) }, { connect: () => undefined }, { publish: () => undefined }, { publish: disconnect(0x8e) }, { connect: ({ socket }) => socket.destroy() }];
    for (const script of scripts) await against(script, { timeoutSeconds: 0.3 });
    await Promise.all(running.splice(0).map(it => it.close()));
    await new Promise(resolve => setImmediate(resolve));
    expect(left()).toBeLessThanOrEqual(before);
});

it("checks many devices at once", async () => {
    const mqtt = started(await mqttServer(server));
    const outcomes = await Promise.all(Array.from({ length: 64 }, () => publishChecks.run(() => publishCheck(to(mqtt.port)))));
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(64);
    expect(new Set(outcomes.map(({ clientId }) => clientId)).size).toBe(64);
});

describe("input that can't work is a sentence, and nothing is sent", () => {
    const mistakes: [string, () => Partial<PublishCheckRequest>, RegExp][] = [
        ["another key", () => ({ privateKeyPem: ca.privateKeyPem }), /private key does not belong to the device's certificate/],
        ["no key", () => ({ privateKeyPem: "hello" }), /is no PEM private key/],
        ["an encrypted key", () => ({ privateKeyPem: encrypted(device.privateKeyPem) }), /is encrypted/],
        ["no certificate", () => ({ certificatePem: "hello" }), /holds no PEM certificate/],
        ["key and certificate in one", () => ({ certificatePem: device.certificatePem + device.privateKeyPem }), /holds a PRIVATE KEY: only certificates/],
        ["a block that is no certificate", () => ({ certificatePem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" }), /CERTIFICATE/],
        ["a chain that doesn't hold together", () => ({ certificatePem: device.certificatePem + ca.certificatePem }), /certificate 2 of the device's chain did not sign certificate 1/],
        ["caPem without a certificate", () => ({ caPem: "" }), /mqttCaPem holds no PEM certificate/],
        ["a URL as host", () => ({ host: "mqtts://mqtt.example.com" }), /must be a name or an address alone/],
        ["host and port in one", () => ({ host: "mqtt.example.com:8883" }), /must be a name or an address alone/],
        ["a port out of range", () => ({ port: 70000 }), /from 1 to 65535/],
        ["the reserved client id", () => ({ clientId: "provision" }), /reserved by ThingsBoard/],
        ["a blank client id", () => ({ clientId: " " }), /client id is blank/],
        ["a topic filter", () => ({ topic: "v1/#" }), /can't be published to/],
        ["no time", () => ({ timeoutSeconds: 0 }), /timeoutSeconds must be more than 0/],
    ];
    it.each(mistakes)("%s", async (_what, more, sentence) => {
        const mqtt = started(await mqttServer(server));
        const failed = publishCheck(to(mqtt.port, more()));
        await expect(failed).rejects.toMatchObject({ name: "UserError", message: expect.stringMatching(sentence) });
        await expect(failed).rejects.not.toThrow(/PRIVATE KEY-----\n|[A-Za-z0-9+/]{40}/);
        expect(mqtt.connections()).toBe(0);
    });

    it("sends leaf and chain where the chain holds together", async () => {
        const leaf = issue("pump-3", { issuer: ca });
        const outcome = await against({}, { certificatePem: leaf.certificatePem + ca.certificatePem, privateKeyPem: leaf.privateKeyPem });
        expect(outcome).toMatchObject({ ok: true, presented: { chainLength: 2, credentialsId: readLeaf(leaf.certificatePem).credentialsId } });
    });
});

function peerName(socket: unknown): string {
    const { CN } = (socket as import("node:tls").TLSSocket).getPeerCertificate().subject;
    return String(CN);
}
