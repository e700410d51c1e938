// Faults and pace, through the API and through the admin port.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../sdk/emulator";
import { bind, connect, eventually, latest, makeCert, restOf, TELEMETRY, type Rest } from "./support";

let emulator: Emulator;
let rest: Rest;
const certificate = makeCert({ cn: "probe" });
let deviceId: string;

beforeAll(async () => {
    emulator = await startEmulator();
    rest = restOf(emulator);
    deviceId = await bind(rest, "probe", certificate);
});
afterEach(() => {
    emulator.faults.clear();
    emulator.pace.set("unlimited");
});
afterAll(() => emulator.stop());

const names = async (): Promise<number> => (await rest("GET", "/api/tenant/devices?pageSize=1000&page=0")).body.totalElements;

describe("REST", () => {
    test("a status for the next calls that match", async () => {
        emulator.faults.set({ rest: [{ method: "GET", path: "/api/device/*/credentials", times: 2, status: 503 }] });
        const look = async (): Promise<number> => (await rest("GET", `/api/device/${deviceId}/credentials`)).status;
        expect((await rest("GET", `/api/device/${deviceId}`)).status).toBe(200);
        expect([await look(), await look(), await look()]).toEqual([503, 503, 200]);
    });
    test("429 for a while, in ThingsBoard's words", async () => {
        emulator.faults.set({ rest: [{ status: 429, duration: 200 }] });
        expect(await rest("GET", "/api/auth/user")).toMatchObject({ status: 429, body: { errorCode: 33 } });
        expect(await eventually(async () => (await rest("GET", "/api/auth/user")).status, (status) => status === 200)).toBe(200);
    });
    test("what a proxy would say", async () => {
        emulator.faults.set({ rest: [{ times: 1, status: 502, body: "<html>Bad Gateway</html>", headers: { "content-type": "text/html" } }] });
        expect(await rest("GET", "/api/auth/user")).toMatchObject({ status: 502, type: "text/html", text: "<html>Bad Gateway</html>" });
    });
    test("a connection that ends before or after the write", async () => {
        const before = await names();
        emulator.faults.set({ rest: [{ method: "POST", path: "/api/device", times: 1, drop: "before" }] });
        await expect(rest("POST", "/api/device", { name: "dropped" })).rejects.toThrow();
        expect(await names()).toBe(before);
        emulator.faults.set({ rest: [{ method: "POST", path: "/api/device", times: 1, drop: "after" }] });
        await expect(rest("POST", "/api/device", { name: "dropped" })).rejects.toThrow();
        expect(await names()).toBe(before + 1);
        expect((await rest("POST", "/api/device", { name: "dropped" })).status).toBe(400);
    });
    test("an answer in the place of ThingsBoard's, though the work was done", async () => {
        const before = await names();
        emulator.faults.set({ rest: [{ method: "POST", path: "/api/device", times: 1, status: 200, body: "<html>Sign in</html>", headers: { "content-type": "text/html" }, when: "after" }] });
        expect(await rest("POST", "/api/device", { name: "replaced" })).toMatchObject({ status: 200, type: "text/html", text: "<html>Sign in</html>" });
        expect(await names()).toBe(before + 1);
    });
    test("half an answer, and a slow one", async () => {
        emulator.faults.set({ rest: [{ times: 1, truncate: true }] });
        await expect(rest("GET", `/api/device/${deviceId}`)).rejects.toThrow();
        const begun = performance.now();
        emulator.faults.set({ rest: [{ times: 1, drip: 200 }] });
        expect((await rest("GET", `/api/device/${deviceId}`)).body).toMatchObject({ name: "probe" });
        expect(performance.now() - begun).toBeGreaterThan(150);
    });
    test("only after some calls have passed", async () => {
        emulator.faults.set({ rest: [{ skip: 1, times: 1, status: 500 }] });
        const look = async (): Promise<number> => (await rest("GET", "/api/auth/user")).status;
        expect([await look(), await look(), await look()]).toEqual([200, 500, 200]);
    });
    test("latency", async () => {
        emulator.faults.set({ rest: [{ latency: 120 }] });
        const begun = performance.now();
        await rest("GET", "/api/auth/user");
        expect(performance.now() - begun).toBeGreaterThan(110);
    });
});

