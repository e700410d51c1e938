// Bytes that are no HTTP, no JSON, no TLS, no MQTT: whatever comes, the emulator goes on.
import { once } from "node:events";
import { createConnection } from "node:net";
import { connect as connectTls } from "node:tls";
import fc from "fast-check";
import { generate } from "mqtt-packet";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../sdk/emulator";
import { bind, connect, makeCert, restOf, TELEMETRY, type Rest } from "./support";

let emulator: Emulator;
let rest: Rest;
const certificate = makeCert({ cn: "steady" });
const RUNS = { numRuns: Number(process.env["EMULATOR_FUZZ_RUNS"] ?? 60) };

beforeAll(async () => {
    emulator = await startEmulator();
    rest = restOf(emulator);
    await bind(rest, "steady", certificate);
});
afterEach(async () => {
    const client = await connect(emulator, { certificate });
    expect(client.connack).toBe(0);
    expect(await client.publish(TELEMETRY, '{"alive":true}')).toBe(0);
    client.end();
    expect((await rest("GET", "/api/auth/user")).status).toBe(200);
});
afterAll(() => emulator.stop());

/** Sends bytes in pieces and waits until the connection has ended or has been quiet for a moment. */
async function throwAt(port: number, pieces: readonly Uint8Array[], secure = false): Promise<void> {
    const socket = secure ? connectTls({ port, host: "localhost", ca: emulator.caPem }) : createConnection(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    await Promise.race([once(socket, secure ? "secureConnect" : "connect"), once(socket, "close")]);
    for (const piece of pieces) socket.write(piece);
    socket.end();
    socket.setTimeout(150, () => socket.destroy());
    if (!socket.destroyed) await once(socket, "close");
}

const bytes = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 3 });

describe("HTTP", () => {
    test("any bytes", () => fc.assert(fc.asyncProperty(bytes, (pieces) => throwAt(Number(new URL(emulator.restUrl).port), pieces)), RUNS));
    test("any head of a request", () => {
        const word = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom("GET", "POST", "/api/device/%zz", "/api/%", "/api/device/..", "//", "HTTP/1.1", "Host:", "Content-Length: -1", "Transfer-Encoding: x"));
        const head = fc.array(word, { maxLength: 8 }).map((words) => [Buffer.from(`${words.join(" ")}\r\n\r\n`)]);
        return fc.assert(fc.asyncProperty(head, (pieces) => throwAt(Number(new URL(emulator.restUrl).port), pieces)), RUNS);
    });
    test("any path and query", () => {
        const part = fc.oneof(fc.string({ maxLength: 10 }), fc.constantFrom("device", "api", "%", "%00", "..", "credentials", "plugins", "telemetry", "DEVICE", "?", "&keys=", "pageSize=1"));
        return fc.assert(
            fc.asyncProperty(fc.constantFrom("GET", "POST", "DELETE", "PUT"), fc.array(part, { maxLength: 8 }), async (method, parts) => {
                const path = `/api/${parts.join("/").replace(/[\s#\\]/g, "")}`;
                expect((await rest(method, path, method === "GET" ? undefined : {})).status).toBeLessThan(600);
            }),
            RUNS,
        );
    });
});

