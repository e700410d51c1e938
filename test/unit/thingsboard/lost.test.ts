// Answers that get lost: the server does what was asked, and the client hears nothing.

import { describe, expect, test } from "vitest";
import type { Device, DeviceCredentials } from "../../../sdk/thingsboard";
import { type Behaviour, client, device, deviceId, errorOf, refusal, type Reply, serve } from "./support";

const missing = refusal(404, 32, "Requested item wasn't found!");
const taken = refusal(400, 31, "Device with such name already exists!");
const mine = { additionalInfo: { mark: "mine" } };
const isOurs = (found: Device) => found.additionalInfo?.["mark"] === "mine";

/** Answers the n-th write and the n-th read as told; the last ones again and again. */
function script(writes: readonly Reply[], reads: readonly Reply[]): Behaviour {
    let written = 0;
    let read = 0;
    return ({ method }) => (method === "GET" ? reads[Math.min(read++, reads.length - 1)] : writes[Math.min(written++, writes.length - 1)]) ?? {};
}

describe("a device is created", () => {
    const create = (url: string) => client(url, { timeout: 1 }).createDevice({ name: "pump-1", ...mine }, isOurs);

    test.each([
        ["the connection breaks", { drop: true } as const],
        ["the server is silent", { hang: true } as const],
        ["a proxy says 504", { status: 504, body: "<html>" }],
        ["the server fails after it was done", refusal(500, 2, "null")],
    ])("%s: what is there by now is taken if it is ours", async (_case, lost) => {
        const server = await serve(script([lost], [{ body: device("pump-1", mine) }]));
        expect(await create(server.url)).toMatchObject({ name: "pump-1" });
        expect(server.received.map(one => one.method)).toEqual(["POST", "GET"]);
        expect(server.received[1]?.path).toBe("/api/tenant/devices?deviceName=pump-1");
    });

    test("nothing is there: it is asked for again", async () => {
        const server = await serve(script([{ drop: true }, { body: device("pump-1") }], [missing]));
        expect(await create(server.url)).toMatchObject({ name: "pump-1" });
        expect(server.received.map(one => one.method)).toEqual(["POST", "GET", "POST"]);
    });

    test("the first try gets through late: the second hears that the name is taken, by us", async () => {
        const server = await serve(script([{ drop: true }, taken], [missing, { body: device("pump-1", mine) }]));
        expect(await create(server.url)).toMatchObject({ name: "pump-1" });
    });

    test("somebody else's device is not taken", async () => {
        const server = await serve(script([{ drop: true }], [{ body: device("pump-1") }]));
        expect(await errorOf(create(server.url))).toMatchObject({ kind: "nameTaken", mayHaveHappened: false });
    });

    test("a name that is taken without anything lost is not looked up", async () => {
        const server = await serve(script([taken], [{ body: device("pump-1", mine) }]));
        expect(await errorOf(create(server.url))).toMatchObject({ kind: "nameTaken", status: 400, errorCode: 31 });
        expect(server.received).toHaveLength(1);
    });

    test("a server that fails each time is not asked for ever", async () => {
        const server = await serve(script([{ status: 503 }], [missing]));
        expect(await errorOf(create(server.url))).toMatchObject({ kind: "server", mayHaveHappened: true });
        expect(server.received.filter(one => one.method === "POST")).toHaveLength(4);
    });

    test("a server error without effect is not repeated", async () => {
        const server = await serve(script([refusal(500, 2, "JSON parse error: no")], [missing]));
        expect(await errorOf(create(server.url))).toMatchObject({ kind: "server", serverMessage: "JSON parse error: no" });
        expect(server.received).toHaveLength(2);
    });
});

