// Which call asks for what, and how it reads the answer.

import { describe, expect, test } from "vitest";
import type { Device, ThingsBoard } from "../../../sdk/thingsboard";
import { client, device, deviceId, errorOf, refusal, type Reply, serve, testClock } from "./support";

const customer = "a1b2c3d4-42b6-11ef-983c-b7beff2784f9";
const group = "b1b2c3d4-42b6-11ef-983c-b7beff2784f9";
const entity = { id: { id: deviceId } };
const plugin = `/api/plugins/telemetry/DEVICE/${deviceId}`;
const info = { ...entity, name: "factory" };
const pump = device("pump");
const row = { ...entity, deviceId: { id: deviceId }, credentialsType: "ACCESS_TOKEN", credentialsId: "x", credentialsValue: null };
const profile = { ...info, profileData: { transportConfiguration: {}, provisionConfiguration: {} } };

test.each<[string, (tb: ThingsBoard) => Promise<unknown>, string, unknown, unknown?]>([
    ["deviceById", tb => tb.deviceById(deviceId), `GET /api/device/${deviceId}`, pump],
    ["deviceInfo", tb => tb.deviceInfo(deviceId), `GET /api/device/info/${deviceId}`, pump],
    ["deviceByName", tb => tb.deviceByName("Pumpe 1/ö&x=+"), "GET /api/tenant/devices?deviceName=Pumpe%201%2F%C3%B6%26x%3D%2B", pump],
    ["devicesByIds", tb => tb.devicesByIds(["a", "b"]), "GET /api/devices?deviceIds=a%2Cb", [pump]],
    ["credentials", tb => tb.credentials(deviceId), `GET /api/device/${deviceId}/credentials`, row],
    ["attributes", tb => tb.attributes(deviceId, "SERVER_SCOPE", ["a", "b"]), `GET ${plugin}/values/attributes/SERVER_SCOPE?keys=a%2Cb`, [{ key: "a", value: 1, lastUpdateTs: 2 }]],
    ["attributes, all", tb => tb.attributes(deviceId, "CLIENT_SCOPE"), `GET ${plugin}/values/attributes/CLIENT_SCOPE`, []],
    ["saveAttributes", tb => tb.saveAttributes(deviceId, { a: 1 }), `POST ${plugin}/attributes/SERVER_SCOPE {"a":1}`, "", null],
    ["deleteAttributes", tb => tb.deleteAttributes(deviceId, ["a"]), `DELETE ${plugin}/SERVER_SCOPE?keys=a`, "", null],
    ["latestTelemetry", tb => tb.latestTelemetry(deviceId, ["t"]), `GET ${plugin}/values/timeseries?keys=t`, { t: [{ ts: 1, value: "25" }] }, { t: { ts: 1, value: "25" } }],
    ["deleteTelemetry", tb => tb.deleteTelemetry(deviceId, ["t"]), `DELETE ${plugin}/timeseries/delete?keys=t&deleteAllDataForKeys=true`, "", null],
    ["deviceProfile", tb => tb.deviceProfile(deviceId), `GET /api/deviceProfile/${deviceId}`, profile],
    ["defaultDeviceProfile", tb => tb.defaultDeviceProfile(), "GET /api/deviceProfileInfo/default", info],
    ["deleteDeviceProfile", tb => tb.deleteDeviceProfile(deviceId), `DELETE /api/deviceProfile/${deviceId}`, "", null],
    ["customerByTitle", tb => tb.customerByTitle("North & Sons"), "GET /api/tenant/customers?customerTitle=North%20%26%20Sons", entity],
    ["assignToCustomer", tb => tb.assignToCustomer(deviceId, customer), `POST /api/customer/${customer}/device/${deviceId}`, entity, null],
    ["unassignFromCustomer", tb => tb.unassignFromCustomer(deviceId), `DELETE /api/customer/device/${deviceId}`, entity, null],
    ["setOwner", tb => tb.setOwner(deviceId, { entityType: "CUSTOMER", id: customer }), `POST /api/owner/CUSTOMER/${customer}/DEVICE/${deviceId}`, "", null],
    ["deviceGroupByName", tb => tb.deviceGroupByName({ entityType: "TENANT", id: customer }, "All"), `GET /api/entityGroup/TENANT/${customer}/DEVICE/All`, entity],
    ["addToGroup", tb => tb.addToGroup(group, [deviceId]), `POST /api/entityGroup/${group}/addEntities ["${deviceId}"]`, "", null],
    ["removeFromGroup", tb => tb.removeFromGroup(group, [deviceId]), `POST /api/entityGroup/${group}/deleteEntities ["${deviceId}"]`, "", null],
    ["currentUser", tb => tb.currentUser(), "GET /api/auth/user", { ...entity, authority: "TENANT_ADMIN", email: "a@b.c" }],
    ["usage", tb => tb.usage(), "GET /api/usage", { devices: 3, maxDevices: 5 }],
    ["serverCertificateChain", tb => tb.serverCertificateChain(), "GET /api/device-connectivity/mqtts/certificate/download", "-----BEGIN CERTIFICATE-----"],
    ["deviceConnectivity", tb => tb.deviceConnectivity(deviceId), `GET /api/device-connectivity/${deviceId}`, { mqtt: { mqtts: "Check documentation" } }],
])("%s", async (_name, call, request, body, result = body) => {
    const server = await serve(() => ({ body }));
    expect((await call(client(`${server.url}/prefix/`))) ?? null).toEqual(result);
    const [one] = server.received;
    expect(`${one?.method} ${one?.path}${one?.body ? ` ${one.body}` : ""}`).toBe(request.replace(" /", " /prefix/"));
});

