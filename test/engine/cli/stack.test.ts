// The commands with --stack: settings, certificates and checks out of a real stack's state.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { command, json, type Ran } from "../../cli/support";
import { type CommandLine, commandLine } from "../support/commandLine";
import { emulated } from "../support/live";
import { type ThingsBoardUnderTest, emulatedThingsBoard, switchToToken } from "../support/thingsboard";

const project = path.join(import.meta.dirname, "program");
let server: ThingsBoardUnderTest;
let pulumi: CommandLine;
let folder: string;

beforeAll(async () => {
    server = await emulatedThingsBoard();
    folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
    pulumi = commandLine(project, {});
    await pulumi.create();
    const { restUrl: url, apiKey, username, password, mqttsHost, mqttsPort, caPem } = server.emulator;
    for (const [key, value] of Object.entries({ url, username, mqttHost: mqttsHost, mqttPort: String(mqttsPort), mqttCaPem: caPem })) await pulumi("config", "set", key, "--", value);
    for (const [key, value] of Object.entries({ apiKey, password })) await pulumi("config", "set", "--secret", key, "--", value);
    await pulumi("up", "--yes", "--skip-preview");
});
afterAll(async () => {
    await pulumi("destroy", "--yes", "--skip-preview").catch(() => undefined);
    pulumi.remove();
    rmSync(folder, { recursive: true, force: true });
    await server.stop();
});

/** As its user would: with what Pulumi needs in the environment, and nothing of ThingsBoard. */
function cli(...args: string[]): Promise<Ran> {
    const { PULUMI_BACKEND_URL = "", PULUMI_CONFIG_PASSPHRASE = "", PULUMI_STACK = "" } = pulumi.environment;
    return command({ PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE }, [...args, "--stack", PULUMI_STACK, "--cwd", project]);
}
const stack = () => pulumi.environment["PULUMI_STACK"]!;
const eu = ["--provider", "eu"] as const;

interface Explained {
    readonly refused: boolean;
    readonly reasons: readonly { readonly cause: string; readonly sentence: string }[];
    readonly facts: Readonly<Record<string, string>>;
}

describe("doctor --stack", () => {
    emulated.test("takes the settings of a Provider in the state, and shows no secret", async () => {
        const ran = await cli("doctor", ...eu, "--json");
        const report = json<{ settings: object[]; findings: { check: string; status: string; message: string }[] }>(ran);
        expect(report.findings.filter(({ status }) => status !== "ok")).toEqual([]);
        expect(report.settings).toContainEqual({ name: "url", value: server.emulator.restUrl, from: `Provider "eu" of stack ${stack()}` });
        expect(report.settings).toContainEqual({ name: "apiKey", from: `Provider "eu" of stack ${stack()}` });
        expect(report.findings.find(({ check }) => check === "project")?.message).toMatch(/^pulumi-thingsboard 0\.1\.0, @pulumi\/pulumi \d/);
        expect(ran.stdout + ran.stderr).not.toContain(server.emulator.apiKey);
    });

    emulated.test("of a stack with two asks which, and knows their names", async () => {
        const several = json<{ findings: { message: string }[] }>(await cli("doctor", "--json"));
        expect(several.findings.at(-1)!.message).toBe(`Stack ${stack()} has several Providers ("eu", "us"): say which with --provider.`);
        expect((await cli("explain", "pump-1", "--provider", "ue")).stderr).toBe(`Stack ${stack()} has no Provider "ue": it has "eu", "us".\n`);
        const other = json<{ server: object }>(await cli("doctor", "--provider", "us", "--json"));
        expect(other.server).toMatchObject({ user: { email: server.emulator.username } });
    });

    emulated.test("takes the configuration of a stack without a Provider", async () => {
        const plain = commandLine(project, {});
        await plain.create();
        await plain("config", "set", "thingsboard:url", server.emulator.restUrl);
        await plain("config", "set", "--secret", "thingsboard:apiKey", server.emulator.apiKey);
        const { PULUMI_BACKEND_URL = "", PULUMI_CONFIG_PASSPHRASE = "", PULUMI_STACK = "" } = plain.environment;
        const ran = await command({ PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE, THINGSBOARD_MQTT_HOST: "of-another-server" }, ["doctor", "--stack", PULUMI_STACK, "--cwd", project, "--json"]);
        plain.remove();
        expect(json<{ settings: object[] }>(ran).settings).toEqual([
            { name: "url", value: server.emulator.restUrl, from: `the configuration of stack ${PULUMI_STACK}` },
            { name: "apiKey", from: `the configuration of stack ${PULUMI_STACK}` },
            { name: "mqttHost", value: "127.0.0.1", from: "the default" },
            { name: "mqttPort", value: "8883", from: "the default" },
        ]);
    });

    emulated.test("a stack that is not there is told", async () => {
        const ran = await command(pulumi.environment as Record<string, string>, ["explain", "pump-1", "--stack", "nowhere", "--cwd", project]);
        expect(ran).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(`There is no stack nowhere in ${project}`) as string });
    });
});

