// What `npm test` and `npm run demo` have to do before they can begin: dependencies, engine, build.

import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { fingerprint, withLock } from "./engine/cache.mjs";
import { findEngine } from "./engine/engine.mjs";
import { findNode } from "./engine/node.mjs";
import { EngineError } from "./engine/say.mjs";
import { linkItself } from "./link.mjs";

export const repository = fileURLToPath(new URL("..", import.meta.url));
const inRepository = (/** @type {string[]} */ ...names) => path.join(repository, ...names);

/** Everything that tests and demo need; each part is skipped if it was done before and nothing has changed. */
export async function prepare() {
    const lock = `checkout-${fingerprint([repository], [])}`;
    const node = await findNode();
    await withLock(lock, async () => {
        await installDependencies(node);
        linkItself(repository);
    });
    const engine = await findEngine();
    await withLock(lock, () => build(node));
    return engine;
}

/** @param {string} node */
async function installDependencies(node) {
    const difference = differsFromLock();
    if (!difference) return;
    console.error(`npm ci (${difference})`);
    // Without scripts: nothing here needs one, and the package's own `prepare` is the build, which comes later.
    const PATH = [path.dirname(node), process.env.PATH ?? ""].join(path.delimiter);
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { PATH });
}

/** Why node_modules is not what package-lock.json says, or undefined if it is. */
function differsFromLock() {
    const wanted = readJson(inRepository("package-lock.json")).packages;
    const lockOfInstalled = inRepository("node_modules", ".package-lock.json");
    if (!fs.existsSync(lockOfInstalled)) return "node_modules is missing";
    const installed = readJson(lockOfInstalled).packages;
    for (const [location, { version, optional, link }] of Object.entries(wanted)) {
        // Optional ones may be for another platform.
        if (location === "" || optional || link || installed[location]?.version === version) continue;
        return `${location} is ${installed[location]?.version ?? "missing"}, package-lock.json says ${version}`;
    }
    return undefined;
}

/** @param {string} node */
async function build(node) {
    const stamp = inRepository("node_modules", ".cache", "pulumi-thingsboard-build");
    const sources = fingerprint([], ["sdk", "tsconfig.json", "tools/page.mjs", "package-lock.json"].map((name) => inRepository(name)));
    if (fs.existsSync(inRepository("bin", "index.js")) && readText(stamp) === sources) return;
    console.error("tsc");
    await run(node, [inRepository("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.json"]);
    await run(node, [inRepository("tools", "page.mjs")]);
    fs.mkdirSync(path.dirname(stamp), { recursive: true });
    fs.writeFileSync(stamp, sources);
}

/** Types of what is run without a build: tests, examples, scripts. @param {string} node */
export async function checkTypes(node) {
    const stamp = inRepository("node_modules", ".cache", "pulumi-thingsboard-types");
    const sources = fingerprint([], ["sdk", "test", "examples", "tools", "bench", "vitest.config.mts", ...configs, "package-lock.json"].map((name) => inRepository(name)));
    if (fs.existsSync(stamp) && readText(stamp) === sources) return;
    for (const config of configs.slice(1)) {
        console.error(`tsc -p ${config}`);
        await run(node, [inRepository("node_modules", "typescript", "bin", "tsc"), "-p", config]);
    }
    fs.writeFileSync(stamp, sources);
}
const configs = ["tsconfig.json", "tsconfig.test.json", "tsconfig.tools.json", "tsconfig.page.json"];

/**
 * Runs a command with the terminal to itself.
 *
 * @param {string} file
 * @param {string[]} args
 * @param {Record<string, string>} [environment]
 */
async function run(file, args, environment = {}) {
    const code = await exitCodeOf(file, args, environment);
    if (code !== 0) throw new EngineError(`\`${path.basename(file)} ${args.join(" ")}\` failed with exit code ${code}`);
}

/**
 * @param {string} file
 * @param {string[]} args
 * @param {Record<string, string>} environment
 * @returns {Promise<number>}
 */
export function exitCodeOf(file, args, environment) {
    return new Promise((resolve, reject) => {
        const child = spawn(file, args, { cwd: repository, stdio: "inherit", env: { ...process.env, ...environment } });
        // Ctrl-C reaches the child by itself; this process stays to clean up after it.
        const ignore = () => {};
        process.on("SIGINT", ignore);
        const pass = () => child.kill("SIGTERM");
        process.on("SIGTERM", pass);
        child.once("error", reject);
        child.once("exit", (code, signal) => {
            process.off("SIGINT", ignore).off("SIGTERM", pass);
            resolve(code ?? (signal === "SIGINT" ? 130 : 1));
        });
    });
}

/** @param {string} file */
function readJson(file) {
    return JSON.parse(fs.readFileSync(file, "utf8"));
}

/** @param {string} file */
function readText(file) {
    return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : undefined;
}
