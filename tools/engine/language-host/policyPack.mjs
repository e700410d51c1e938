// Runs a policy pack: node on `@pulumi/pulumi/cmd/run-policy-pack`, which loads the pack and serves the engine's questions.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const exitWithEngine = fileURLToPath(new URL("exit-with-engine.cjs", import.meta.url));

/**
 * @param {object} run
 * @param {string} run.directory the pack's, with its PulumiPolicy.yaml
 * @param {string[]} run.arguments the engine's flags, and its address
 * @param {string[]} run.environment as `NAME=value`
 * @returns {import("node:child_process").ChildProcessByStdio<import("node:stream").Writable, import("node:stream").Readable, import("node:stream").Readable>} which ends with this process, or when it is killed
 */
export function runPolicyPack(run) {
    const environment = Object.fromEntries(run.environment.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
    return spawn(process.execPath, ["--require", exitWithEngine, findRunner(run.directory), ...run.arguments, run.directory], {
        cwd: run.directory,
        env: environment,
        // Its standard input ends with this process: see exit-with-engine.cjs.
        stdio: ["pipe", "pipe", "pipe"],
    });
}

/** @param {string} directory */
function findRunner(directory) {
    try {
        return createRequire(path.join(directory, "package.json")).resolve("@pulumi/pulumi/cmd/run-policy-pack");
    } catch {
        throw new Error(`@pulumi/pulumi is not installed for the policy pack in ${directory}: run \`npm install\` there.`);
    }
}
