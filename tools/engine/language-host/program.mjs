// Runs a program: node on `@pulumi/pulumi/cmd/run`, which loads the program and connects it with the engine.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";

/** The exit code by which `cmd/run` says that it has shown the error to the user already. */
const ALREADY_REPORTED = 32;

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

/**
 * @param {object} run
 * @param {string} run.engineAddress
 * @param {string} run.tracing
 * @param {string} run.monitorAddress
 * @param {string} run.organization
 * @param {string} run.project
 * @param {string} run.stack
 * @param {string} run.workingDirectory
 * @param {string} run.rootDirectory
 * @param {string} run.programDirectory
 * @param {string} run.entryPoint
 * @param {{ typescript?: boolean, nodeargs?: string, tsconfig?: string }} run.options `runtime.options` of Pulumi.yaml
 * @param {string[]} run.arguments
 * @param {boolean} run.dryRun
 * @param {number} run.parallel
 * @param {Record<string, string>} run.config
 * @param {string[]} run.secretKeys
 * @returns {Promise<{ error?: string, alreadyReported?: boolean }>}
 */
export function runProgram(run) {
    const flags = {
        monitor: run.monitorAddress,
        engine: run.engineAddress,
        organization: run.organization,
        project: run.project,
        "root-directory": run.rootDirectory,
        stack: run.stack,
        pwd: run.workingDirectory,
        parallel: run.parallel ? String(run.parallel) : "",
        tracing: run.tracing,
    };
    const given = Object.entries(flags).flatMap(([flag, value]) => (value ? [`--${flag}`, value] : []));
    if (run.dryRun) given.push("--dry-run");

    const child = spawn(
        process.execPath,
        [...splitArguments(run.options.nodeargs ?? ""), findRunner(run.programDirectory), ...given, run.entryPoint, ...run.arguments],
        { cwd: run.programDirectory, env: programEnvironment(run), stdio: ["ignore", "inherit", "inherit"] },
    );
    running.add(child);
    return new Promise((resolve) => {
        child.once("error", (error) => resolve({ error: `Could not start the program: ${error.message}` }));
        child.once("exit", (code, signal) => {
            running.delete(child);
            if (code === 0) resolve({});
            else if (code === ALREADY_REPORTED) resolve({ alreadyReported: true });
            else if (signal) resolve({ error: `Program was ended by ${signal}` });
            else resolve({ error: `Program exited with non-zero exit code: ${code}` });
        });
    });
}

/** Ends what is still running: politely, and after two seconds for good. */
export async function stopPrograms() {
    await Promise.all([...running].map((child) => new Promise((ended) => {
        const forGood = setTimeout(() => child.kill("SIGKILL"), 2000);
        child.once("exit", () => {
            clearTimeout(forGood);
            ended(undefined);
        });
        child.kill("SIGTERM");
    })));
}

function programEnvironment({ options, config, secretKeys }) {
    /** @type {NodeJS.ProcessEnv} */
    const environment = {
        ...process.env,
        PULUMI_CONFIG: JSON.stringify(config),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(secretKeys),
        // As in the official host: TypeScript unless the project says otherwise.
        PULUMI_NODEJS_TYPESCRIPT: String(options.typescript ?? true),
    };
    if (options.tsconfig) environment.PULUMI_NODEJS_TSCONFIG_PATH = options.tsconfig;
    return environment;
}

function findRunner(programDirectory) {
    try {
        return createRequire(path.join(programDirectory, "package.json")).resolve("@pulumi/pulumi/cmd/run");
    } catch {
        throw new Error(`@pulumi/pulumi is not installed for the program in ${programDirectory}: run \`npm install\` there.`);
    }
}

/** Splits `nodeargs` like a shell does: at blanks, except within quotes. */
function splitArguments(text) {
    return [...text.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)].map(([argument]) => argument.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}
