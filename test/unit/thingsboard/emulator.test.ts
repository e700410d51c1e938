// The client against the emulator, which shares nothing with it but the names of the wire format.

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startEmulator } from "../../../sdk/emulator/index";
import { connect, type DeviceCredentials, nobody, type ThingsBoard } from "../../../sdk/thingsboard";
import { readLeaf } from "../../../sdk/x509/leaf";
import { issue } from "../mqtt/certificates";
import { errorOf, testClock } from "./support";

type Emulator = Awaited<ReturnType<typeof startEmulator>>;

let emulator: Emulator;
let thingsboard: ThingsBoard;
const never = () => false;
const absent = "784f394c-42b6-11ef-983c-b7beff2784f9";

beforeAll(async () => {
    emulator = await startEmulator();
    thingsboard = connect({ url: emulator.restUrl, credentials: { apiKey: emulator.apiKey } });
});
afterAll(() => emulator.stop());

function certificate(commonName: string) {
    return readLeaf(issue(commonName).certificatePem);
}

async function bind(deviceId: string, leaf: { readonly base64Der: string }): Promise<DeviceCredentials> {
    const row = await thingsboard.credentials(deviceId);
    if (!row) throw new Error("no credentials");
    return thingsboard.saveCredentials({ ...row, credentialsType: "X509_CERTIFICATE", credentialsValue: leaf.base64Der });
}

test("a device: created, found, changed, deleted", async () => {
    const made = await thingsboard.createDevice({ name: "life", label: "north", additionalInfo: { mark: "mine" } }, never);
    expect(made).toMatchObject({ name: "life", label: "north", version: 1, additionalInfo: { mark: "mine" } });
    const id = made.id.id;
    expect(await thingsboard.deviceById(id)).toEqual(made);
    expect(await thingsboard.deviceByName("life")).toEqual(made);
    expect(await thingsboard.deviceByName("Life")).toBeUndefined();
    expect(await thingsboard.deviceInfo(id)).toMatchObject({ name: "life", active: false });
    expect((await thingsboard.devicesByIds([id, absent])).map(found => found.name)).toEqual(["life"]);

    const changed = await thingsboard.saveDevice({ ...made, label: "south" });
    expect(changed).toMatchObject({ label: "south", version: 2, additionalInfo: { mark: "mine" } });
    expect(await errorOf(thingsboard.saveDevice({ ...made, label: "west" }))).toMatchObject({ kind: "versionConflict", status: 409, errorCode: 35 });

    await thingsboard.deleteDevice(id);
    await thingsboard.deleteDevice(id);
    expect([await thingsboard.deviceById(id), await thingsboard.deviceInfo(id), await thingsboard.credentials(id)]).toEqual([undefined, undefined, undefined]);
    expect(await errorOf(thingsboard.saveDevice(changed))).toMatchObject({ kind: "notFound", errorCode: 32 });
});

test("a name that is taken", async () => {
    await thingsboard.createDevice({ name: "taken" }, never);
    expect(await errorOf(thingsboard.createDevice({ name: "taken" }, () => true))).toMatchObject({ kind: "nameTaken" });
    expect(await errorOf(thingsboard.createDevice({ name: "x".repeat(256) }, never))).toMatchObject({
        kind: "invalid",
        message: expect.stringMatching(/^device "x+": cannot create the device: ThingsBoard says "Validation error: name length must be equal or less than 255" \(400\)/),
    });
});

test("a certificate: bound, refused to another device, replaced by a token", async () => {
    const [one, other] = [await thingsboard.createDevice({ name: "bound-1" }, never), await thingsboard.createDevice({ name: "bound-2" }, never)];
    const leaf = certificate("bound-1");
    const bound = await bind(one.id.id, leaf);
    expect(bound).toMatchObject({ credentialsType: "X509_CERTIFICATE", credentialsId: leaf.credentialsId, credentialsValue: leaf.base64Der, version: 2 });
    expect(await thingsboard.credentials(one.id.id)).toEqual(bound);
    expect(await errorOf(bind(other.id.id, leaf))).toMatchObject({ kind: "credentialsTaken" });

    const token = { credentialsType: "ACCESS_TOKEN", credentialsId: "a-token-that-nobody-knows", credentialsValue: null } as const;
    expect(await errorOf(thingsboard.saveCredentials({ ...bound, ...token, version: 1 }))).toMatchObject({ kind: "versionConflict" });
    expect(await thingsboard.saveCredentials({ ...bound, ...token })).toMatchObject({ ...token, version: 3 });
    await bind(other.id.id, leaf);
});

