// The quick start by the command line in the root of the repository, and its result in independent hands.

import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandLine, commandLine, repository } from "./support/commandLine";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

const run = promisify(execFile);
let server: ThingsBoardUnderTest;
let pulumi: CommandLine;

beforeAll(async () => {
    server = await thingsBoard();
    pulumi = commandLine(repository, server.environment);
    await pulumi.create();
});
afterAll(async () => {
    await pulumi("destroy", "--yes", "--skip-preview").catch(() => undefined);
    pulumi.remove();
    await server.stop();
});

interface Pump {
    readonly deviceId: string;
    readonly connackCode: number;
    readonly pubackCode: number;
    readonly certificatePem: string;
    readonly privateKeyPem: string;
}

test("one up makes, binds and proves an EC and an RSA 4096 device; the key is nowhere in plain text", async () => {
    await pulumi("up", "--yes", "--skip-preview");
    const outputs = await pulumi.outputs<{ ec: Pump; rsa: Pump }>("--show-secrets");
    for (const pump of [outputs.ec, outputs.rsa]) {
        expect(pump).toMatchObject({ connackCode: 0, pubackCode: 0 });
        expect(pump.privateKeyPem).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    }
    expect(pulumi.rawState()).toContain("BEGIN CERTIFICATE");
    expect(pulumi.rawState()).not.toContain("PRIVATE KEY");
    expect(JSON.stringify(await pulumi.outputs())).not.toContain("PRIVATE KEY");
});

test("mosquitto_pub publishes with what the stack gives out", async () => {
    const { ec, rsa } = await pulumi.outputs<{ ec: Pump; rsa: Pump }>("--show-secrets");
    for (const [pump, temperature] of [[ec, 31], [rsa, 32]] as const) {
        const file = (name: string, text: string) => {
            writeFileSync(path.join(pulumi.folder, name), text, { mode: 0o600 });
            return path.join(pulumi.folder, name);
        };
        await run("mosquitto_pub", [
            "--cafile", file("tb-server-chain.pem", server.emulator.caPem), "-q", "1",
            "-h", server.emulator.mqttsHost, "-p", String(server.emulator.mqttsPort), "-t", "v1/devices/me/telemetry",
            "--key", file("key.pem", pump.privateKeyPem), "--cert", file("cert.pem", pump.certificatePem), "-m", JSON.stringify({ temperature }),
        ]);
        await expect.poll(async () => {
            const values = await server.call<{ temperature: { value: string }[] }>("GET", `/api/plugins/telemetry/DEVICE/${pump.deviceId}/values/timeseries?keys=temperature`);
            return values.temperature[0]?.value;
        }).toBe(String(temperature));
    }
});

test("a second up has nothing to do, and destroy leaves no device", async () => {
    await pulumi("preview", "--refresh", "--expect-no-changes");
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(await server.deviceByName("pump-1")).toBeUndefined();
    expect(await server.deviceByName("pump-2")).toBeUndefined();
});
