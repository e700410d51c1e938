// A fleet by the command line: killed in the middle and finished, cut into shards, taken out of the state.

import { execFile, spawn } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type CommandLine, commandLine, repository } from "./support/commandLine";
import { type ThingsBoardUnderTest, emulatedThingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await emulatedThingsBoard();
});
afterAll(() => server.stop());

const project = path.join(repository, "examples/fleet");
const main = path.join(repository, "bin/cli/main.js");

async function fleetProject(): Promise<CommandLine> {
    const pulumi = commandLine(project, server.environment);
    onTestFinished(() => pulumi.remove());
    await pulumi.create();
    return pulumi;
}

/** `pulumi-thingsboard fleet …`, with everything that it printed, also where it fails. */
async function fleet(pulumi: CommandLine, ...args: string[]): Promise<{ text: string; failed: boolean }> {
    try {
        const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, "fleet", ...args, "--cwd", project], { env: pulumi.environment, maxBuffer: 64e6 });
        return { text: stdout + stderr, failed: false };
    } catch (error) {
        const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
        return { text: stdout + stderr, failed: true };
    }
}

const devices = async () => server.emulator.status().devices;

test("killed in the middle of 1,000 devices, the next up finishes: no orphan, no duplicate, no device without its key", async () => {
    const pulumi = await fleetProject();
    const before = await devices();
    await pulumi("config", "set", "count", "1000");
    await pulumi("config", "set", "batches", "16");
    server.emulator.pace.set({ create: { perSecond: 250 } });
    const child = spawn("pulumi", ["--non-interactive", "--color", "never", "--cwd", project, "up", "--yes", "--skip-preview"], { env: pulumi.environment, stdio: "ignore" });
    const ended = new Promise(done => child.once("exit", done));
    await expect.poll(devices, { timeout: 60_000, interval: 20 }).toBeGreaterThan(before + 400);
    child.kill("SIGKILL");
    await ended;
    server.emulator.pace.set("unlimited");
    expect(await devices()).toBeLessThan(before + 1000);

    await pulumi("cancel", "--yes");
    const text = await pulumi("up", "--yes", "--skip-preview");
    expect(text).toMatch(/\d+ devices that this fleet had made before have new certificates, since those they had were not in the state \(an earlier run was interrupted\): pump-0/);
    expect(await devices()).toBe(before + 1000);
    expect(await pulumi.outputs()).toMatchObject({ summary: { devices: 1000, failed: 0 } });
    await pulumi("preview", "--refresh", "--expect-no-changes");
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(await devices()).toBe(before);
});

test("shards: deployed some at a time, gone on with after a failure, told of, exported, refused in another number, destroyed", async () => {
    const pulumi = await fleetProject();
    const stack = pulumi.environment["PULUMI_STACK"]!;
    onTestFinished(() => {
        for (const file of readdirSync(project).filter(name => name.startsWith(`Pulumi.${stack}-`))) rmSync(path.join(project, file));
        for (const file of readdirSync(path.join(project, ".pulumi-thingsboard")).filter(name => name.includes(`${stack}-`))) rmSync(path.join(project, ".pulumi-thingsboard", file));
    });
    await pulumi("config", "set", "count", "60");
    await pulumi("config", "set", "batches", "2");
    const before = await devices();
    const stacks = async () => (await pulumi("stack", "ls")).match(new RegExp(`${stack}-\\d`, "g"));
    server.emulator.faults.set({ rest: [{ method: "POST", path: "/api/device-with-credentials", skip: 9, times: 1, status: 400, body: '{"status":400,"message":"no luck today","errorCode":31}' }] });
    const broken = await fleet(pulumi, "up", "--shards", "2", "--parallel", "2");
    server.emulator.faults.clear();
    expect(broken).toMatchObject({ failed: true, text: expect.stringContaining("up: 1 of 2 shards done, 1 failed") });
    expect(broken.text).toMatch(/-\d: up failed: fleet "pumps", batch \d of 2: 1 of \d+ devices could not be finished/);
    expect(await devices()).toBe(before + 59);
    const up = await fleet(pulumi, "up", "--shards", "2", "--parallel", "2");
    expect(up).toMatchObject({ failed: false, text: expect.stringContaining("up: 2 of 2 shards done") });
    expect(await devices()).toBe(before + 60);
    for (const operation of ["refresh", "preview"]) {
        expect((await fleet(pulumi, operation, "--shards", "2", "--parallel", "2")).text).toMatch(new RegExp(`-1: ${operation} done in \\d+ s.*(nothing to do|\\d+ same)[^]*${operation}: 2 of 2 shards done`));
    }
    expect(readFileSync(path.join(project, `Pulumi.${stack}-1.yaml`), "utf8")).toContain("thingsboard:concurrency: \"4\"");

    const status = await fleet(pulumi, "status", "--shards", "2");
    expect(status.text).toMatch(new RegExp(`${stack}-1 +\\d+ +0 +20\\d\\d-.*Z\\nall +60 +0`));
    const reported = await promisify(execFile)(process.execPath, [main, "report", "--stack", stack, "--shards", "2", "--cwd", project, "--json"], { env: pulumi.environment, maxBuffer: 64e6 });
    expect(JSON.parse(reported.stdout)).toMatchObject({ summary: { devices: 60, failed: 0 } });
    const folder = path.join(pulumi.folder, "keys");
    await fleet(pulumi, "export", "--shards", "2", "--out", folder);
    expect(readdirSync(folder)).toHaveLength(120);
    expect(statSync(path.join(folder, "pump-000007.key")).mode & 0o777).toBe(0o600);
    const certificate = new X509Certificate(readFileSync(path.join(folder, "pump-000007.pem")));
    expect(certificate.checkPrivateKey(createPrivateKey(readFileSync(path.join(folder, "pump-000007.key"))))).toBe(true);
    const printed = await fleet(pulumi, "export", "--shards", "2", "--device", "pump-000007");
    expect(printed.text).toBe(readFileSync(path.join(folder, "pump-000007.pem"), "utf8") + readFileSync(path.join(folder, "pump-000007.key"), "utf8"));
    expect((await fleet(pulumi, "export", "--shards", "2", "--device", "nobody")).text).toContain('The fleet has no device "nobody"');

    const other = await fleet(pulumi, "up", "--shards", "3");
    expect(other).toMatchObject({ failed: true, text: expect.stringContaining(`The stack ${stack}-0 is shard 0/2, not 0/3`) });
    expect(await stacks()).toEqual([`${stack}-0`, `${stack}-1`]);
    // In full, as Pulumi Cloud writes the stacks of an organisation.
    const destroyed = await fleet(pulumi, "destroy", "--shards", "2", "--json", "--stack", `organization/thingsboard-fleet/${stack}`);
    expect(destroyed.text).not.toContain("fault of pulumi-thingsboard");
    expect(destroyed.failed).toBe(false);
    expect(JSON.parse(destroyed.text.split("\n")[0]!)).toMatchObject({ operation: "destroy", ok: true, shards: [{ ok: true, changes: expect.anything() as object }, { ok: true }] });
    expect(await devices()).toBe(before);
});

test("a refused log-in is told once, before any shard begins", async () => {
    const pulumi = await fleetProject();
    const environment = { ...pulumi.environment, THINGSBOARD_API_KEY: "tb_wrong" };
    const { text, failed } = await fleet(Object.assign(async () => "", { ...pulumi, environment }), "up", "--shards", "2");
    expect(failed).toBe(true);
    expect(text).toContain("ThingsBoard");
    expect(text).not.toContain("shards done");
});