test("device and certificate in one transaction", async () => {
    const leaf = certificate("both");
    const credentials = { credentialsType: "X509_CERTIFICATE", credentialsValue: leaf.base64Der } as const;
    const made = await thingsboard.createDeviceWithCredentials({ name: "both" }, credentials, never);
    expect(await thingsboard.credentials(made.id.id)).toMatchObject({ credentialsId: leaf.credentialsId });
    expect(await errorOf(thingsboard.createDeviceWithCredentials({ name: "both-2" }, credentials, never))).toMatchObject({ kind: "credentialsTaken" });
    expect(await thingsboard.deviceByName("both-2")).toBeUndefined();
});

test("attributes and telemetry", async () => {
    const { id } = (await thingsboard.createDevice({ name: "values" }, never)).id;
    await thingsboard.saveAttributes(id, { revoked: ["a", "b"], note: "x", count: 3 });
    const attributes = await thingsboard.attributes(id, "SERVER_SCOPE", ["note", "count", "nothing"]);
    expect(new Map(attributes?.map(({ key, value }) => [key, value]))).toEqual(new Map<string, unknown>([["note", "x"], ["count", 3]]));
    await thingsboard.deleteAttributes(id, ["note"]);
    expect((await thingsboard.attributes(id, "SERVER_SCOPE"))?.map(({ key }) => key)).not.toContain("note");

    expect(await thingsboard.latestTelemetry(id, ["temperature"])).toMatchObject({ temperature: { value: null } });
    await thingsboard.deleteTelemetry(id, ["temperature"]);

    expect([await thingsboard.attributes(absent, "SERVER_SCOPE"), await thingsboard.latestTelemetry(absent, ["t"])]).toEqual([undefined, undefined]);
    await thingsboard.deleteAttributes(absent, ["a"]);
    await thingsboard.deleteTelemetry(absent, ["t"]);
    expect(await errorOf(thingsboard.saveAttributes(absent, { a: 1 }))).toMatchObject({ kind: "notFound" });
});

test("device profiles", async () => {
    const ca = issue("Factory CA", { authority: true });
    const standard = await thingsboard.defaultDeviceProfile();
    expect((await thingsboard.deviceProfile(standard.id.id))?.default).toBe(true);
    const wanted = {
        name: "100%_factory",
        type: "DEFAULT",
        transportType: "DEFAULT",
        provisionType: "X509_CERTIFICATE_CHAIN",
        profileData: {
            configuration: { type: "DEFAULT" },
            transportConfiguration: { type: "DEFAULT" },
            provisionConfiguration: {
                type: "X509_CERTIFICATE_CHAIN",
                provisionDeviceSecret: readLeaf(ca.certificatePem).base64Der,
                certificateRegExPattern: "(.*)\\.factory",
                allowCreateNewDevicesByX509Certificate: true,
            },
            alarms: null,
        },
    } as const;
    const made = await thingsboard.createDeviceProfile(wanted, never);
    expect(made.provisionDeviceKey).toBe(readLeaf(ca.certificatePem).credentialsId);
    expect((await thingsboard.deviceProfileByName("100%_factory"))?.id).toEqual(made.id);
    expect(await thingsboard.deviceProfileByName("100__factory")).toBeUndefined();
    expect(await errorOf(thingsboard.createDeviceProfile(wanted, never))).toMatchObject({ kind: expect.stringMatching(/nameTaken|invalid/) });

    const changed = await thingsboard.saveDeviceProfile({ ...made, description: "of the factory" });
    expect(changed.version).toBe((made.version ?? NaN) + 1);
    expect(await errorOf(thingsboard.saveDeviceProfile(made))).toMatchObject({ kind: "versionConflict" });

    const device = await thingsboard.createDevice({ name: "in-use", deviceProfileId: made.id }, never);
    expect(await errorOf(thingsboard.deleteDeviceProfile(made.id.id))).toMatchObject({ kind: "invalid", message: expect.stringMatching(/move these devices/) });
    await thingsboard.deleteDevice(device.id.id);
    await thingsboard.deleteDeviceProfile(made.id.id);
    await thingsboard.deleteDeviceProfile(made.id.id);
    expect(await thingsboard.deviceProfile(made.id.id)).toBeUndefined();
});