describe.each([4, 5] as const)("MQTT version %i", (version) => {
    const arrive = (): ReturnType<typeof connect> => connect(emulator, { certificate, version });
    test("CONNECT refused, unanswered, hung up on", async () => {
        emulator.faults.set({ mqtt: { connack: 3 } });
        expect((await arrive()).connack).toBe(version === 5 ? 0x88 : 3);
        emulator.faults.set({ mqtt: { connack: 0x97 } });
        expect((await arrive()).connack).toBe(version === 5 ? 0x97 : 3);
        emulator.faults.set({ mqtt: { connack: "close", times: 1 } });
        expect((await arrive()).connack).toBe("closed");
        expect((await arrive()).connack).toBe(0);
        emulator.faults.set({ mqtt: { connack: "withhold" } });
        expect((await connect(emulator, { certificate, version, wait: 300 })).connack).toBe("timeout");
    });
    test("one byte and no more, each step late, and nobody who ends the connection", async () => {
        emulator.faults.set({ mqtt: { connack: "half" } });
        expect((await connect(emulator, { certificate, version, wait: 300 })).connack).toBe("timeout");
        emulator.faults.set({ mqtt: { puback: "half" } });
        expect(await (await arrive()).publish(TELEMETRY, '{"a":1}', { wait: 200 })).toBe("nothing");
        const begun = performance.now();
        emulator.faults.set({ mqtt: { delay: 100 } });
        expect(await (await arrive()).publish(TELEMETRY, '{"a":1}')).toBe(0);
        expect(performance.now() - begun).toBeGreaterThan(280);
    });
    test("no handshake; a certificate that gets lost on the way", async () => {
        emulator.faults.set({ mqtt: { tls: "close" } });
        expect(await arrive()).toMatchObject({ connack: "ECONNRESET" });
        emulator.faults.set({ mqtt: { tls: "dropCertificate" } });
        expect((await arrive()).connack).toBe(version === 5 ? 133 : 2);
    });
    test("publish refused, unanswered, hung up on", async () => {
        emulator.faults.set({ mqtt: { puback: 0x97 } });
        expect(await (await arrive()).publish(TELEMETRY, '{"a":1}')).toBe(version === 5 ? 0x97 : 0);
        emulator.faults.set({ mqtt: { puback: "withhold" } });
        expect(await (await arrive()).publish(TELEMETRY, '{"a":1}', { wait: 200 })).toBe("nothing");
        emulator.faults.set({ mqtt: { puback: "close" } });
        expect(await (await arrive()).publish(TELEMETRY, '{"a":1}')).toBe("closed");
        emulator.faults.set({ mqtt: { closeAfterConnect: true } });
        const client = await arrive();
        expect([client.connack, await client.closed()]).toEqual([0, { disconnect: undefined }]);
    });
    test("acknowledged and not stored, or stored late", async () => {
        emulator.faults.set({ mqtt: { loseTelemetry: true } });
        expect(await (await arrive()).publish(TELEMETRY, `{"lost${version}":1}`)).toBe(0);
        emulator.faults.set({ mqtt: { storeDelay: 150 } });
        expect(await (await arrive()).publish(TELEMETRY, `{"late${version}":1}`)).toBe(0);
        expect(await latest(rest, deviceId, `late${version}`)).toBe(null);
        expect(await eventually(() => latest(rest, deviceId, `late${version}`), (value) => value === "1")).toBe("1");
        expect(await latest(rest, deviceId, `lost${version}`)).toBe(null);
    });
    test("a session that survives the change of its credentials", async () => {
        const own = makeCert({ cn: `survivor-${version}` });
        const id = await bind(rest, `survivor-${version}`, own);
        emulator.faults.set({ keepSessions: true });
        const client = await connect(emulator, { certificate: own, version });
        const row = (await rest("GET", `/api/device/${id}/credentials`)).body;
        await rest("POST", "/api/device/credentials", { ...row, credentialsType: "ACCESS_TOKEN", credentialsId: `survivor-${version}`, credentialsValue: null });
        expect(await client.closed(300)).toBe("open");
        expect(await client.publish(TELEMETRY, '{"a":1}')).toBe(0);
    });
});

