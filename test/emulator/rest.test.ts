// What the recorded scenarios leave out: roles, tenants, wrong paths, types of credentials, listings.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../sdk/emulator";
import { asSystemAdmin, bind, logIn, makeCert, restOf, type Rest } from "./support";

let emulator: Emulator;
let rest: Rest;
const sha3 = (text: string): string => createHash("sha3-256").update(text).digest("hex");

beforeAll(async () => {
    emulator = await startEmulator();
    rest = restOf(emulator);
});
afterAll(() => emulator.stop());

describe("log-in", () => {
    test("another scheme is sent to the login page of browsers", async () => {
        for (const auth of ["Basic x", "bearer x"]) {
            expect(await rest("GET", "/api/auth/user", undefined, { auth })).toMatchObject({ status: 302 });
        }
        const response = await fetch(`${emulator.restUrl}/api/auth/user`, { headers: { authorization: "Basic x" }, redirect: "manual" });
        expect(response.headers.get("location")).toBe(`${emulator.restUrl}/oauth2Login`);
        const followed = await fetch(`${emulator.restUrl}/api/auth/user`, { headers: { authorization: "Basic x" } });
        expect([followed.status, followed.headers.get("content-type")]).toEqual([200, "text/html; charset=UTF-8"]);
    });
    test("a token works until log-out, which does not reach back into its own second", async () => {
        const [user, pair] = [{ username: emulator.username, password: emulator.password }, () => restOf(emulator, null)("POST", "/api/auth/login", user)];
        const { token, refreshToken } = (await pair()).body;
        const auth = `Bearer ${token}`;
        await rest("POST", "/api/auth/logout", undefined, { auth });
        expect((await rest("GET", "/api/auth/user", undefined, { auth })).status).toBe(200);
        emulator.faults.set({ clockOffset: 2000 });
        expect(await rest("POST", "/api/auth/logout", undefined, { auth })).toMatchObject({ status: 200, text: "", type: null });
        expect(await rest("GET", "/api/auth/user", undefined, { auth })).toMatchObject({ status: 401, body: { errorCode: 11, message: "Token has expired" } });
        expect(await rest("POST", "/api/auth/token", { refreshToken }, { auth: null })).toMatchObject({ status: 401, body: { errorCode: 10, message: "Token is outdated" } });
        emulator.faults.clear();
    });
    test("a token dies of age, and at once on demand", async () => {
        const { token } = (await restOf(emulator, null)("POST", "/api/auth/login", { username: emulator.username, password: emulator.password })).body;
        const look = (): ReturnType<Rest> => rest("GET", "/api/auth/user", undefined, { auth: `Bearer ${token}` });
        emulator.faults.set({ clockOffset: 9_001_000 });
        expect(await look()).toMatchObject({ status: 401, body: { errorCode: 11 } });
        emulator.faults.clear();
        expect((await look()).status).toBe(200);
        emulator.expireTokens();
        expect(await look()).toMatchObject({ status: 401, body: { errorCode: 11 } });
        expect((await (await logIn(emulator, emulator.username, emulator.password))("GET", "/api/auth/user")).status).toBe(200);
    });
});