test("customers", async () => {
    const answer = await fetch(`${emulator.restUrl}/api/customer`, {
        method: "POST",
        headers: { "X-Authorization": `ApiKey ${emulator.apiKey}`, "Content-Type": "application/json" },
        body: JSON.stringify({ title: "North & Sons" }),
    });
    expect(answer.status).toBe(200);
    const customer = await thingsboard.customerByTitle("North & Sons");
    const { id } = (await thingsboard.createDevice({ name: "assigned" }, never)).id;
    await thingsboard.assignToCustomer(id, customer?.id.id ?? "");
    expect((await thingsboard.deviceById(id))?.customerId).toEqual(customer?.id);
    await thingsboard.unassignFromCustomer(id);
    await thingsboard.unassignFromCustomer(id);
    expect((await thingsboard.deviceById(id))?.customerId?.id).toBe(nobody);
    await thingsboard.unassignFromCustomer(absent);
    expect(await thingsboard.customerByTitle("nobody")).toBeUndefined();
});

test("what the server says of itself", async () => {
    const { id } = (await thingsboard.createDevice({ name: "connectivity" }, never)).id;
    expect((await thingsboard.systemInfo())?.version).toMatch(/^\d+\.\d+/);
    expect(await thingsboard.serverCertificateChain()).toContain("-----BEGIN CERTIFICATE-----");
    expect(Object.keys((await thingsboard.deviceConnectivity(id)) ?? {})).toContain("mqtt");
    expect(await thingsboard.deviceConnectivity(absent)).toBeUndefined();
});

describe("who is asking", () => {
    test("user and password", async () => {
        const user = connect({ url: emulator.restUrl, credentials: { username: "tenant@thingsboard.org", password: "tenant" } });
        expect(await user.deviceByName("nothing of this name")).toBeUndefined();
    });

    test("a wrong password, and a wrong key", async () => {
        for (const credentials of [{ username: "tenant@thingsboard.org", password: "wrong" }, { apiKey: "tb_wrong" }]) {
            const stranger = connect({ url: emulator.restUrl, credentials });
            expect(await errorOf(stranger.deviceById(absent))).toMatchObject({ kind: "unauthorized", status: 401, errorCode: 10 });
        }
    });
});

/** An emulator of its own, and a client whose pauses take no time. */
async function own(options: Parameters<typeof startEmulator>[0] = {}) {
    const server = await startEmulator(options);
    onTestFinished(() => server.stop());
    const credentials = server.apiKey ? { apiKey: server.apiKey } : { username: server.username, password: server.password };
    return { server, tb: connect({ url: server.restUrl, credentials }, { clock: testClock() }) };
}

async function post<Answer>(server: Emulator, path: string, body: unknown): Promise<Answer> {
    const headers = { "X-Authorization": `ApiKey ${server.apiKey}`, "Content-Type": "application/json" };
    const answer = await fetch(server.restUrl + path, { method: "POST", headers, body: JSON.stringify(body) });
    return (await answer.json()) as Answer;
}

describe("answers that get lost after all was done", () => {
    test("a device is created once", async () => {
        const { server, tb } = await own({ faults: { rest: [{ method: "POST", path: "/api/device*", drop: "after", times: 1 }] } });
        const made = await tb.createDevice({ name: "pump-1", additionalInfo: { mark: "mine" } }, found => found.additionalInfo?.["mark"] === "mine");
        expect(made.version).toBe(1);
        expect(server.status().devices).toBe(1);
    });

    test("a certificate is bound once, a device changed once", async () => {
        const { server, tb } = await own();
        const device = await tb.createDevice({ name: "pump-1" }, never);
        const row = await tb.credentials(device.id.id);
        const leaf = certificate("pump-1");
        server.faults.set({ rest: [{ method: "POST", drop: "after", times: 1 }] });
        const bound = await tb.saveCredentials({ ...(row as DeviceCredentials), credentialsType: "X509_CERTIFICATE", credentialsValue: leaf.base64Der });
        expect(bound).toMatchObject({ credentialsId: leaf.credentialsId, version: 2 });
        server.faults.set({ rest: [{ method: "POST", drop: "after", times: 1 }] });
        expect(await tb.saveDevice({ ...device, label: "north" })).toMatchObject({ label: "north", version: 2 });
    });

    test("and before anything was done", async () => {
        const { server, tb } = await own({ faults: { rest: [{ method: "POST", drop: "before", times: 2 }] } });
        expect(await tb.createDevice({ name: "pump-1" }, never)).toMatchObject({ name: "pump-1", version: 1 });
        server.faults.set({ rest: [{ method: "DELETE", drop: "after", times: 1 }] });
        await tb.deleteDevice((await tb.deviceByName("pump-1"))?.id.id ?? "");
        expect(server.status().devices).toBe(0);
    });
});

