// Older versions and other editions: as they were read, not as they were seen.
import { afterEach, describe, expect, test } from "vitest";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../sdk/emulator";
import { logIn, restOf, type Rest } from "./support";

let emulator: Emulator | undefined;
afterEach(() => emulator?.stop());

async function start(options: EmulatorOptions): Promise<Rest> {
    emulator = await startEmulator(options);
    return logIn(emulator, emulator.username, emulator.password);
}

describe("versions", () => {
    test.each([
        ["3.5", "3.5.1", false, false, false],
        ["3.6", "3.6.4", true, false, false],
        ["3.8", "3.8.1", true, true, false],
        ["4.3", "4.3.1.3", true, true, true],
    ] as const)("%s", async (version, release, connectivity, locks, apiKeys) => {
        const rest = await start({ version });
        expect((await rest("GET", "/api/system/info")).body).toMatchObject({ version: release, type: "CE" });
        expect((await rest("GET", "/api/device-connectivity/mqtts/certificate/download")).status).toBe(connectivity ? 200 : 404);

        const device = await rest("POST", "/api/device", { name: "a" });
        expect("version" in device.body).toBe(locks);
        const row = (await rest("GET", `/api/device/${device.body.id.id}/credentials`)).body;
        expect("version" in row).toBe(locks);
        expect((await rest("POST", "/api/device", { ...device.body, version: 99 })).status).toBe(locks ? 409 : 200);

        const me = (await rest("GET", "/api/auth/user")).body;
        const key = await rest("POST", "/api/apiKey", { userId: me.id, description: "d", enabled: true });
        expect(key.status).toBe(apiKeys ? 200 : 404);
        expect(emulator?.apiKey.startsWith("tb_")).toBe(apiKeys);
        expect((await rest("GET", "/api/auth/user", undefined, { auth: "ApiKey tb_x" }))).toMatchObject({ status: 401, body: { message: "Invalid username or password" } });
        expect(device.text.includes('{"type":"DEFAULT","type":"DEFAULT"}')).toBe(version === "4.3");
    });
});

describe.each(["PE", "Cloud"] as const)("edition %s", (edition) => {
    test("has listings of its own and no assignment", async () => {
        const rest = await start({ edition });
        const { id } = (await rest("POST", "/api/device", { name: "a" })).body;
        const customer = (await rest("POST", "/api/customer", { title: "C" })).body;
        // the path is taken for that of a tenant with an odd id
        expect(await rest("GET", "/api/tenant/deviceInfos?pageSize=10&page=0")).toMatchObject({ status: 400, body: { message: "Invalid UUID string: deviceInfos" } });
        expect((await rest("POST", `/api/customer/${customer.id.id}/device/${id.id}`)).status).toBe(404);
        expect((await rest("GET", "/api/deviceInfos/all?pageSize=10&page=0")).body.data).toMatchObject([{ name: "a", ownerName: "Tenant" }]);
        expect((await rest("GET", "/api/user/devices?pageSize=10&page=0")).body.totalElements).toBe(1);
    });
    test("changes owners", async () => {
        const rest = await start({ edition });
        const { id, tenantId } = (await rest("POST", "/api/device", { name: "a" })).body;
        const customer = (await rest("POST", "/api/customer", { title: "C" })).body;
        expect((await rest("POST", `/api/owner/CUSTOMER/${customer.id.id}/DEVICE/${id.id}`)).status).toBe(200);
        expect((await rest("GET", `/api/device/${id.id}`)).body).toMatchObject({ ownerId: customer.id, customerId: customer.id });
        expect((await rest("POST", `/api/owner/TENANT/${tenantId.id}/DEVICE/${id.id}`)).status).toBe(200);
        expect((await rest("GET", `/api/device/${id.id}`)).body).toMatchObject({ ownerId: tenantId });
    });
    test("has groups", async () => {
        const rest = await start({ edition });
        const { id, tenantId } = (await rest("POST", "/api/device", { name: "a" })).body;
        const group = await rest("POST", "/api/entityGroup", { name: "Pumps", type: "DEVICE" });
        expect(group).toMatchObject({ status: 200, body: { name: "Pumps", type: "DEVICE", ownerId: tenantId } });
        expect((await rest("GET", `/api/entityGroup/TENANT/${tenantId.id}/DEVICE/Pumps`)).body.id).toEqual(group.body.id);
        expect((await rest("GET", `/api/entityGroup/TENANT/${tenantId.id}/DEVICE/None`)).status).toBe(404);
        expect((await rest("GET", `/api/entityGroups/TENANT/${tenantId.id}/DEVICE?pageSize=10&page=0`)).body.data.map(({ name }: { name: string }) => name)).toEqual(["Pumps", "All"]);
        const members = async (): Promise<unknown> => (await rest("GET", `/api/entityGroup/${group.body.id.id}/devices?pageSize=10&page=0`)).body.totalElements;
        await rest("POST", `/api/entityGroup/${group.body.id.id}/addEntities`, [id.id]);
        expect(await members()).toBe(1);
        expect((await rest("GET", `/api/entityGroups/DEVICE/${id.id}`)).body).toContainEqual(group.body.id);
        await rest("POST", `/api/entityGroup/${group.body.id.id}/deleteEntities`, [id.id]);
        expect(await members()).toBe(0);
        await rest("POST", `/api/device?entityGroupId=${group.body.id.id}`, { name: "born there" });
        expect(await members()).toBe(1);
    });
});

test("a customer's group makes the customer the owner of what is born into it", async () => {
    const rest = await start({ edition: "PE" });
    const customer = (await rest("POST", "/api/customer", { title: "C" })).body;
    const group = (await rest("POST", "/api/entityGroup", { name: "Theirs", type: "DEVICE", ownerId: customer.id })).body;
    expect((await rest("POST", `/api/device?entityGroupIds=${group.id.id}`, { name: "a" })).body.ownerId).toEqual(customer.id);
});

test("the Community Edition has no groups", async () => {
    expect((await (await start({}))("POST", "/api/entityGroup", { name: "x", type: "DEVICE" })).status).toBe(404);
});

test("an emulator without restOf's key speaks to nobody", async () => {
    emulator = await startEmulator();
    expect((await restOf(emulator, null)("GET", "/api/auth/user")).status).toBe(401);
});
