// The commands of examples/pipelines, job by job, as the runners would call them.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { afterAll, beforeAll, expect } from "vitest";
import { repository } from "./support/commandLine";
import { install } from "./support/installed";
import { emulated } from "./support/live";
import { type ThingsBoardUnderTest, emulatedThingsBoard, switchToToken } from "./support/thingsboard";

interface Step {
    readonly run?: string;
    readonly if?: string;
}
interface Workflow {
    readonly env: Readonly<Record<string, string>>;
    readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
}

const workflow = parse(readFileSync(path.join(repository, "examples", "pipelines", "github-actions.yaml"), "utf8")) as Workflow;

let server: ThingsBoardUnderTest;
let folder: string;
beforeAll(async () => {
    server = await emulatedThingsBoard();
    folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-pipeline-"));
    // Dependencies lie above the project, where `npm ci` leaves them alone.
    install(folder);
    const project = path.join(folder, "fleet");
    mkdirSync(project);
    const manifest = { name: "fleet", version: "1.0.0" };
    writeFileSync(path.join(project, "package.json"), JSON.stringify({ ...manifest, private: true, main: "index.js" }));
    writeFileSync(path.join(project, "package-lock.json"), JSON.stringify({ ...manifest, lockfileVersion: 3, packages: { "": manifest } }));
    writeFileSync(path.join(project, "Pulumi.yaml"), "name: fleet\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n");
    writeFileSync(path.join(project, "index.js"), `
        const tb = require("pulumi-thingsboard");
        const device = new tb.Device("pump-1", { name: "pump-1" });
        new tb.DeviceCredential("pump-1", { device, certificate: new tb.DeviceCertificate("pump-1", { commonName: "pump-1" }) });
    `);
});
afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await server.stop();
});

const run = promisify(execFile);
const shell = async (script: string, environment: NodeJS.ProcessEnv) => {
    const { stdout, stderr } = await run("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], { cwd: path.join(folder, "fleet"), env: environment, maxBuffer: 16e6 });
    return stdout + stderr;
};

/** What is set in the repository's settings. */
const settings = (): Readonly<Record<string, string>> => ({
    PULUMI_BACKEND_URL: `file://${folder}`,
    PULUMI_CONFIG_PASSPHRASE: "a passphrase for tests",
    THINGSBOARD_URL: server.environment["THINGSBOARD_URL"]!,
    THINGSBOARD_API_KEY: server.environment["THINGSBOARD_API_KEY"]!,
});

const environment = (): NodeJS.ProcessEnv => {
    const given = settings();
    const expand = (value: string) => value.replaceAll(/\$\{\{ (?:vars|secrets)\.(\w+) \}\}/g, (_all, name: string) => given[name] ?? "");
    return { ...process.env, ...Object.fromEntries(Object.entries(workflow.env).map(([name, value]) => [name, expand(value)])) };
};

/** As the runner does it: after a failure only steps with `always()` go on. */
async function job(name: string): Promise<{ succeeded: boolean; log: string }> {
    let log = "";
    let succeeded = true;
    for (const { run: script, if: condition } of workflow.jobs[name]!.steps) {
        if (script === undefined || (!succeeded && condition !== "always()")) continue;
        try {
            log += await shell(script, environment());
        } catch (error) {
            succeeded = false;
            const { stdout, stderr } = error as { stdout: string; stderr: string };
            log += `${script}:\n${stdout}${stderr}`;
        }
    }
    return { succeeded, log };
}

async function succeeded(name: string): Promise<string> {
    const { succeeded, log } = await job(name);
    expect(succeeded, log).toBe(true);
    return log;
}

emulated.test("GitHub Actions: preview, deploy, drift and renewal", async () => {
    const { deviceByName } = server;
    await shell("pulumi stack init prod", environment());

    expect(await succeeded("preview")).toContain("pump-1");
    expect(await deviceByName("pump-1")).toBeUndefined();
    await succeeded("deploy");
    const { id } = (await deviceByName("pump-1"))!;
    await succeeded("drift");
    expect(readFileSync(path.join(folder, "fleet", "report.html"), "utf8")).toContain("pump-1");

    await switchToToken(server, id.id);
    const found = await job("drift");
    expect(found.succeeded).toBe(false);
    expect(found.log).toContain("changedElsewhere");
    expect(await server.credentials(id.id)).toMatchObject({ credentialsType: "ACCESS_TOKEN" });
    await succeeded("renewal");
    expect(await server.credentials(id.id)).toMatchObject({ credentialsType: "X509_CERTIFICATE" });
});