test("tokens that end in the middle of a run", async () => {
    const { server } = await own();
    const tb = connect({ url: server.restUrl, credentials: { username: server.username, password: server.password } });
    const { id } = (await tb.createDevice({ name: "pump-1" }, never)).id;
    server.expireTokens();
    expect((await Promise.all(Array.from({ length: 10 }, () => tb.deviceById(id)))).map(found => found?.name)).toEqual(Array(10).fill("pump-1"));
});

test("limits: of devices, and of requests", async () => {
    const { server, tb } = await own({ limits: { maxDevices: 1 } });
    await tb.createDevice({ name: "pump-1" }, never);
    expect(await errorOf(tb.createDevice({ name: "pump-2" }, never))).toMatchObject({ kind: "deviceLimit", status: 403, errorCode: 41, message: expect.stringContaining("as it may have (1)") });
    server.setLimits({ tenantServerRestLimitsConfiguration: "3:3600" });
    const answers = await Promise.allSettled(Array.from({ length: 4 }, () => tb.deviceByName("pump-1")));
    expect(answers.find(one => one.status === "rejected")).toMatchObject({ reason: { kind: "rateLimited", status: 429, errorCode: 33 } });
});

test("before 3.8: no versions, and no API keys", async () => {
    const { server, tb } = await own({ version: "3.6" });
    const device = await tb.createDevice({ name: "pump-1" }, never);
    expect(device.version).toBeUndefined();
    expect(await tb.saveDevice({ ...device, label: "north" })).toMatchObject({ label: "north" });
    const leaf = certificate("pump-1");
    const row = (await tb.credentials(device.id.id)) as DeviceCredentials;
    server.faults.set({ rest: [{ method: "POST", drop: "after", times: 1 }] });
    expect(await tb.saveCredentials({ ...row, credentialsType: "X509_CERTIFICATE", credentialsValue: leaf.base64Der })).toMatchObject({ credentialsId: leaf.credentialsId });

    const withKey = connect({ url: server.restUrl, credentials: { apiKey: "tb_of-another-server" } });
    expect(await errorOf(withKey.deviceById(device.id.id))).toMatchObject({ kind: "unauthorized", message: expect.stringMatching(/this is ThingsBoard 3\.6\S*, and API keys need 4\.3/) });
});

test("owners and groups are the Professional Edition's", async () => {
    const { server, tb } = await own({ edition: "PE" });
    const device = await tb.createDevice({ name: "pump-1" }, never);
    await post(server, "/api/customer", { title: "North" });
    const customer = (await tb.customerByTitle("North"))?.id;
    if (!customer) throw new Error("no customer");
    await tb.setOwner(device.id.id, customer);
    const group = await post<{ id: { id: string } }>(server, "/api/entityGroup", { name: "pumps", type: "DEVICE", ownerId: customer });
    expect((await tb.deviceGroupByName(customer, "pumps"))?.id.id).toBe(group.id.id);
    expect(await tb.deviceGroupByName(device.tenantId, "pumps")).toBeUndefined();
    await tb.addToGroup(group.id.id, [device.id.id]);
    await tb.removeFromGroup(group.id.id, [device.id.id]);
    await tb.setOwner(device.id.id, device.tenantId);
});

test("and the Community Edition says that it has none", async () => {
    const { id } = (await thingsboard.createDevice({ name: "groupless" }, never)).id;
    expect(await errorOf(thingsboard.setOwner(id, { entityType: "CUSTOMER", id: absent }))).toMatchObject({ kind: "unsupported" });
});
