// `pulumi-thingsboard/testing`, as a user's tests call it, and the example that shows it with two test runners.

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished } from "vitest";
import { repository } from "./support/commandLine";
import { install } from "./support/installed";
import { emulated } from "./support/live";
import { expectNoStackOfOurs, tb } from "./support/stack";

/** The built module, loaded as a program loads it. */
const { startThingsBoard, DeploymentError } = createRequire(import.meta.url)("pulumi-thingsboard/testing") as typeof import("pulumi-thingsboard/testing");

const run = promisify(execFile);

/** A folder for temporary files that nobody else uses. */
function ownTemporaryFolder(): string {
    const made = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-temporary-"));
    setFor("TMPDIR", made);
    onTestFinished(() => rmSync(made, { recursive: true, force: true }));
    return made;
}

function setFor(name: string, value: string): void {
    const before = process.env[name];
    process.env[name] = value;
    onTestFinished(() => {
        if (before === undefined) delete process.env[name];
        else process.env[name] = before;
    });
}

async function started(options?: Parameters<typeof startThingsBoard>[0]) {
    const thingsboard = await startThingsBoard(options);
    onTestFinished(() => thingsboard.stop());
    return thingsboard;
}

function folder(files: Readonly<Record<string, string>>): string {
    const made = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-project-"));
    onTestFinished(() => rmSync(made, { recursive: true, force: true }));
    mkdirSync(path.join(made, "node_modules"));
    for (const name of ["@pulumi", "@types", "pulumi-thingsboard"]) symlinkSync(path.join(repository, "node_modules", name), path.join(made, "node_modules", name));
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(made, name), text);
    return made;
}

emulated.test("a project's folder is deployed with config of the test's own, and stays as it was", async () => {
    const workDir = folder({
        "Pulumi.yaml": "name: pumps\nruntime: nodejs\n",
        "package.json": JSON.stringify({ name: "pumps", private: true }),
        "index.ts": `
            import * as pulumi from "@pulumi/pulumi";
            import * as tb from "pulumi-thingsboard";
            const config = new pulumi.Config();
            export const device = new tb.Device("pump", { name: config.require("name"), label: process.cwd() }).deviceId;
            export const secret = config.requireSecret("secret");
        `,
    });
    const before = readdirSync(workDir).sort();
    const thingsboard = await started();
    const { outputs, changes } = await thingsboard.up({ workDir }, { config: { name: "pump-7", secret: { secret: "hush" } } });
    expect(outputs).toEqual({ device: (await thingsboard.device("pump-7"))!.id, secret: "hush" });
    expect(changes).toEqual({ create: 2 });
    expect(await thingsboard.device("pump-7")).toMatchObject({ label: workDir, profile: "default" });
    await thingsboard.expectNoChanges();
    await thingsboard.destroy();
    expect(await thingsboard.devices()).toEqual([]);
    expect(readdirSync(workDir).sort()).toEqual(before);
});

emulated.test("a program never meets a ThingsBoard that is named outside, and nothing is left behind", async () => {
    const temporary = ownTemporaryFolder();
    setFor("THINGSBOARD_USERNAME", "somebody@example.com");
    setFor("THINGSBOARD_URL", "https://production.example.com");
    const thingsboard = await startThingsBoard({ version: "3.8" });
    await thingsboard.up(() => ({ id: new tb.Device("pump", { name: "pump-1" }).deviceId }));
    expect(await thingsboard.credentials("pump-1")).toMatchObject({ type: "ACCESS_TOKEN", certificatePem: undefined });
    await thingsboard[Symbol.asyncDispose]();
    // What engine and Node.js keep for the next time is not ours to remove.
    expect(readdirSync(temporary).filter(name => name.startsWith("pulumi-thingsboard"))).toEqual([]);
});

emulated.test("what fails says what the terminal would have said, and changes by hand are shown", async () => {
    const thingsboard = await started();
    const failed = await thingsboard.up(() => void new tb.Device("pump", { name: " " })).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(DeploymentError);
    expect((failed as Error).message).toMatch(/device " ": name/);
    expectNoStackOfOurs((failed as Error).message);

    await thingsboard.up(() => void new tb.Device("pump", { name: "pump-1", label: "ours" }));
    const { id } = (await thingsboard.device("pump-1"))!;
    const row = await thingsboard.call<object>("GET", `/api/device/${id}`);
    await thingsboard.call("POST", "/api/device", { ...row, label: "theirs" });
    await expect(thingsboard.expectNoChanges()).rejects.toThrow("theirs");
    expect((await thingsboard.refresh()).changes).toEqual({ update: 1, same: 1 });
    await thingsboard.up();
    expect(await thingsboard.device("pump-1")).toMatchObject({ label: "ours" });

    await expect(thingsboard.call("GET", "/api/device/none")).rejects.toMatchObject({ status: 400 });
    await expect(thingsboard.credentials("pump-2")).rejects.toThrow('no device "pump-2"');
});

emulated.test("without pulumi on PATH, or without a project, one sentence says so", async () => {
    const temporary = ownTemporaryFolder();
    const PATH = process.env["PATH"]!;
    setFor("PATH", temporary);
    await expect(startThingsBoard()).rejects.toThrow(/^pulumi-thingsboard\/testing runs programs with the pulumi command, and there is none on PATH: install Pulumi/);
    expect(readdirSync(temporary)).toEqual([]);

    process.env["PATH"] = PATH;
    const thingsboard = await started();
    await expect(thingsboard.up()).rejects.toThrow("there is no program yet");
    await expect(thingsboard.up({ workDir: tmpdir() })).rejects.toThrow(`${tmpdir()} is no folder of a Pulumi project`);
});

emulated.describe("examples/testing-your-fleet", () => {
    emulated.test.each([
        ["Vitest", ["node_modules/vitest/vitest.mjs", "run", "--no-color"], / 4 passed/],
        ["node:test", ["--test", "fleet.node.mjs"], /pass 2\b/],
    ])("passes with %s, from an installed package", async (_what, args, verdict) => {
        const { stdout } = await run(process.execPath, args, { cwd: installedExample(), env: { ...process.env, NODE_OPTIONS: "", VITEST: "", NODE_TEST_CONTEXT: undefined }, maxBuffer: 16e6 }).catch((error: unknown) => {
            const { stdout, stderr } = error as { stdout: string; stderr: string };
            throw new Error(`${stdout}\n${stderr}`);
        });
        expect(stdout).toMatch(verdict);
    });
});

/** The example with the package copied into its node_modules, as npm would, and not linked. */
function installedExample(): string {
    const made = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-example-"));
    onTestFinished(() => rmSync(made, { recursive: true, force: true }));
    cpSync(path.join(repository, "examples", "testing-your-fleet"), made, { recursive: true });
    install(made);
    return made;
}
