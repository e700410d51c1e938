// The quick start by the command line in the root of the repository, and its result in independent hands.

import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandLine, commandLine, repository } from "./support/commandLine";
import { own } from "./support/live";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

const run = promisify(execFile);
let server: ThingsBoardUnderTest;
let pulumi: CommandLine;

beforeAll(async () => {
    server = await thingsBoard();
    pulumi = commandLine(repository, server.environment);
    await pulumi.create();
    await pulumi("config", "set", "prefix", own("pump"));
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
            "--cafile", file("tb-server-chain.pem", server.mqtts.caPem), "-q", "1",
            "-h", server.mqtts.host, "-p", String(server.mqtts.port), "-t", "v1/devices/me/telemetry",
            "--key", file("key.pem", pump.privateKeyPem), "--cert", file("cert.pem", pump.certificatePem), "-m", JSON.stringify({ temperature }),
        ]);
        await expect.poll(() => server.latest(pump.deviceId, "temperature")).toBe(String(temperature));
    }
});

test("a second up has nothing to do, and destroy leaves no device", async () => {
    await pulumi("preview", "--refresh", "--expect-no-changes");
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(await server.deviceByName(own("pump-1"))).toBeUndefined();
    expect(await server.deviceByName(own("pump-2"))).toBeUndefined();
});