describe("roles", () => {
    const refused = { status: 403, body: { errorCode: 20, message: "You don't have permission to perform this operation!" } };
    test("only a tenant administrator makes devices", async () => {
        expect(await (await asSystemAdmin(emulator))("POST", "/api/device", { name: "x" })).toMatchObject(refused);
        expect(await (await logIn(emulator, "customer@thingsboard.org", "customer"))("POST", "/api/device", { name: "x" })).toMatchObject(refused);
    });
    test("a tenant administrator has no business on the paths of the system's", async () => {
        for (const path of ["/api/tenants?pageSize=1&page=0", "/api/tenantProfiles?pageSize=1&page=0", "/api/admin/settings/mail"]) expect(await rest("GET", path)).toMatchObject(refused);
    });
    test("a customer sees what is assigned to it, and only that", async () => {
        const customer = await logIn(emulator, "customer@thingsboard.org", "customer");
        const { customerId } = (await customer("GET", "/api/auth/user")).body;
        const { id } = (await rest("POST", "/api/device", { name: "for the customer" })).body;
        expect(await customer("GET", `/api/device/${id.id}`)).toMatchObject(refused);
        const assigned = await rest("POST", `/api/customer/${customerId.id}/device/${id.id}`);
        expect(assigned).toMatchObject({ status: 200, body: { customerId, version: 2 } });
        expect((await customer("GET", `/api/device/${id.id}`)).status).toBe(200);
        expect((await rest("GET", `/api/customer/${customerId.id}/deviceInfos?pageSize=10&page=0`)).body.data).toMatchObject([{ customerTitle: "Customer A" }]);
        await rest("DELETE", `/api/customer/device/${id.id}`);
        expect(await rest("DELETE", `/api/customer/device/${id.id}`)).toMatchObject({ status: 400, body: { message: "Device isn't assigned to any customer!" } });
    });
    test("a device of another tenant is as good as absent, its certificate is not", async () => {
        const system = await asSystemAdmin(emulator);
        const tenant = (await system("POST", "/api/tenant", { title: "Another" })).body;
        const user = (await system("POST", "/api/user?sendActivationMail=false", { authority: "TENANT_ADMIN", tenantId: tenant.id, email: "admin@another.example" })).body;
        const link = new URL((await system("GET", `/api/user/${user.id.id}/activationLink`)).text);
        const { token } = (await rest("POST", "/api/noauth/activate", { activateToken: link.searchParams.get("activateToken"), password: "secret" }, { auth: null })).body;
        const other = restOf(emulator, `Bearer ${token}`);
        const certificate = makeCert({ cn: "shared" });
        const id = await bind(other, "of another tenant", certificate);
        for (const [method, path] of [["GET", `/api/device/${id}`], ["DELETE", `/api/device/${id}`], ["GET", `/api/device/${id}/credentials`]] as const) {
            expect(await rest(method, path)).toMatchObject({ status: 404, body: { errorCode: 32, message: `Device with id [${id}] is not found` } });
        }
        await expect(bind(rest, "of this tenant", certificate)).rejects.toThrow("Device credentials are already assigned to another device!");
        expect((await rest("GET", `/api/plugins/telemetry/DEVICE/${id}/values/timeseries?keys=a`, undefined, { headers: { accept: "*/*" } }))).toMatchObject({ status: 404, text: "Device with requested id wasn't found!", type: "text/plain;charset=UTF-8" });
        await system("DELETE", `/api/tenant/${tenant.id.id}`);
        expect((await other("GET", `/api/device/${id}`)).status).toBe(401);
    });
});