test("more attributes than an address holds are asked for, and deleted, in several calls", async () => {
    // Node's own server takes 16 KiB, Tomcat and nginx half of it.
    const keys = Array.from({ length: 600 }, (_none, index) => `Temperature of bearing ${index} (°C)`);
    const server = await serve(({ path }) => ({ body: (new URL(path, "http://x").searchParams.get("keys") ?? "").split(",").map(key => ({ key, value: 1, lastUpdateTs: 2 })) }));
    const tb = client(server.url);
    expect((await tb.attributes(deviceId, "SERVER_SCOPE", keys))?.map(({ key }) => key)).toEqual(keys);
    await tb.deleteAttributes(deviceId, keys);
    expect(server.received.every(({ path }) => path.length < 8 * 1024)).toBe(true);
    const gone = await serve(() => refusal(404, 32, "Device with requested id wasn't found!"));
    expect(await client(gone.url).attributes(deviceId, "SERVER_SCOPE", keys)).toBeUndefined();
    expect(gone.received).toHaveLength(1);
});

test("an address that is open to everybody gets no credentials", async () => {
    const server = await serve(() => ({ body: "-----BEGIN CERTIFICATE-----" }));
    await client(server.url).serverCertificateChain();
    expect(server.received[0]?.authorization).toBeUndefined();
});

describe("404", () => {
    const missing = refusal(404, 32, "Device with id [x] is not found");
    const bareText: Reply = { status: 404, body: "Device with requested id wasn't found!", headers: { "Content-Type": "application/json" } };

    test("is undefined for what is read", async () => {
        const server = await serve(() => missing);
        const tb = client(server.url);
        const owner = { entityType: "TENANT", id: customer } as const;
        const reads = [tb.deviceById(deviceId), tb.deviceInfo(deviceId), tb.deviceByName("x"), tb.credentials(deviceId), tb.deviceProfile(deviceId), tb.customerByTitle("x"), tb.deviceGroupByName(owner, "x"), tb.serverCertificateChain(), tb.deviceConnectivity(deviceId)];
        expect(new Set(await Promise.all(reads))).toEqual(new Set([undefined]));
    });

    test("is undefined for attributes and telemetry too, which say it in bare text", async () => {
        const server = await serve(() => bareText);
        const tb = client(server.url);
        expect([await tb.attributes(deviceId, "SERVER_SCOPE"), await tb.latestTelemetry(deviceId, ["t"])]).toEqual([undefined, undefined]);
    });

    test("is done for what is to go", async () => {
        const server = await serve(({ path }) => (path.startsWith("/api/plugins") ? bareText : missing));
        const tb = client(server.url);
        await Promise.all([tb.deleteDevice(deviceId), tb.deleteAttributes(deviceId, ["a"]), tb.deleteTelemetry(deviceId, ["t"]), tb.deleteDeviceProfile(deviceId), tb.unassignFromCustomer(deviceId), tb.removeFromGroup(group, [deviceId])]);
    });

    test("is an error for what is written", async () => {
        const server = await serve(() => missing);
        const tb = client(server.url).about('device "pump-1"');
        for (const write of [tb.saveDevice(device("pump-1") as unknown as Device), tb.saveAttributes(deviceId, {}), tb.assignToCustomer(deviceId, customer)]) {
            expect(await errorOf(write)).toMatchObject({ kind: "notFound", message: expect.stringMatching(/^device "pump-1": cannot /) });
        }
    });

    test("of a path that the server doesn't know is no missing entity", async () => {
        const server = await serve(() => refusal(404, 32, "No static resource api/entityGroup."));
        expect(await errorOf(client(server.url).deviceById(deviceId))).toMatchObject({ kind: "unsupported" });
        expect(await errorOf(client(server.url).deleteDevice(deviceId))).toMatchObject({ kind: "unsupported" });
    });
});