describe("a certificate is bound", () => {
    const value = "MIIBszCCAVmgAwIBAgIUJ";
    const row = (more: Partial<DeviceCredentials> = {}): DeviceCredentials => ({
        id: { id: "2f1ab0a0-42b7-11ef-983c-b7beff2784f9" },
        deviceId: { id: deviceId, entityType: "DEVICE" },
        credentialsType: "X509_CERTIFICATE",
        credentialsId: "server's",
        credentialsValue: value,
        version: 1,
        ...more,
    });
    const token = row({ credentialsType: "ACCESS_TOKEN", credentialsId: "token-of-the-device", credentialsValue: null });
    const sent = row({ credentialsValue: `-----BEGIN CERTIFICATE-----\n${value}\n-----END CERTIFICATE-----\n` });

    test("it is bound by now: done", async () => {
        const server = await serve(script([{ drop: true }], [{ body: row({ version: 2 }) }]));
        expect(await client(server.url).saveCredentials(sent)).toMatchObject({ version: 2 });
        expect(server.received.map(one => one.method)).toEqual(["POST", "GET"]);
    });

    test("it isn't: once more, under the same version", async () => {
        const server = await serve(script([{ drop: true }, { body: row({ version: 2 }) }], [{ body: token }]));
        expect(await client(server.url).saveCredentials(sent)).toMatchObject({ version: 2 });
        expect(server.received.map(one => one.method)).toEqual(["POST", "GET", "POST"]);
    });

    test("the same certificate under the old version: the write never came, and its rising version is wanted", async () => {
        const server = await serve(script([{ drop: true }, { body: row({ version: 2 }) }], [{ body: row() }]));
        expect(await client(server.url).saveCredentials(sent)).toMatchObject({ version: 2 });
        expect(server.received).toHaveLength(3);
    });

    test("the first try gets through late: the conflict of the second one is with ourselves", async () => {
        const conflict = refusal(409, 35, "Entity was already changed by someone else");
        const server = await serve(script([{ drop: true }, conflict], [{ body: token }, { body: row({ version: 2 }) }]));
        expect(await client(server.url).saveCredentials(sent)).toMatchObject({ version: 2 });
    });

    test("somebody else was faster", async () => {
        const server = await serve(script([{ drop: true }], [{ body: { ...token, version: 2 } }]));
        expect(await errorOf(client(server.url).saveCredentials(sent))).toMatchObject({ kind: "versionConflict" });
    });

    test("the device is gone", async () => {
        const server = await serve(script([{ drop: true }], [missing]));
        expect(await errorOf(client(server.url).saveCredentials(sent))).toMatchObject({ kind: "unreachable", mayHaveHappened: true });
    });

    test("before 3.8, without versions", async () => {
        const { version: _, ...old } = row();
        const { version: __, ...oldToken } = token;
        const server = await serve(script([{ drop: true }, { drop: true }, { body: old }], [{ body: oldToken }, { body: old }]));
        expect(await client(server.url).saveCredentials({ ...oldToken, ...old, credentialsValue: value })).toEqual(old);
        expect(server.received.map(one => one.method)).toEqual(["POST", "GET", "POST", "GET"]);
    });

    test("a token is never quoted back", async () => {
        const server = await serve(() => refusal(400, 31, "Bad token: token-of-the-device!"));
        expect(await errorOf(client(server.url).saveCredentials(token))).toMatchObject({ kind: "invalid", serverMessage: "Bad token: ***!" });
    });
});

describe("a device is changed", () => {
    const sent = { ...device("pump-1", { label: "north", version: 3 }), tenantId: { id: "t", entityType: "TENANT" }, customerId: null } as Device;

    test("it is changed by now", async () => {
        const server = await serve(script([{ drop: true }], [{ body: { ...sent, version: 4 } }]));
        expect(await client(server.url).saveDevice(sent)).toMatchObject({ version: 4 });
    });

    test("by somebody else", async () => {
        const server = await serve(script([{ drop: true }], [{ body: { ...sent, label: "south", version: 4 } }]));
        expect(await errorOf(client(server.url).saveDevice(sent))).toMatchObject({ kind: "versionConflict" });
    });

    test("a conflict that nothing got lost before is said at once", async () => {
        const server = await serve(script([refusal(409, 35, "Device was already changed by someone else")], []));
        expect(await errorOf(client(server.url).saveDevice(sent))).toMatchObject({
            kind: "versionConflict",
            message: 'device "pump-1": cannot change the device: ThingsBoard says "Device was already changed by someone else" (409): somebody else changed it at the same time: try again',
        });
        expect(server.received).toHaveLength(1);
    });
});
