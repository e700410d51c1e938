// `pulumi-thingsboard report` over a stack of the real engine.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Report } from "../../sdk/report/model";
import { repository } from "./support/commandLine";
import { own } from "./support/live";
import { tb, testStack } from "./support/stack";
import { type ThingsBoardUnderTest, switchToToken, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

const main = path.join(repository, "bin/cli/main.js");

test("a report of single devices and a fleet: from the state, after a clock's turn, compared with the server, as a page", async () => {
    const [pump, meters] = [own("pump"), ["one", "two", "three"].map(name => own(`meter-${name}`))];
    const name = own("report");
    const stack = await testStack(
        server,
        async () => {
            const device = new tb.Device("pump", { name: pump });
            const certificate = new tb.DeviceCertificate("pump", { commonName: pump, validityDays: 90 });
            const credential = new tb.DeviceCredential("pump", { device, certificate });
            new tb.PublishCheck("pump", { credential, certificate });
            new tb.DeviceFleet("meters", { devices: meters, batches: 2, publishCheck: "none", onRemove: "delete" });
        },
        name,
    );
    await stack.up();
    const environment = { ...process.env, ...stack.environment };
    const run = async (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
        promisify(execFile)(process.execPath, [main, "report", "--stack", name, "--cwd", stack.folder, ...args], { env: { ...environment, ...more } });
    const json = async (args: readonly string[], more: Readonly<Record<string, string>> = {}) => JSON.parse((await run([...args, "--json"], more)).stdout) as Report;

    const found = await json([]);
    expect(found.summary).toMatchObject({ devices: 4, standing: { valid: 4, due: 0, expired: 0 }, byAlgorithm: { "EC P-256": 4 }, checks: { accepted: 1, refused: 0, none: 3 }, drifted: 0, failed: 0 });
    expect(found.rows.map(({ device, fleet }) => [device, fleet]).sort()).toEqual([...meters.map(meter => [meter, "meters"]), [pump, undefined]].sort());
    expect(found.rows.find(({ device }) => device === pump)?.check?.connectMs).toBeGreaterThan(0);

    const later = await json([], { THINGSBOARD_CLOCK_OFFSET_DAYS: "340" });
    expect(later.summary.standing).toEqual({ expired: 1, due: 3, valid: 0, unknown: 0 });

    const due = /^pulumi-thingsboard (report .*)$/m.exec(readFileSync(path.join(repository, "docs", "report.md"), "utf8").split("\n").filter(line => line.includes("jq")).join("\n"))![1]!;
    const line = `${JSON.stringify(process.execPath)} ${JSON.stringify(main)} ${due.replace("--stack prod", `--stack ${name} --cwd ${JSON.stringify(stack.folder)}`)}`;
    const listed = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", line], { env: { ...environment, THINGSBOARD_CLOCK_OFFSET_DAYS: "340" } });
    expect(listed.stdout.trim().split("\n").sort()).toEqual([...meters].sort());

    const ofPump = found.rows.find(({ device }) => device === pump)!;
    await switchToToken(server, ofPump.deviceId);
    const live = await json(["--live"]);
    expect(live.summary).toMatchObject({ drifted: 1, neverSeen: 3 });
    expect(live.rows.find(({ device }) => device === pump)).toMatchObject({ drift: "holds an access token", server: { lastConnect: expect.any(String) as string } });
    const nightly = await run(["--live", "--fail-on", "expired,drift"]).then(() => undefined, (error: unknown) => error);
    expect(nightly).toMatchObject({ code: 1, stdout: expect.stringMatching(/^devices +4 in stack/) as string, stderr: expect.stringMatching(/^1 drift of 4 devices: the exit code is 1, since --fail-on names this$/m) as string });
    expect((await run(["--fail-on", "expired,due,drift,unfinished,refused,unknown"])).stderr).not.toContain("exit code");
    const refreshed = await stack.refresh().then(() => json([]));
    expect(refreshed.rows.find(({ device }) => device === pump)).toMatchObject({ credentialsId: ofPump.credentialsId, notAfter: ofPump.notAfter, drift: expect.stringMatching(/^certificatePem is now .*access token/i) as string });

    const file = path.join(stack.folder, "fleet.html");
    const { stdout, stderr } = await run(["--live", "--html", file]);
    expect(stdout).toMatch(/^devices +4 in stack/);
    expect(stdout).toContain(`  ${pump}  holds an access token`);
    expect(stderr).toContain(`Report written to ${file}`);
    const page = readFileSync(file, "utf8");
    expect(page).toContain(meters[0]);
    expect(page).not.toMatch(/(src|href)="?https?:/);
    for (const secret of ["PRIVATE KEY", stack.environment["THINGSBOARD_API_KEY"], stack.environment["THINGSBOARD_PASSWORD"]]) {
        if (secret !== undefined) expect(page + stdout + stderr).not.toContain(secret);
    }
});

test("what can't be reported on is a sentence", async () => {
    const name = own("none");
    const stack = await testStack(server, async () => undefined, name);
    const run = (...args: string[]) => promisify(execFile)(process.execPath, [main, "report", "--cwd", stack.folder, ...args], { env: { ...process.env, ...stack.environment } });
    await expect(run("--stack", "nowhere")).rejects.toMatchObject({ code: 1, stderr: "There is no stack nowhere\n" });
    await expect(run("--stack", name, "--fail-on", "expired,old")).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('There is no "old": it must be some of expired, due,') as string });
    await expect(run("--stack", name, "--fail-on", "never-seen")).rejects.toMatchObject({ code: 2, stderr: "--fail-on never-seen needs --live: when a device was last seen ThingsBoard alone knows\n" });
    await expect(run("--stack", name, "--html", path.join(stack.folder, "missing", "x.html"))).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^The report can't be written to .*\(ENOENT\): give --html a file in a folder that exists\.\n$/) as string });
    expect((await run("--stack", name)).stdout).toMatch(/^devices +0 in stack/);
});
