// Bytes in the place of MQTT, towards the publish check and towards the emulator.

import { once } from "node:events";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import fc from "fast-check";
import { type Packet, generate } from "mqtt-packet";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Emulator, startEmulator } from "../../sdk/emulator/index";
import { diagnose } from "../../sdk/mqtt/diagnosis";
import { Stopped } from "../../sdk/mqtt/deadline";
import { publishCheck } from "../../sdk/mqtt/publishCheck";
import { openSession } from "../../sdk/mqtt/session";
import { runs, soak } from "../support/seed";
import { issue } from "../unit/mqtt/certificates";
import { mqttServer } from "../unit/mqtt/scriptedServer";
import { expectSentence, patience, spoiledBytes } from "./mutations";

const limit = { timeout: soak ? 60 * 60_000 : 60_000 };

const fromServer: readonly Packet[] = [
    { cmd: "connack", sessionPresent: false, returnCode: 0, reasonCode: 0, properties: { receiveMaximum: 10, maximumQoS: 1, topicAliasMaximum: 5, reasonString: "fine", userProperties: { a: "b" }, assignedClientIdentifier: "x", serverKeepAlive: 30 } },
    { cmd: "connack", sessionPresent: true, returnCode: 5, reasonCode: 0x87 },
    { cmd: "puback", messageId: 1, reasonCode: 0, properties: { reasonString: "stored" } },
    { cmd: "disconnect", reasonCode: 0x89, properties: { serverReference: "elsewhere" } },
    { cmd: "publish", topic: "v1/devices/me/attributes", payload: "{}", qos: 1, dup: false, retain: false, messageId: 7 },
    { cmd: "suback", messageId: 3, granted: [0, 1, 128] },
    { cmd: "pingresp" },
    { cmd: "auth", reasonCode: 0x18, properties: { authenticationMethod: "x" } },
];
const fromClient: readonly Packet[] = [
    { cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clientId: "x", clean: true, keepalive: 30, username: "token" },
    { cmd: "connect", protocolId: "MQTT", protocolVersion: 5, clientId: "x", clean: true, keepalive: 30, will: { topic: "t", payload: Buffer.from("p"), qos: 1, retain: false }, properties: { sessionExpiryInterval: 5, userProperties: { a: "b" } } },
    { cmd: "publish", topic: "v1/devices/me/telemetry", payload: '{"temperature":25}', qos: 1, dup: false, retain: false, messageId: 1 },
    { cmd: "subscribe", messageId: 2, subscriptions: [{ topic: "v1/devices/me/attributes", qos: 1 }] },
    { cmd: "unsubscribe", messageId: 3, unsubscriptions: ["v1/devices/me/attributes"] },
    { cmd: "pingreq" },
    { cmd: "disconnect" },
];
const bytesOf = (packets: readonly Packet[]) => packets.flatMap(packet => (packet.cmd === "auth" ? [5] : [4, 5]).map(protocolVersion => generate(packet, { protocolVersion })));
const anything = spoiledBytes(bytesOf(fromServer));
const goodConnack = (version: number) => generate({ cmd: "connack", sessionPresent: false, returnCode: 0, reasonCode: 0 }, { protocolVersion: version });