describe("JSON", () => {
    const paths = ["/api/device", "/api/device/credentials", "/api/device-with-credentials", "/api/deviceProfile", "/api/customer", "/api/apiKey", "/api/device/bulk_import", "/api/auth/login", "/api/auth/token"] as const;
    const key = fc.constantFrom("id", "name", "type", "label", "device", "credentials", "credentialsType", "credentialsId", "credentialsValue", "deviceId", "profileData", "provisionType", "transportType", "version", "mapping", "columns", "file", "title", "userId", "description", "deviceData", "additionalInfo", "username", "refreshToken");
    const value = fc.letrec((tie) => ({
        any: fc.oneof({ depthSize: "small" }, fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.constantFrom("X509_CERTIFICATE", "DEFAULT", "MQTT_BASIC", "X509_CERTIFICATE_CHAIN", "00000000-0000-1000-8000-000000000000"), fc.array(tie("any"), { maxLength: 3 }), fc.dictionary(key, tie("any"), { maxKeys: 6 })),
    })).any;
    test("any value is answered with a body of ThingsBoard's own", () =>
        fc.assert(
            fc.asyncProperty(fc.constantFrom(...paths), fc.dictionary(key, value, { maxKeys: 8 }), async (path, body) => {
                const answer = await rest("POST", path, body);
                expect(answer.body, answer.text).toBeTypeOf("object");
                if (answer.status !== 200) expect(answer.body).toMatchObject({ status: answer.status });
            }),
            { numRuns: RUNS.numRuns * 5 },
        ));
    test("any text", () => fc.assert(fc.asyncProperty(fc.constantFrom(...paths), fc.string(), async (path, raw) => void expect((await rest("POST", path, undefined, { raw })).status).toBeGreaterThanOrEqual(400)), RUNS));
});

describe("TLS", () => {
    test("any bytes", () => fc.assert(fc.asyncProperty(bytes, (pieces) => throwAt(emulator.mqttsPort, pieces)), RUNS));
    test("records that lie about their length", () => {
        const record = fc.tuple(fc.constantFrom(20, 21, 22, 23), fc.nat({ max: 65_535 }), fc.uint8Array({ maxLength: 100 }));
        const made = fc.array(record, { maxLength: 4 }).map((records) => records.map(([type, length, body]) => Buffer.concat([Buffer.from([type, 3, 3, length >> 8, length & 255]), body])));
        return fc.assert(fc.asyncProperty(made, (pieces) => throwAt(emulator.mqttsPort, pieces)), RUNS);
    });
});

describe("MQTT", () => {
    const CONNECT = [4, 5].map((protocolVersion) => generate({ cmd: "connect", protocolId: "MQTT", protocolVersion: protocolVersion as 4 | 5, clientId: "fuzz", clean: true, keepalive: 60, username: "fuzz" }));
    beforeAll(async () => {
        await rest("POST", "/api/device?accessToken=fuzz", { name: "fuzz" });
    });
    test("any bytes, before and after CONNECT, plain and over TLS", () =>
        fc.assert(
            fc.asyncProperty(fc.constantFrom(undefined, ...CONNECT), bytes, fc.boolean(), (first, pieces, secure) =>
                throwAt(secure ? emulator.mqttsPort : emulator.mqttPort, [...(first ? [first] : []), ...pieces], secure),
            ),
            RUNS,
        ));
    test("packets with a byte changed", () => {
        const packets = [
            ...CONNECT,
            generate({ cmd: "publish", topic: TELEMETRY, payload: '{"a":1}', qos: 1, messageId: 7, dup: false, retain: false }),
            generate({ cmd: "subscribe", messageId: 8, subscriptions: [{ topic: "v1/devices/me/attributes", qos: 1 }] }),
            generate({ cmd: "disconnect" }),
        ];
        return fc.assert(
            fc.asyncProperty(fc.constantFrom(...CONNECT), fc.constantFrom(...packets), fc.nat(), fc.nat({ max: 255 }), (first, packet, at, byte) => {
                const changed = Buffer.from(packet);
                changed[at % changed.length] = byte;
                return throwAt(emulator.mqttPort, [first, changed]);
            }),
            RUNS,
        );
    });
    test("any payload is acknowledged, refused or the end, in either version", () =>
        fc.assert(
            fc.asyncProperty(fc.constantFrom(4, 5), fc.constantFrom(TELEMETRY, "v1/devices/me/attributes", "v1/devices/me/attributes/request/1"), fc.uint8Array({ maxLength: 60 }), async (version, topic, payload) => {
                const client = await connect(emulator, { plain: true, username: "fuzz", version });
                expect(await client.publish(topic, Buffer.from(payload))).not.toBe("nothing");
                client.end();
            }),
            RUNS,
        ));
});
