// The quick start by the command line in the root of the repository, and its result in independent hands.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
let server: ThingsBoardUnderTest;
let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
    server = await thingsBoard();
    folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-quickstart-"));
    env = { ...process.env, ...server.environment, PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_CONFIG_PASSPHRASE: "quick start" };
    await pulumi("stack", "init", "dev");
});
afterAll(async () => {
    await pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev").catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
    await server.stop();
});

async function pulumi(...args: string[]) {
    try {
        return (await run("pulumi", [...args, "--non-interactive", "--cwd", root], { env, maxBuffer: 64e6 })).stdout;
    } catch (error) {
        const { stdout, stderr } = error as { stdout?: string; stderr?: string };
        throw new Error(`pulumi ${args.join(" ")}:\n${stdout}\n${stderr}`);
    }
}

interface Pump {
    readonly deviceId: string;
    readonly connackCode: number;
    readonly pubackCode: number;
    readonly certificatePem: string;
    readonly privateKeyPem: string;
}

test("one up makes, binds and proves an EC and an RSA 4096 device; the key is nowhere in plain text", async () => {
    await pulumi("up", "--yes", "--skip-preview", "--stack", "dev");
    const outputs = JSON.parse(await pulumi("stack", "output", "--json", "--show-secrets", "--stack", "dev")) as { ec: Pump; rsa: Pump };
    for (const pump of [outputs.ec, outputs.rsa]) {
        expect(pump).toMatchObject({ connackCode: 0, pubackCode: 0 });
        expect(pump.privateKeyPem).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    }
    const state = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile())
        .map(entry => readFileSync(path.join(entry.parentPath, entry.name), "utf8"))
        .join("\n");
    expect(state).toContain("BEGIN CERTIFICATE");
    expect(state).not.toContain("PRIVATE KEY");
    const shown = JSON.parse(await pulumi("stack", "output", "--json", "--stack", "dev")) as { ec: unknown };
    expect(JSON.stringify(shown)).not.toContain("PRIVATE KEY");
});

test("mosquitto_pub publishes with what the stack gives out", async () => {
    const { ec, rsa } = JSON.parse(await pulumi("stack", "output", "--json", "--show-secrets", "--stack", "dev")) as { ec: Pump; rsa: Pump };
    for (const [pump, temperature] of [[ec, 31], [rsa, 32]] as const) {
        const file = (name: string, text: string) => {
            writeFileSync(path.join(folder, name), text, { mode: 0o600 });
            return path.join(folder, name);
        };
        await run("mosquitto_pub", [
            "--cafile", file("tb-server-chain.pem", server.emulator.caPem), "-q", "1",
            "-h", server.emulator.mqttsHost, "-p", String(server.emulator.mqttsPort), "-t", "v1/devices/me/telemetry",
            "--key", file("key.pem", pump.privateKeyPem), "--cert", file("cert.pem", pump.certificatePem), "-m", JSON.stringify({ temperature }),
        ]);
        const values = await server.call<{ temperature: { value: string }[] }>("GET", `/api/plugins/telemetry/DEVICE/${pump.deviceId}/values/timeseries?keys=temperature`);
        expect(values.temperature[0]?.value).toBe(String(temperature));
    }
});

test("a second up has nothing to do, and destroy leaves no device", async () => {
    await pulumi("preview", "--refresh", "--expect-no-changes", "--stack", "dev");
    await pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev");
    expect(await server.deviceByName("pump-1")).toBeUndefined();
    expect(await server.deviceByName("pump-2")).toBeUndefined();
});
