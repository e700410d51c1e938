// `pulumi-thingsboard doctor` against an emulator that something is wrong with: each fault is named, with what to do.

import { mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Emulator, startEmulator } from "../../sdk/emulator";
import { makeCert, restOf } from "../emulator/support";
import { mqttServer } from "../unit/mqtt/scriptedServer";
import { issue } from "../unit/mqtt/certificates";
import { command, type Environment, environmentOf, folder, json, type Ran } from "./support";

interface Finding {
    readonly check: string;
    readonly status: "ok" | "warning" | "failure";
    readonly message: string;
    readonly remedy?: string;
}
interface Report {
    readonly ok: boolean;
    readonly settings: readonly { readonly name: string; readonly value?: string; readonly from: string }[];
    readonly server?: Readonly<Record<string, unknown>>;
    readonly mqtt?: Readonly<Record<string, unknown>>;
    readonly findings: readonly Finding[];
}

let emulator: Emulator;
let environment: Environment;
beforeAll(async () => {
    emulator = await startEmulator();
    environment = environmentOf(emulator);
});
afterEach(() => {
    emulator.faults.clear();
    emulator.setLimits({});
});
afterAll(() => emulator.stop());

const doctor = (more: Environment = {}, ...args: string[]): Promise<Ran> => command({ ...environment, ...more }, ["doctor", "--json", ...args]);
/** What is not as it should be, in a word or two each, and the rest of the report. */
async function wrong(more: Environment = {}, ...args: string[]): Promise<{ report: Report; code: number; found: readonly string[]; of: (check: string) => Finding }> {
    const ran = await doctor(more, ...args);
    const report = json<Report>(ran);
    const bad = report.findings.filter(({ status }) => status !== "ok");
    for (const finding of bad) expect(finding.remedy ?? finding.message, finding.message).toMatch(/\w/);
    return { report, code: ran.code, found: bad.map(({ check, status }) => `${check}: ${status}`), of: check => bad.find(finding => finding.check === check)! };
}