describe("explain --stack", () => {
    emulated.test("compares with the certificate that the stack has bound, of a device and of one in a fleet", async () => {
        const one = json<Explained>(await cli("explain", "pump-1", ...eu, "--json"));
        expect(one).toMatchObject({ refused: false, facts: { certificate: 'the same, from the state (DeviceCredential "pump-1")', "declared by": `cli/${stack()}/pump-1` } });
        expect(one.facts["last check"]).toMatch(/^accepted, .* UTC: device "pump-1" was accepted/);
        const other = json<Explained>(await cli("explain", "fleet-2", ...eu, "--json"));
        expect(other).toMatchObject({ refused: false, facts: { certificate: 'the same, from the state (DeviceFleet "pumps")' } });
    });

    emulated.test("publish with the stack's own outputs, and its settings", async () => {
        const { certificatePem, privateKeyPem } = await pulumi.outputs<{ certificatePem: string; privateKeyPem: string }>("--show-secrets");
        const at = (name: string, text: string) => {
            writeFileSync(path.join(folder, name), text, { mode: 0o600 });
            return path.join(folder, name);
        };
        const ran = await cli("publish", "--cert", at("cert.pem", certificatePem), "--key", at("key.pem", privateKeyPem), ...eu, "-m", '{"temperature":21}', "--json");
        expect(json<object>(ran)).toMatchObject({ accepted: true, cause: "accepted", warnings: [] });
        expect(ran.stdout + ran.stderr).not.toContain(privateKeyPem.split("\n")[1]);
        expect(await server.latest((await server.deviceByName("pump-1"))!.id.id, "temperature")).toBe("21");
    });

    emulated.test("a change made elsewhere is the likeliest reason, and a renamed device is found", async () => {
        const { id } = (await server.deviceByName("pump-1"))!;
        await switchToToken(server, id.id);
        const changed = json<Explained>(await cli("explain", "pump-1", ...eu, "--json"));
        expect(changed.reasons[0]).toMatchObject({ cause: "changed-meanwhile", sentence: expect.stringContaining("was bound, but somebody changed it and the device now holds an access token instead of a certificate") as string });
        await server.call("POST", "/api/device", { ...(await server.deviceByName("pump-1")), name: "pump-one" });
        expect(json<Explained>(await cli("explain", "pump-1", ...eu, "--json")).reasons.map(({ cause }) => cause)).toEqual(["changed-meanwhile", "renamed"]);
        await server.call("DELETE", `/api/device/${id.id}`);
        expect(json<Explained>(await cli("explain", "pump-1", ...eu, "--json")).reasons[0]).toMatchObject({ cause: "device-gone", sentence: expect.stringContaining('which DeviceCredential "pump-1" had bound a certificate to') as string });
    });

    emulated.test("fleet status and export as JSON", async () => {
        expect(json<object>(await cli("fleet", "status", "--json"))).toEqual({ devices: 2, failed: 0, stacks: [{ stack: stack(), exists: true, devices: 2, failed: 0, nextExpiry: expect.stringMatching(/^\d{4}-/) as string }] });
        const [one, ...more] = json<{ name: string; certificatePem: string; privateKeyPem: string }[]>(await cli("fleet", "export", "--device", "fleet-2", "--json"));
        expect([one!.name, more]).toEqual(["fleet-2", []]);
        expect(one!.privateKeyPem).toContain("PRIVATE KEY");
    });

    emulated.test("revoke --stack", async () => {
        expect(await cli("revoke", "fleet-1", ...eu)).toMatchObject({ code: 0 });
        expect(json<Explained>(await cli("explain", "fleet-1", ...eu, "--json")).reasons[0]).toMatchObject({ cause: "revoked" });
    });
});
