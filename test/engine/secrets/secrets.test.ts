// Canaries: every secret is searched for wherever a deployment leaves traces.

import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { restClient } from "../../../tools/live/rest.mjs";
import { keyAndCertificate } from "../../support/openssl";
import { type CommandLine, commandLine } from "../support/commandLine";
import { emulated } from "../support/live";
import { type ThingsBoardUnderTest, emulatedThingsBoard, switchToToken } from "../support/thingsboard";
import { type Seen, filesBelow, watched } from "./watched";

const canary = (what: string) => `canary-${what}-${randomBytes(12).toString("hex")}`;
const passphrase = canary("passphrase");
const pair = keyAndCertificate("EC", "given");
/** The second line of its base64: no other key has it. */
const body = (pem: string) => pem.split("\n")[2]!;

let server: ThingsBoardUnderTest;
let folder: string;
let pulumi: CommandLine;
/** What must not be found, by name. */
const secrets: Record<string, string> = { passphrase, pkcs12Password: canary("pkcs12"), privateKeyPem: body(pair.privateKeyPem) };

beforeAll(async () => {
    server = await emulatedThingsBoard();
    folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
    Object.assign(secrets, await credentialsOfTheirOwn());
    pulumi = program("program", { PULUMI_CONFIG_PASSPHRASE: passphrase });
    await pulumi.create();
    const { host, port, caPem } = server.mqtts;
    const plain = { url: server.emulator.restUrl, username, certificatePem: pair.certificatePem, mqttHost: host, mqttPort: String(port), mqttCaPem: caPem };
    for (const [key, value] of Object.entries(plain)) await pulumi("config", "set", key, "--", value);
    for (const key of ["apiKey", "password", "pkcs12Password"]) await pulumi("config", "set", "--secret", key, "--", secrets[key]!);
    await pulumi("config", "set", "--secret", "privateKeyPem", "--", pair.privateKeyPem);
});
afterAll(async () => {
    await pulumi("destroy", "--yes", "--skip-preview").catch(() => undefined);
    pulumi.remove();
    rmSync(folder, { recursive: true, force: true });
    await server.stop();
});

const program = (name: string, environment: Readonly<Record<string, string>>) => commandLine(path.join(import.meta.dirname, name), environment);

const username = "canary@thingsboard.org";

/** Credentials that look like nothing else; the emulator's own are known to everybody. */
async function credentialsOfTheirOwn(): Promise<Record<string, string>> {
    const { restUrl: url } = server.emulator;
    const system = restClient({ url, username: "sysadmin@thingsboard.org", password: "sysadmin" });
    const me = await server.call<{ tenantId: { id: string } }>("GET", "/api/auth/user");
    const apiKey = await newApiKey();
    const user = await system.call<{ id: { id: string } }>("POST", "/api/user?sendActivationMail=false", { authority: "TENANT_ADMIN", email: username, tenantId: { entityType: "TENANT", id: me.tenantId.id } });
    const link = await fetch(`${url}/api/user/${user.id.id}/activationLink`, { headers: await authorization(url) });
    const activateToken = new URL(await link.text()).searchParams.get("activateToken");
    const password = canary("password");
    const activated = await fetch(`${url}/api/noauth/activate`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ activateToken, password }) });
    expect(activated.status).toBe(200);
    system.close();
    return { apiKey, password };
}

async function newApiKey(): Promise<string> {
    const me = await server.call<{ id: { id: string } }>("GET", "/api/auth/user");
    return (await server.call<{ value: string }>("POST", "/api/apiKey", { description: "canary", enabled: true, userId: { entityType: "USER", id: me.id.id } })).value;
}

async function authorization(url: string): Promise<Record<string, string>> {
    const answer = await fetch(`${url}/api/auth/login`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ username: "sysadmin@thingsboard.org", password: "sysadmin" }) });
    return { "X-Authorization": `Bearer ${((await answer.json()) as { token: string }).token}` };
}