test("a device that is assigned to nobody needs no taking away", async () => {
    const server = await serve(() => refusal(400, 31, "Device isn't assigned to any customer!"));
    await client(server.url).unassignFromCustomer(deviceId);
});

test("ids are asked for in portions that fit into an address", async () => {
    const server = await serve(({ path }) => ({ body: decodeURIComponent(path.split("=")[1] ?? "").split(",").map(id => ({ id: { id }, name: id })) }));
    const ids = Array.from({ length: 250 }, (_, i) => `784f394c-42b6-11ef-983c-${String(i).padStart(12, "0")}`);
    expect((await client(server.url).devicesByIds(ids)).map(found => found.id.id)).toEqual(ids);
    expect(server.received).toHaveLength(3);
    expect(Math.max(...server.received.map(one => one.path.length))).toBeLessThan(8_000);
    expect(await client(server.url).devicesByIds([])).toEqual([]);
});

test.each(["", ".", ".."])("%j is no id: it would lead to another address", async id => {
    const server = await serve(() => ({}));
    await expect((async () => client(server.url).deleteDevice(id))()).rejects.toThrow(/neither an id nor a name/);
    expect(server.received).toEqual([]);
});

describe("a profile by name", () => {
    test("is searched for page by page, and compared exactly", async () => {
        const pages = [
            { data: [{ ...info, name: "Factory" }, { ...info, name: "factory-2" }], totalPages: 2, totalElements: 3, hasNext: true },
            { data: [info], totalPages: 2, totalElements: 3, hasNext: false },
        ];
        const server = await serve((_, n) => ({ body: pages[n - 1] }));
        expect(await client(server.url).deviceProfileByName("factory")).toEqual(info);
        expect(server.received[1]?.path).toBe("/api/deviceProfileInfos?pageSize=100&page=1&textSearch=factory&sortProperty=createdTime&sortOrder=ASC");
    });

    test("isn't there", async () => {
        const server = await serve(() => ({ body: { data: [{ ...info, name: "factory-2" }], totalPages: 1, totalElements: 1, hasNext: false } }));
        expect(await client(server.url).deviceProfileByName("factory")).toBeUndefined();
    });

    test("a backslash finds nothing, so it isn't searched for", async () => {
        const server = await serve(() => ({ body: { data: [{ ...info, name: "a\\longer" }], totalPages: 1, totalElements: 1, hasNext: false } }));
        expect((await client(server.url).deviceProfileByName("a\\longer"))?.name).toBe("a\\longer");
        expect(server.received[0]?.path).toContain("textSearch=longer&");
    });
});

describe("the server's version", () => {
    test("as an administrator of the system", async () => {
        const server = await serve(() => ({ body: { version: "4.3.1.3", artifact: "application", type: "CE" } }));
        expect(await client(server.url).systemInfo()).toEqual({ version: "4.3.1.3", type: "CE" });
    });

    test("as anybody", async () => {
        const server = await serve(({ path }) => (path === "/actuator/info" ? { body: { build: { version: "4.3.1.3" } } } : refusal(403, 20, "You don't have permission to perform this operation!")));
        expect(await client(server.url).systemInfo()).toEqual({ version: "4.3.1.3" });
    });

    test("is nobody's business", async () => {
        const server = await serve(({ path }) => (path === "/actuator/info" ? { status: 404, body: "<html>" } : refusal(403, 20, "no")));
        expect(await client(server.url).systemInfo()).toBeUndefined();
    });
});

describe("the server's clock", () => {
    const skewOf = async (dates: readonly (string | undefined)[]) => {
        const clock = testClock(Date.parse("2026-01-01T12:00:00.500Z"));
        const server = await serve((_, n) => ({ body: device("pump-1"), headers: { Date: dates[n - 1] ?? "never" } }));
        const thingsboard = client(server.url, {}, { clock });
        expect(thingsboard.clockSkewMs()).toBeUndefined();
        for (const _ of dates) await thingsboard.deviceById(deviceId);
        return thingsboard.about("x").clockSkewMs();
    };

    test("is compared with ours", async () => {
        expect(await skewOf(["Thu, 01 Jan 2026 12:00:00 GMT"])).toBe(0);
        expect(await skewOf(["Thu, 01 Jan 2026 11:58:00 GMT"])).toBe(-120_000);
    });

    test("one odd answer doesn't count", async () => {
        expect(await skewOf(["Thu, 01 Jan 2026 12:00:10 GMT", "Thu, 01 Jan 2026 09:00:00 GMT", "Thu, 01 Jan 2026 12:00:10 GMT"])).toBe(10_000);
    });

    test("an answer without a date tells nothing", async () => {
        expect(await skewOf([undefined])).toBeUndefined();
    });
});
