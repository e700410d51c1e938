// Programs run by the command line, from a Pulumi.yaml: what an own language host could do differently from the official
// one. With `pulumi` on PATH the same is tested of the official one.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";

const folders: string[] = [];

afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe("a program run by the command line", () => {
    it("may be TypeScript, gets its configuration and its secrets, and shows what it prints", async () => {
        const project = await newProject({
            "Pulumi.yaml": "name: typed\nruntime: nodejs\n",
            "index.ts": `
                import * as pulumi from "@pulumi/pulumi";
                import * as tls from "@pulumi/tls";
                const config = new pulumi.Config();
                const key = new tls.PrivateKey("key", { algorithm: "ECDSA", ecdsaCurve: "P256" });
                console.log("printed by the program");
                export const who: string = config.require("who");
                export const password = config.requireSecret("password");
                export const fingerprint = key.publicKeyFingerprintSha256;
            `,
        });
        await project.succeeds("config", "set", "who", "pump-1");
        await project.succeeds("config", "set", "--secret", "password", "hush");

        expect(await project.succeeds("up", "--yes", "--skip-preview")).toContain("printed by the program");
        const outputs = JSON.parse(await project.succeeds("stack", "output", "--json")) as Record<string, string>;
        expect(outputs).toMatchObject({ who: "pump-1", password: "[secret]" });
        expect(outputs.fingerprint).toMatch(/^SHA256:/);
        await project.succeeds("preview", "--refresh", "--expect-no-changes");
        await project.succeeds("destroy", "--yes");
    });

    it("may be an ES module below `main`, run with the Node.js options of Pulumi.yaml", async () => {
        const project = await newProject({
            "Pulumi.yaml": `name: plain
main: program.mjs
runtime:
  name: nodejs
  options:
    typescript: false
    nodeargs: --stack-trace-limit=3 "--title=two words"
`,
            "program.mjs": "export const options = process.execArgv; export const title = process.title;",
        });

        await project.succeeds("up", "--yes", "--skip-preview");
        const outputs = JSON.parse(await project.succeeds("stack", "output", "--json")) as Record<string, unknown>;
        expect(outputs).toEqual({ options: ["--stack-trace-limit=3", "--title=two words"], title: "two words" });
    });

    it("fails with the error that it threw", async () => {
        const project = await newProject({
            "Pulumi.yaml": "name: broken\nruntime: nodejs\n",
            "index.ts": `throw new Error("pump-1 has no certificate");`,
        });

        const { code, output } = await project.pulumi("up", "--yes", "--skip-preview");
        expect(code).not.toBe(0);
        expect(output).toContain("pump-1 has no certificate");
    });

    it("fails when it ends early, saying how", async () => {
        const project = await newProject({
            "Pulumi.yaml": "name: early\nruntime: nodejs\n",
            "index.js": "process.exit(3);",
        });

        const { code, output } = await project.pulumi("preview");
        expect(code).not.toBe(0);
        expect(output).toContain("Program exited with non-zero exit code: 3");
    });

    // The official host asks for its engine every few minutes only; ours must not outlive it.
    it.runIf(process.platform === "linux" && process.env.PULUMI_LANGUAGE_NODEJS_SDK)("leaves no process behind when the engine is killed", async () => {
        const project = await newProject({
            "Pulumi.yaml": "name: endless\nruntime: nodejs\n",
            "index.ts": `
                import * as pulumi from "@pulumi/pulumi";
                class Endless extends pulumi.CustomResource {}
                new Endless("pulumi-nodejs:dynamic/thingsboard:Endless", "endless", {
                    __provider: "exports.handler = () => ({ create: () => new Promise(() => setInterval(() => {}, 1000)) });",
                });
                console.log("running");
            `,
        });
        const engine = project.start("up", "--yes", "--skip-preview");
        await vi.waitUntil(() => processesIn(project.folder).some(command => command.includes("dynamic-provider")), { timeout: 60_000, interval: 100 });

        engine.kill("SIGKILL");
        await vi.waitUntil(() => processesIn(project.folder).length === 0, { timeout: 10_000, interval: 100 });
    });
});

async function newProject(files: Record<string, string>) {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
    folders.push(folder);
    symlinkSync(path.resolve("node_modules"), path.join(folder, "node_modules"));
    for (const [name, text] of Object.entries({ "package.json": `{ "name": "program", "version": "1.0.0" }`, ...files })) {
        writeFileSync(path.join(folder, name), text);
    }
    const start = (...args: string[]): ChildProcess =>
        spawn("pulumi", [...args, "--non-interactive", "--color=never"], {
            cwd: folder,
            stdio: ["ignore", "pipe", "pipe"],
            env: { ...process.env, PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_CONFIG_PASSPHRASE: "a passphrase for tests" },
        });
    const pulumi = async (...args: string[]) => {
        const child = start(...args);
        let output = "";
        for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
        const [code] = (await once(child, "close")) as [number | null];
        return { code, output };
    };
    const succeeds = async (...args: string[]) => {
        const { code, output } = await pulumi(...args);
        expect(code, output).toBe(0);
        return output;
    };
    await succeeds("stack", "init", "dev");
    return { folder, start, pulumi, succeeds };
}

/** The command lines of the processes that work in this folder. */
function processesIn(folder: string): string[] {
    return readdirSync("/proc").filter(entry => /^\d+$/.test(entry)).flatMap(id => {
        try {
            return readlinkSync(`/proc/${id}/cwd`) === folder ? [readFileSync(`/proc/${id}/cmdline`, "utf8").replaceAll("\0", " ")] : [];
        } catch {
            return []; // ended meanwhile
        }
    });
}