const run = (...args: string[]) => watched(["--non-interactive", "--color", "never", "--cwd", path.join(import.meta.dirname, "program"), ...args], pulumi.environment, path.join(folder, "tmp"));

/** Every key in the stack's state, in every form in which the TLS provider gives it out. */
async function keysOf(stack: CommandLine): Promise<string[]> {
    const state = await stack("stack", "export", "--show-secrets");
    return [...state.matchAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\\[nr"\\]+[A-Za-z0-9+/=]+)+/g)].map(([block]) => block.split(/\\[nr"\\]+/)[2]!);
}

async function rememberKeys(): Promise<void> {
    for (const line of await keysOf(pulumi)) if (!Object.values(secrets).includes(line)) secrets[`key ${Object.keys(secrets).length}`] = line;
}

/** Where a text holds secrets: names alone, so that a failing test does not print them. */
const found = (text: string) => Object.keys(secrets).filter(name => text.includes(secrets[name]!));

/** Pulumi hands the stack's configuration to the program in PULUMI_CONFIG, with what the user has put there. */
const withoutConfig = (environments: string) => environments.split("\n").filter(line => !line.startsWith("PULUMI_CONFIG=")).join("\n");

function expectSilent({ output, commandLines, environments, temporaryFiles }: Seen): void {
    const places = { output, commandLines, environments: withoutConfig(environments), temporaryFiles };
    for (const [place, text] of Object.entries(places)) expect([place, found(text)]).toEqual([place, []]);
    expect(output + commandLines + temporaryFiles).not.toContain("PRIVATE KEY-----");
}

function expectEncrypted(): void {
    const files = filesBelow(pulumi.folder);
    expect(files.some(([name]) => name.endsWith(".bak"))).toBe(true);
    for (const [name, text] of files) {
        expect([name, found(text)]).toEqual([name, []]);
        expect(text.includes("PRIVATE KEY-----"), name).toBe(false);
    }
    const settings = readFileSync(path.join(import.meta.dirname, "program", `Pulumi.${pulumi.environment["PULUMI_STACK"]}.yaml`), "utf8");
    expect(found(settings)).toEqual([]);
}

emulated.test("state, backups, output, arguments and temporary files of a whole life hold no secret", { timeout: 6 * 60_000 }, async () => {
    const all: Seen[] = [];
    const step = async (ok: boolean, ...args: string[]) => {
        const seen = await run(...args);
        all.push(seen);
        if ((seen.code === 0) !== ok) throw new Error(`pulumi ${args.join(" ")} exited with ${seen.code}:\n${seen.output}`);
        expectEncrypted();
        return seen.output;
    };
    await step(true, "preview", "--diff");
    // A publish check that is refused leaves its resource with an error in state.
    server.emulator.faults.set({ mqtt: { connack: 0x87 } });
    expect(await step(false, "up", "--yes", "--diff", "--continue-on-error")).toContain("publish check: device");
    server.emulator.faults.clear();
    await step(true, "up", "--yes", "--diff");
    await rememberKeys();
    // Two pairs, since a staged renewal has the next one at hand; and each in more than one form.
    expect(Object.keys(secrets).length).toBeGreaterThanOrEqual(5 + 4);

    await switchToToken(server, (await server.deviceByName("given"))!.id.id);
    await step(true, "preview", "--refresh", "--diff");
    await step(true, "refresh", "--yes", "--diff");
    await pulumi("config", "set", "label", "two");
    await pulumi("config", "set", "organization", "two");
    // The old key stays a secret, in what the engine keeps of the past.
    secrets["rotatedApiKey"] = await newApiKey();
    await pulumi("config", "set", "--secret", "apiKey", "--", secrets["rotatedApiKey"]);
    await step(true, "up", "--yes", "--diff");
    await rememberKeys();
    await step(true, "stack", "export");
    await step(true, "stack", "output");
    await step(true, "destroy", "--yes", "--diff");
    expectEncrypted();
    all.forEach(expectSilent);
});