test("a healthy ThingsBoard: every check is told, and no secret", async () => {
    const ran = await command(environment, ["doctor"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    const checks = [...ran.stdout.matchAll(/^ok {7}(.{18})/gm)].map(([, check]) => check!.trim());
    expect(checks).toEqual(["node", "pulumi", "settings", "address", "version", "log-in", "device limit", "rate limit", "clock", "mqtt port", "server certificate", "server chain", "download", "client certificate"]);
    expect(ran.stdout).toMatch(/\n\nall is well\n$/);
    expect(ran.stdout).toContain("ThingsBoard 4.3.1.3, Community Edition");
    expect(ran.stdout).not.toContain(emulator.apiKey);
});

test("--json holds where each setting comes from, the chain that devices need, and no secret", async () => {
    const ran = await doctor();
    expect(ran.stdout).not.toContain(emulator.apiKey);
    const report = json<Report>(ran);
    expect(report.settings).toContainEqual({ name: "apiKey", from: "the environment (THINGSBOARD_API_KEY)" });
    expect(report.settings).toContainEqual({ name: "mqttHost", value: "localhost", from: "the environment (THINGSBOARD_MQTT_HOST)" });
    expect(report.server).toMatchObject({ version: "4.3.1.3", user: { authority: "TENANT_ADMIN" }, usage: { devices: 0, maxDevices: 0 }, rateLimited: false });
    expect(report.mqtt).toMatchObject({ reachable: true, tlsVersions: ["TLSv1.2", "TLSv1.3"], trustedPublicly: false, trustedByCaFile: true, rightHost: true, serverChainPem: emulator.caPem, clientCertificatesArrive: true });
});

test("an authority that this machine alone trusts is not taken for one that devices trust", async () => {
    const { findings } = json<Report>(await doctor({ THINGSBOARD_MQTT_CA_PEM: "", NODE_EXTRA_CA_CERTS: emulator.caFile }));
    expect(findings.find(({ check }) => check === "server certificate")).toMatchObject({ status: "ok", message: expect.stringContaining("devices need it too") as string });
});

describe("log-in and rights", () => {
    test.each([
        ["a wrong key", { THINGSBOARD_API_KEY: "tb_wrong" }, "log-in: failure", "the API key is wrong, was deleted or is of another server"],
        ["a customer's user", { THINGSBOARD_API_KEY: "", THINGSBOARD_USERNAME: "customer@thingsboard.org", THINGSBOARD_PASSWORD: "customer" }, "log-in: failure", "is a customer's user, who may not create devices"],
        ["the system administrator", { THINGSBOARD_API_KEY: "", THINGSBOARD_USERNAME: "sysadmin@thingsboard.org", THINGSBOARD_PASSWORD: "sysadmin" }, "log-in: failure", "is the system administrator, who has no devices"],
        ["a server that is not there", { THINGSBOARD_URL: "http://127.0.0.1:9" }, "address: failure", "127.0.0.1:9 refuses the connection"],
    ])("%s", async (_what, more, finding, said) => {
        const { code, found, of } = await wrong(more);
        expect([code, found]).toEqual([1, [finding]]);
        expect(of(finding.split(":")[0]!).message).toContain(said);
    });

    test("nothing configured, and a mix of sources, are told", async () => {
        const none = json<Report>(await command({}, ["doctor", "--json"]));
        expect(none.findings.at(-1)).toMatchObject({ check: "settings", status: "failure", message: expect.stringContaining("no ThingsBoard is configured: give --stack NAME") as string });
        const { found, of } = await wrong({ THINGSBOARD_USERNAME: "somebody" });
        expect(found).toEqual(["settings: failure"]);
        expect(of("settings").message).toContain("has both apiKey and username or password");
    });
});

describe("editions and versions", () => {
    test.each([
        ["3.6", "CE", "3.6.4, Community Edition does not notice when two write the same device at once", "warning"],
        ["4.3", "PE", "ThingsBoard 4.3.1.3PE, Professional Edition", "ok"],
        ["4.3", "Cloud", "ThingsBoard 4.3.1.3PE, Cloud", "ok"],
    ] as const)("%s %s", async (version, edition, said, status) => {
        const other = await startEmulator({ version, edition });
        const ran = await command({ ...environmentOf(other), THINGSBOARD_API_KEY: "", THINGSBOARD_USERNAME: other.username, THINGSBOARD_PASSWORD: other.password }, ["doctor", "--json"]);
        await other.stop();
        expect(ran.code).toBe(0);
        const finding = json<Report>(ran).findings.find(({ check }) => check === "version")!;
        expect(finding).toMatchObject({ status, message: expect.stringContaining(said) as string });
    });
});

describe("limits", () => {
    test("a tenant that may have no more devices", async () => {
        const rest = restOf(emulator);
        const { id } = (await rest("POST", "/api/device", { name: "one" })).body as { id: { id: string } };
        emulator.setLimits({ maxDevices: 1 });
        const { code, found, of } = await wrong();
        expect([code, found]).toEqual([1, ["device limit: failure"]]);
        expect(of("device limit")).toMatchObject({ message: "the tenant has 1 device and may have no more than 1", remedy: expect.stringContaining("maxDevices") as string });
        await rest("DELETE", `/api/device/${id.id}`);
    });

    test("a tenant that is nearly there", async () => {
        const rest = restOf(emulator);
        const ids: string[] = [];
        for (let i = 0; i < 9; i++) ids.push(((await rest("POST", "/api/device", { name: `nearly-${i}` })).body as { id: { id: string } }).id.id);
        emulator.setLimits({ maxDevices: 10 });
        const { code, of } = await wrong();
        expect(code).toBe(0);
        expect(of("device limit")).toMatchObject({ status: "warning", message: "9 of 10 devices", remedy: expect.stringContaining("there is room for 1 more") as string });
        for (const id of ids) await rest("DELETE", `/api/device/${id}`);
    });

    test("requests that are limited", async () => {
        emulator.setLimits({ tenantServerRestLimitsConfiguration: "1:1" });
        const { code, found, report } = await wrong();
        expect([code, found, report.server?.["rateLimited"]]).toEqual([0, ["rate limit: warning"], true]);
    });
});

describe("clocks", () => {
    test.each([
        ["12 s behind", -12_000, "clock: warning", 0, "12 s behind this machine's: a certificate that is issued now is valid there only then"],
        ["an hour behind", -3_600_000, "clock: failure", 1, "60 min behind this machine's: a certificate that is issued now is not yet valid there"],
        ["an hour ahead", 3_600_000, "clock: warning", 0, "60 min ahead of this machine's: certificates end there that much earlier"],
    ])("the server's is %s", async (_what, clockOffset, finding, exitCode, said) => {
        emulator.faults.set({ clockOffset });
        const { code, found, of } = await wrong();
        expect([code, found]).toEqual([exitCode, [finding]]);
        expect(of("clock").message).toContain(said);
        expect(of("clock").remedy).toBe("set both by NTP");
    });
});

describe("the MQTT port", () => {
    test.each([
        ["nobody listens there", () => ({ THINGSBOARD_MQTT_PORT: "9" }), "nothing listens there (ECONNREFUSED)"],
        ["it is the plain one", () => ({ THINGSBOARD_MQTT_PORT: String(emulator.mqttPort) }), "if it is the plain MQTT port (1883)"],
        ["it is that of REST", () => ({ THINGSBOARD_MQTT_PORT: new URL(emulator.restUrl).port }), "the port does not speak TLS"],
        ["there is no such host", () => ({ THINGSBOARD_MQTT_HOST: "mqtt.invalid" }), "there is no host mqtt.invalid"],
    ])("%s", async (_what, more, said) => {
        const { code, found, of, report } = await wrong(more());
        expect([code, found, report.mqtt?.["reachable"]]).toEqual([1, ["mqtt port: failure"], false]);
        expect(`${of("mqtt port").message}; ${of("mqtt port").remedy}`).toContain(said);
    });

    test("a load balancer that ends TLS", async () => {
        emulator.faults.set({ mqtt: { tls: "dropCertificate" } });
        const { code, found, of, report } = await wrong();
        expect([code, found, report.mqtt?.["clientCertificatesArrive"]]).toEqual([1, ["client certificate: failure"], false]);
        expect(of("client certificate")).toMatchObject({ message: expect.stringContaining("ends TLS") as string, remedy: expect.stringContaining("have it pass TCP through") as string });
    });

    test("a transport that is late in taking sessions", async () => {
        emulator.faults.set({ mqtt: { connack: 3 } });
        const { found, of } = await wrong();
        expect(found).toEqual(["client certificate: failure"]);
        expect(of("client certificate").message).toContain("ThingsBoard can't take the session");
    });
});

describe("the server's certificate", () => {
    const trusting = (caPem: string, port: number): Environment => ({ THINGSBOARD_MQTT_PORT: String(port), THINGSBOARD_MQTT_HOST: "127.0.0.1", THINGSBOARD_MQTT_CA_PEM: caPem });

    test("of an authority that nothing here trusts is shown with its fingerprint, and client certificates are tried all the same", async () => {
        const { code, found, of } = await wrong({ THINGSBOARD_MQTT_CA_PEM: "" });
        expect([code, found]).toEqual([1, ["server certificate: failure"]]);
        expect(of("server certificate").message).toMatch(/"CN=localhost" from "CN=ThingsBoard emulator CA \w+", SHA-256 ([0-9A-F]{2}:){31}/);
        expect(of("server certificate").remedy).toContain("give the authority that signed it as mqttCaPem");
    });

    test("--cafile says whether a device with that file would connect", async () => {
        const at = folder();
        const { found, of } = await wrong({}, "--cafile", at.write("other.pem", makeCert({ cn: "Other", ca: true }).pem));
        expect(found).toEqual(["server certificate: failure"]);
        expect(of("server certificate").message).toContain("is not trusted");
        expect((await wrong({ THINGSBOARD_MQTT_CA_PEM: "" }, "--cafile", emulator.caFile)).found).toEqual([]);
    });

    test("expired, for another host, about to end: each is told", async () => {
        const other = await startEmulator();
        const run = async () => {
            const ran = await command(environmentOf(other), ["doctor", "--json"]);
            return { code: ran.code, bad: json<Report>(ran).findings.filter(({ status }) => status !== "ok") };
        };
        await other.rotateServerCertificate({ validity: "expired" });
        const expired = await run();
        expect([expired.code, expired.bad.map(({ check, status }) => `${check}: ${status}`)]).toEqual([1, ["dates: failure"]]);
        expect(expired.bad[0]).toMatchObject({ message: expect.stringMatching(/^the server's certificate expired on .* UTC: devices refuse to connect$/) as string, remedy: expect.stringContaining("renew it on the server") as string });

        await other.rotateServerCertificate({ hosts: ["mqtt.example.org"] });
        const elsewhere = await run();
        expect(elsewhere.bad[0]).toMatchObject({ check: "server certificate", status: "failure", message: expect.stringContaining('is for "DNS:mqtt.example.org" and not for localhost') as string, remedy: expect.stringContaining("set mqttHost to a name in the certificate") as string });

        await other.rotateServerCertificate({ days: 6 });
        const soon = await run();
        expect(soon.code).toBe(0);
        expect(soon.bad[0]).toMatchObject({ check: "dates", status: "warning", message: expect.stringMatching(/^the server's certificate expires in 5 days/) as string });
        await other.stop();
    });

    test("without its intermediate is told from an unknown authority", async () => {
        const root = issue("root", { authority: true });
        const intermediate = issue("intermediate", { authority: true, issuer: root });
        const leaf = issue("127.0.0.1", { issuer: intermediate, names: ["127.0.0.1"] });
        const server = await mqttServer(leaf);
        const { found, of } = await wrong(trusting(root.certificatePem, server.port));
        await server.close();
        expect(found.slice(0, 2)).toEqual(["server certificate: failure", "server chain: warning"]);
        expect(of("server chain")).toMatchObject({ message: 'the server sends 1 certificate and leaves out "CN=intermediate", which signed the last', remedy: expect.stringContaining("let the server send the intermediate certificates too") as string });
    });
});

describe("the project", () => {
    test("that can't find the package is told to install it", async () => {
        const at = folder();
        at.write("Pulumi.yaml", "name: x\nruntime: nodejs\n");
        const { code, found, of } = await wrong({}, "--cwd", at.path);
        expect([code, found]).toEqual([1, ["project: failure"]]);
        expect(of("project").remedy).toContain('run "npm install pulumi-thingsboard" there');
    });

    test("that has another version is told to use its own command", async () => {
        const at = folder();
        at.write("Pulumi.yaml", "name: x\nruntime: nodejs\n");
        for (const name of ["pulumi-thingsboard", "@pulumi/pulumi"]) {
            mkdirSync(path.join(at.path, "node_modules", name), { recursive: true });
            writeFileSync(path.join(at.path, "node_modules", name, "package.json"), JSON.stringify({ name, version: "9.8.7" }));
        }
        const { code, found, of } = await wrong({}, "--cwd", at.path);
        expect([code, found]).toEqual([0, ["project: warning"]]);
        expect(of("project").message).toBe("the project has pulumi-thingsboard 9.8.7, and this command is 0.1.0");
    });

    test("without pulumi on PATH", async () => {
        const { found, of } = await wrong({ PATH: "/nowhere" });
        expect(found).toEqual(["pulumi: warning"]);
        expect(of("pulumi").remedy).toContain("install it");
    });
});
