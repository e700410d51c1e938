// A project of the benchmark's own, run by the command line as a user runs it, each command measured.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { watchMemory } from "./memory.mjs";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** @param {string} program text of index.js */
export async function createProject(engine, server, program) {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-bench-"));
    const state = path.join(folder, "state");
    mkdirSync(state);
    writeFileSync(path.join(folder, "Pulumi.yaml"), "name: bench\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n");
    writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "bench", main: "index.js" }));
    writeFileSync(path.join(folder, "index.js"), program);
    symlinkSync(path.join(repository, "node_modules"), path.join(folder, "node_modules"));
    const environment = {
        ...process.env,
        ...engine.environment,
        ...server.environment,
        PULUMI_BACKEND_URL: `file://${state}`,
        PULUMI_CONFIG_PASSPHRASE: "a passphrase for the benchmark",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_STACK: "bench",
    };
    const project = {
        folder,
        environment,
        /** @returns seconds, what was shown, and peak memory by kind of process */
        async pulumi(args, variables = {}) {
            const began = performance.now();
            const child = spawn("pulumi", ["--non-interactive", "--color", "never", ...args], { cwd: folder, env: { ...environment, ...variables }, stdio: ["ignore", "pipe", "pipe"] });
            const memory = watchMemory(child.pid);
            let text = "";
            child.stdout.on("data", chunk => (text += chunk));
            child.stderr.on("data", chunk => (text += chunk));
            const code = await new Promise(done => child.once("exit", done));
            const megabytes = memory();
            if (code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${code}:\n${text.slice(-4000)}`);
            return { seconds: (performance.now() - began) / 1000, text, megabytes };
        },
        up: variables => project.pulumi(["up", "--yes", "--skip-preview"], variables),
        stateText() {
            const [file] = readdirSync(state, { recursive: true, encoding: "utf8" }).filter(name => name.endsWith("stacks/bench/bench.json"));
            return readFileSync(path.join(state, String(file)), "utf8");
        },
        remove: () => rmSync(folder, { recursive: true, force: true }),
    };
    await project.pulumi(["stack", "init", "bench", "--no-select"]);
    return project;
}

/** What a run changed, from the summary that the engine prints: `{ created: 3, unchanged: 1 }`. */
export const changes = text => Object.fromEntries([...text.matchAll(/^\s+(?:\S\s+)?(\d+) (created|updated|deleted|unchanged)\s*$/gm)].map(([, count, what]) => [what, Number(count)]));