describe("paths and bodies", () => {
    test("unknown path and wrong method are answered by Spring, in its own order", async () => {
        const unknown = await rest("GET", "/api/no/such/path");
        expect(unknown).toMatchObject({ status: 404, type: "application/json" });
        expect(Object.keys(unknown.body)).toEqual(["message", "errorCode", "status", "timestamp"]);
        const wrong = await rest("PUT", "/api/device");
        expect(wrong).toMatchObject({ status: 405, type: "application/json", body: { message: "Request method 'PUT' is not supported" } });
        const refused = await rest("GET", "/api/device/00000000-0000-1000-8000-000000000000");
        expect(refused.type).toBe("application/json;charset=ISO-8859-1");
        expect(Object.keys(refused.body)).toEqual(["status", "message", "errorCode", "timestamp"]);
    });
    test("the JSON of a device says its type twice", async () => {
        const { text } = await rest("POST", "/api/device", { name: "twice" });
        expect(text).toContain('"deviceData":{"configuration":{"type":"DEFAULT","type":"DEFAULT"},"transportConfiguration":{"type":"DEFAULT"}}');
    });
    test.each([
        ["no JSON", { raw: "{bad" }],
        ["nothing", { raw: "" }],
        ["text", { raw: "name=x", headers: { "content-type": "text/plain" } }],
        ["an array", { raw: "[]" }],
        ["a malformed id", { raw: '{"id":{"entityType":"DEVICE","id":"zzz"},"name":"x"}' }],
    ])("%s in a body is an internal error", async (_what, options) => {
        expect(await rest("POST", "/api/device", undefined, options)).toMatchObject({ status: 500, body: { errorCode: 2 } });
    });
    test("a device limit", async () => {
        emulator.setLimits({ maxDevices: 1 });
        const refused = await rest("POST", "/api/device", { name: "one too many" });
        expect(refused).toMatchObject({ status: 403, body: { status: 403, message: "Devices limit reached", errorCode: 41, entityType: "DEVICE", limit: 1 } });
        expect(Object.keys(refused.body).slice(-2)).toEqual(["entityType", "limit"]);
        emulator.setLimits({});
    });
    test("a rate limit, set on the tenant's profile", async () => {
        const system = await asSystemAdmin(emulator);
        const { id } = (await system("GET", "/api/tenantProfileInfo/default")).body;
        const profile = (await system("GET", `/api/tenantProfile/${id.id}`)).body;
        const limited = { ...profile, profileData: { configuration: { type: "DEFAULT", tenantServerRestLimitsConfiguration: "3:5" } } };
        await system("POST", "/api/tenantProfile", limited);
        const answers = await Promise.all(Array.from({ length: 4 }, () => fetch(`${emulator.restUrl}/api/auth/user`, { headers: { "x-authorization": `ApiKey ${emulator.apiKey}` } })));
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429]);
        const refused = answers.find(({ status }) => status === 429);
        expect(refused?.headers.has("retry-after")).toBe(false);
        expect(await refused?.json()).toMatchObject({ errorCode: 33, message: "Too many requests for current tenant!" });
        expect((await restOf(emulator, null)("POST", "/api/auth/login", { username: emulator.username, password: emulator.password })).status).toBe(200);
        await system("POST", "/api/tenantProfile", profile);
    });
});