test("a session that the platform takes note of late outlives a change of its credentials", async () => {
    const own = makeCert({ cn: "late" });
    const id = await bind(rest, "late", own);
    const connectTime = async (): Promise<unknown> => (await rest("GET", `/api/plugins/telemetry/DEVICE/${id}/values/attributes/SERVER_SCOPE?keys=lastConnectTime`)).body[0]?.value;
    emulator.faults.set({ registrationDelay: 300 });
    const client = await connect(emulator, { certificate: own });
    const row = (await rest("GET", `/api/device/${id}/credentials`)).body;
    await rest("POST", "/api/device/credentials", { ...row, credentialsType: "ACCESS_TOKEN", credentialsId: "late", credentialsValue: null });
    expect(await connectTime()).toBeUndefined();
    expect(await eventually(connectTime, (time) => time !== undefined)).toBeTypeOf("number");
    expect(await client.closed(100)).toBe("open");
    expect(await client.publish(TELEMETRY, '{"a":1}')).toBe(0);
    client.end();
});

describe("pace", () => {
    test("so many creates a second", async () => {
        emulator.pace.set({ create: { perSecond: 50 } });
        const begun = performance.now();
        await Promise.all(Array.from({ length: 11 }, (_, i) => rest("POST", "/api/device", { name: `paced-${i}` })));
        expect(performance.now() - begun).toBeGreaterThan(180);
    });
    test("16 deletes in flight stop the server; the devices are gone all the same", async () => {
        const make = async (i: number): Promise<string> => (await rest("POST", "/api/device", { name: `stall-${i}` })).body.id.id;
        const ids = await Promise.all(Array.from({ length: 24 }, (_, i) => make(i)));
        emulator.pace.set({ delete: { latency: 20 }, deleteStall: { inFlight: 16, duration: 400 } });
        const eight = await Promise.all(ids.slice(0, 8).map((id) => rest("DELETE", `/api/device/${id}`)));
        expect(eight.map(({ status }) => status)).toEqual(Array(8).fill(200));
        const begun = performance.now();
        const sixteen = ids.slice(8).map((id) => rest("DELETE", `/api/device/${id}`));
        await new Promise((done) => setTimeout(done, 100));
        await rest("GET", "/api/auth/user");
        expect(performance.now() - begun).toBeGreaterThan(390);
        const failed = (await Promise.all(sixteen)).filter(({ status }) => status === 500);
        expect(failed.length).toBeGreaterThan(0);
        expect(failed[0]?.body).toMatchObject({ errorCode: 2, message: "Could not open JPA EntityManager for transaction" });
        emulator.pace.set("unlimited");
        expect((await Promise.all(ids.map((id) => rest("DELETE", `/api/device/${id}`)))).map(({ status }) => status)).toEqual(Array(24).fill(404));
    });
});

describe("admin port", () => {
    const admin = (method: string, path: string, body?: unknown, token = emulator.adminToken): Promise<Response> =>
        fetch(emulator.adminUrl + path, { method, headers: { authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    test("asks for its token", async () => {
        expect((await admin("GET", "/", undefined, "wrong")).status).toBe(401);
        expect(await (await admin("GET", "/")).json()).toMatchObject({ version: "4.3", edition: "CE" });
    });
    test("sets faults, pace and limits, and does what the methods do", async () => {
        await admin("PUT", "/faults", { rest: [{ status: 500 }] });
        expect((await rest("GET", "/api/auth/user")).status).toBe(500);
        await admin("DELETE", "/faults");
        expect((await rest("GET", "/api/auth/user")).status).toBe(200);
        expect(await (await admin("PUT", "/pace", "real")).json()).toMatchObject({ deleteStall: { inFlight: 16, duration: 30_000 } });
        expect((await admin("PUT", "/limits", { maxDevices: 1 })).status).toBe(200);
        expect((await rest("POST", "/api/device", { name: "no" })).status).toBe(403);
        expect((await admin("PUT", "/limits", {})).status).toBe(200);
        const old = emulator.caPem;
        expect((await (await admin("POST", "/rotate-server-certificate", { authority: "new" })).json()) as object).toEqual({ caPem: emulator.caPem });
        expect(emulator.caPem).not.toBe(old);
        expect((await admin("POST", "/expire-tokens")).status).toBe(200);
    });
    test("says what it does not know", async () => {
        const answer = await admin("PUT", "/faults", { rset: [] });
        expect([answer.status, await answer.json()]).toEqual([400, { error: "unknown field rset; known are rest, mqtt, clockOffset, registrationDelay, keepSessions" }]);
    });
});