test("a session over bytes that may be anything", limit, async () => {
    let answers: readonly Buffer[] = [];
    const server = createServer(socket => {
        const left = [...answers];
        socket.on("error", () => undefined);
        socket.on("data", () => {
            const next = left.shift();
            if (next === undefined || left.length === 0) socket.end(next ?? Buffer.alloc(0));
            else socket.write(next);
        });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const first = fc.oneof({ weight: 1, arbitrary: anything.map(bytes => ({ bytes })) }, { weight: 1, arbitrary: fc.constant("CONNACK 0" as const) });
    try {
        await fc.assert(
            fc.asyncProperty(fc.constantFrom("3.1.1" as const, "5" as const), first, anything, async (version, connack, puback) => {
                answers = connack === "CONNACK 0" ? [goodConnack(version === "5" ? 5 : 4), puback] : [connack.bytes];
                const socket = connect(port, "127.0.0.1");
                await once(socket, "connect");
                const session = openSession(socket, version, "fuzz");
                try {
                    expect((await session.connected).reasonCode).toBe(0);
                    expect((await session.publish({ topic: "t", payload: "p" })).reasonCode).toBeLessThan(0x80);
                } catch (error) {
                    if (!(error instanceof Stopped)) throw error;
                } finally {
                    await session.leave();
                    socket.destroy();
                }
            }),
            { ...runs(800, 60_000), timeout: patience },
        );
    } finally {
        server.close();
    }
});

test("the whole check, which has a sentence for each", limit, async () => {
    const authority = issue("authority", { authority: true });
    const host = issue("127.0.0.1", { issuer: authority, names: ["127.0.0.1"] });
    const { certificatePem, privateKeyPem } = issue("pump");
    let answers: readonly Buffer[] = [];
    const server = await mqttServer(host, {
        connect: ({ socket }) => void (answers[0] ? socket.write(answers[0]) : socket.end()),
        publish: ({ socket }) => void socket.end(answers[1] ?? Buffer.alloc(0)),
    });
    try {
        await fc.assert(
            fc.asyncProperty(fc.boolean(), anything, anything, async (good, connack, puback) => {
                answers = [good ? goodConnack(5) : connack, puback];
                const outcome = await publishCheck({ host: server.host, port: server.port, mode: "publish", payload: "{}", certificatePem, privateKeyPem, caPem: authority.certificatePem, protocolVersion: "5", timeoutSeconds: 0.3, clockSkewMs: 0 }, { sleep: async () => undefined });
                const { sentence } = diagnose(outcome, { deviceName: "pump" });
                expectSentence(sentence);
                if (outcome.ok) expect(outcome.reached).toBe("puback");
            }),
            { ...runs(80, 8_000), timeout: patience },
        );
    } finally {
        await server.close();
    }
});

let emulator: Emulator;
beforeAll(async () => {
    emulator = await startEmulator();
});
afterAll(() => emulator.stop());

test("the emulator hears anything, before and after a CONNECT, and goes on", limit, async () => {
    const headers = { "content-type": "application/json", "x-authorization": `ApiKey ${emulator.apiKey}` };
    const call = async (path: string, body?: object) => (await fetch(emulator.restUrl + path, { headers, ...(body ? { method: "POST", body: JSON.stringify(body) } : {}) })).json() as Promise<any>;
    const { id } = await call("/api/device", { name: "heard" });
    const { credentialsId: token } = await call(`/api/device/${id.id}/credentials`);
    const hello = (protocolVersion: 4 | 5) => generate({ cmd: "connect", protocolId: "MQTT", protocolVersion, clientId: "x", clean: true, keepalive: 30, username: token }, { protocolVersion });
    const opened = async (): Promise<Socket> => {
        const socket = connect(emulator.mqttPort, "127.0.0.1");
        socket.on("error", () => undefined);
        await once(socket, "connect");
        return socket;
    };
    await fc.assert(
        fc.asyncProperty(fc.constantFrom(0 as const, 4 as const, 5 as const), fc.array(spoiledBytes(bytesOf(fromClient)), { minLength: 1, maxLength: 3 }), async (version, pieces) => {
            const socket = await opened();
            socket.resume();
            socket.end(Buffer.concat([...(version === 0 ? [] : [hello(version)]), ...pieces]));
            if (!socket.destroyed) await once(socket, "close");
        }),
        { ...runs(400, 40_000), timeout: patience },
    );
    const socket = await opened();
    socket.write(hello(4));
    const [connack] = (await once(socket, "data")) as [Buffer];
    expect([...connack]).toEqual([0x20, 2, 0, 0]);
    socket.destroy();
});