emulated.test("errors do not tell what the key or the password was", async () => {
    const wrong = { apiKey: canary("wrong-key"), password: canary("wrong-password") };
    Object.assign(secrets, { wrongKey: wrong.apiKey, wrongPassword: wrong.password });
    const right = { apiKey: secrets["apiKey"]!, password: secrets["password"]! };
    for (const key of ["apiKey", "password"] as const) await pulumi("config", "set", "--secret", key, "--", wrong[key]);
    const refused = await run("up", "--yes", "--skip-preview", "--continue-on-error");
    expect(refused.code, refused.output).not.toBe(0);
    expect(refused.output).toContain('device "made"');
    expectSilent(refused);
    // In the place of the address, in the place of the certificate, and mutilated.
    for (const key of ["apiKey", "password"] as const) await pulumi("config", "set", "--secret", key, "--", right[key]);
    for (const [key, value, back] of [["url", secrets["apiKey"]!, server.emulator.restUrl], ["certificatePem", pair.privateKeyPem, pair.certificatePem]] as const) {
        await pulumi("config", "set", "--secret", key, "--", value);
        const seen = await run("preview", "--diff");
        expect(seen.code).not.toBe(0);
        expectSilent(seen);
        await pulumi("config", "set", "--plaintext", key, "--", back);
    }
    await pulumi("config", "set", "--secret", "privateKeyPem", "--", pair.privateKeyPem.replace("BEGIN", "BEGINN"));
    const torn = await run("preview", "--diff");
    expect(torn.code).not.toBe(0);
    expect(found(torn.output)).toEqual([]);
    await pulumi("config", "set", "--secret", "privateKeyPem", "--", pair.privateKeyPem);
});

/** What the engine was about when it logged a secret: "Marshaling property for RPC"; the line itself if it is not the engine's. */
function occasions(log: string, wanted: readonly string[]): Set<string> {
    return new Set(log.split("\n").filter(line => wanted.some(secret => line.includes(secret))).map(line => {
        const engines = /^\{"time":"[^"]*","level":"[A-Z]+","msg":"([^[:"]*)/.exec(line);
        return engines ? engines[1]! : "not the engine";
    }));
}

emulated.test("at -v=9 the engine logs no secret of ours on other occasions than those of a bare TLS program", async () => {
    const bare = program("bare", { PULUMI_CONFIG_PASSPHRASE: passphrase });
    const other = { password: canary("bare"), pair: keyAndCertificate("EC", "bare") };
    let theirs: Set<string>;
    try {
        await bare.create();
        await bare("config", "set", "--secret", "password", "--", other.password);
        await bare("config", "set", "--secret", "privateKeyPem", "--", other.pair.privateKeyPem);
        const seen = await watched(["--non-interactive", "--color", "never", "--cwd", path.join(import.meta.dirname, "bare"), "up", "--yes", "--skip-preview", "-v=9", "--logtostderr"], bare.environment, path.join(folder, "tmp"));
        expect(seen.code).toBe(0);
        theirs = occasions(seen.output, [other.password, body(other.pair.privateKeyPem), ...(await keysOf(bare))]);
        await bare("destroy", "--yes", "--skip-preview");
    } finally {
        bare.remove();
    }
    const seen = await run("up", "--yes", "--skip-preview", "-v=9", "--logtostderr");
    expect(seen.code, seen.output.slice(-2000)).toBe(0);
    await rememberKeys();
    const ours = occasions(seen.output, Object.values(secrets));
    // Were there none, the search itself would be broken.
    expect(ours.size).toBeGreaterThan(0);
    expect([...ours].filter(occasion => !theirs.has(occasion))).toEqual([]);
    expect(seen.output).not.toContain(passphrase);
    expect(found(seen.commandLines + withoutConfig(seen.environments) + seen.temporaryFiles)).toEqual([]);
    expectEncrypted();
});