describe("credentials", () => {
    const change = async (id: string, credentials: object): ReturnType<Rest> => {
        const row = (await rest("GET", `/api/device/${id}/credentials`)).body;
        return rest("POST", "/api/device/credentials", { ...row, ...credentials });
    };
    test("MQTT_BASIC is known by the hash of client id and user name", async () => {
        const { id } = (await rest("POST", "/api/device", { name: "basic" })).body;
        const value = { clientId: "c", userName: "u", password: "p" };
        const { body } = await change(id.id, { credentialsType: "MQTT_BASIC", credentialsId: null, credentialsValue: JSON.stringify(value, null, 2) });
        expect(body).toMatchObject({ credentialsId: sha3("c|u"), credentialsValue: JSON.stringify(value) });
        expect(await change(id.id, { credentialsType: "MQTT_BASIC", credentialsValue: "{}" })).toMatchObject({ status: 400 });
        expect(await change(id.id, { credentialsType: "MQTT_BASIC", credentialsValue: "hello" })).toMatchObject({ status: 400 });
    });
    test("LWM2M_CREDENTIALS is known by its endpoint", async () => {
        const { id } = (await rest("POST", "/api/device", { name: "lwm2m" })).body;
        const value = JSON.stringify({ client: { securityConfigClientMode: "NO_SEC", endpoint: "ep-1" }, bootstrap: {} });
        expect(await change(id.id, { credentialsType: "LWM2M_CREDENTIALS", credentialsValue: value })).toMatchObject({ status: 200, body: { credentialsId: "ep-1" } });
    });
    test("no type, no device", async () => {
        const { id } = (await rest("POST", "/api/device", { name: "typeless" })).body;
        expect(await change(id.id, { credentialsType: null })).toMatchObject({ status: 400, body: { message: "Device credentials type should be specified" } });
        expect(await change(id.id, { deviceId: {} })).toMatchObject({ status: 400, body: { message: "Invalid entity id" } });
        const empty = await rest("POST", "/api/device-with-credentials", { device: { name: "y" }, credentials: {} });
        expect(empty).toMatchObject({ status: 400, body: { message: "Device credentials type should be specified" } });
    });
    test("of five writers with the same version one wins", async () => {
        const { id } = (await rest("POST", "/api/device", { name: "contested" })).body;
        const row = (await rest("GET", `/api/device/${id.id}/credentials`)).body;
        const writes = Array.from({ length: 5 }, (_, i) =>
            rest("POST", "/api/device/credentials", { ...row, credentialsType: "X509_CERTIFICATE", credentialsValue: makeCert({ cn: `c${i}` }).pem }),
        );
        expect((await Promise.all(writes)).map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
    });
});

test("of five deletes at once all say that it is gone", async () => {
    const { id } = (await rest("POST", "/api/device", { name: "deleted by five" })).body;
    const gone = await Promise.all(Array.from({ length: 5 }, () => rest("DELETE", `/api/device/${id.id}`)));
    expect(gone.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect((await rest("DELETE", `/api/device/${id.id}`)).status).toBe(404);
});

describe("listing", () => {
    const found = async (text: string): Promise<string[]> => {
        const { body } = await rest("GET", `/api/tenant/deviceInfos?pageSize=100&page=0&sortProperty=name&sortOrder=ASC&textSearch=${encodeURIComponent(text)}`);
        return body.data.map(({ name }: { name: string }) => name);
    };
    test("% and _ are wildcards, a backslash finds nothing", async () => {
        for (const name of ["wild-a1", "wild-b2", "wild_c3"]) await rest("POST", "/api/device", { name });
        expect(await found("wild-%2")).toEqual(["wild-b2"]);
        expect(await found("WILD_")).toEqual(["wild-a1", "wild-b2", "wild_c3"]);
        expect(await found("d_c3")).toEqual(["wild_c3"]);
        expect(await found("wild\\")).toEqual([]);
    });
    test("an unknown sort property is a fault of the database", async () => {
        expect(await rest("GET", "/api/tenant/deviceInfos?pageSize=1&page=0&sortProperty=nope")).toMatchObject({ status: 500, body: { errorCode: 46 } });
    });
});

describe("customers", () => {
    test("made, found by title, listed, deleted", async () => {
        const made = await rest("POST", "/api/customer", { title: "Plant" });
        expect(made).toMatchObject({ status: 200, body: { title: "Plant", name: "Plant", version: 1 } });
        expect(await rest("POST", "/api/customer", { title: "Plant" })).toMatchObject({ status: 400, body: { message: "Customer with such title already exists!" } });
        expect((await rest("GET", "/api/tenant/customers?customerTitle=Plant")).body.id).toEqual(made.body.id);
        expect(await rest("GET", "/api/tenant/customers?customerTitle=Nobody")).toMatchObject({ status: 404, body: { message: "Requested item wasn't found!" } });
        expect((await rest("GET", "/api/customers?pageSize=10&page=0&textSearch=pla")).body.totalElements).toBe(1);
        const { id } = (await rest("POST", "/api/device", { name: "assigned", customerId: made.body.id })).body;
        expect((await rest("DELETE", `/api/customer/${made.body.id.id}`)).status).toBe(200);
        expect((await rest("GET", `/api/device/${id.id}`)).body.customerId.id).toBe("13814000-1dd2-11b2-8080-808080808080");
    });
});

describe("telemetry", () => {
    test("numbers are printed as Java prints them", async () => {
        const { id } = (await rest("POST", "/api/device", { name: "numbers" })).body;
        const base = `/api/plugins/telemetry/DEVICE/${id.id}`;
        await rest("POST", `${base}/timeseries/ANY`, undefined, { raw: '{"a":25.0,"b":1e3,"c":0.0001,"d":"12","e":"1.2.3","f":12345678.5}' });
        const values = (await rest("GET", `${base}/values/timeseries?keys=a,b,c,d,e,f`)).body;
        expect(Object.values(values).map((points) => (points as { value: string }[])[0]?.value)).toEqual(["25.0", "1000", "1.0E-4", "12", "1.2.3", "1.23456785E7"]);
    });
    test("numbers that no type holds stay texts", async () => {
        const { id } = (await rest("POST", "/api/device", { name: "big numbers" })).body;
        const base = `/api/plugins/telemetry/DEVICE/${id.id}`;
        await rest("POST", `${base}/attributes/SERVER_SCOPE`, undefined, { raw: '{"a":1e400,"b":12345678901234567890,"c":9007199254740991}' });
        await rest("POST", `${base}/timeseries/ANY`, undefined, { raw: '{"a":1e400,"b":"9223372036854775808","c":9223372036854775807}' });
        const { body } = await rest("GET", `${base}/values/attributes/SERVER_SCOPE?keys=a,c`);
        expect(body.map(({ value }: { value: unknown }) => typeof value)).toEqual(["string", "number"]);
        const strict = await rest("GET", `${base}/values/timeseries?keys=a,b,c&useStrictDataTypes=true`);
        expect(strict.text).toMatch(/"a":\[{"ts":\d+,"value":"1e400"}\],"b":\[{"ts":\d+,"value":"9223372036854775808"}\],"c":\[{"ts":\d+,"value":9223372036854775807}\]/);
    });
    test("history within two times", async () => {
        const { id } = (await rest("POST", "/api/device", { name: "history" })).body;
        const base = `/api/plugins/telemetry/DEVICE/${id.id}`;
        for (const ts of [1000, 3000, 2000]) await rest("POST", `${base}/timeseries/ANY`, { ts, values: { t: ts } });
        expect((await rest("GET", `${base}/values/timeseries?keys=t&startTs=0&endTs=3000`)).body).toEqual({ t: [{ ts: 2000, value: "2000" }, { ts: 1000, value: "1000" }] });
        await rest("DELETE", `${base}/timeseries/delete?keys=t&startTs=2500&endTs=9000`);
        expect((await rest("GET", `${base}/values/timeseries?keys=t`)).body).toEqual({ t: [{ ts: 2000, value: "2000" }] });
    });
});

describe("bulk import", () => {
    const columns = [{ type: "NAME" }, { type: "TYPE" }, { type: "X509" }, { type: "SERVER_ATTRIBUTE", key: "site" }];
    const load = (file: string, update = true): ReturnType<Rest> => rest("POST", "/api/device/bulk_import", { file, mapping: { columns, delimiter: ",", update, header: true } });
    test("creates, updates, and tells of lines that failed", async () => {
        const [a, b] = [makeCert({ cn: "a" }), makeCert({ cn: "b" })];
        const file = `name,type,x509,site\nimport-a,pump,${a.b64},north\nimport-b,pump,"${b.pem}",south\nimport-c,pump,${a.b64},west\n`;
        expect((await load(file)).body).toEqual({ created: 2, updated: 0, errors: 1, errorsList: ["Line 4: Device credentials are already assigned to another device!"] });
        const { id, type } = (await rest("GET", "/api/tenant/devices?deviceName=import-b")).body;
        expect(type).toBe("pump");
        expect((await rest("GET", `/api/device/${id.id}/credentials`)).body).toMatchObject({ credentialsType: "X509_CERTIFICATE", credentialsId: b.id });
        expect((await rest("GET", `/api/plugins/telemetry/DEVICE/${id.id}/values/attributes/SERVER_SCOPE?keys=site`)).body).toMatchObject([{ value: "south" }]);
        expect((await load(file.split("\n").slice(0, 3).join("\n"))).body).toMatchObject({ created: 0, updated: 2, errors: 0 });
    });
});
