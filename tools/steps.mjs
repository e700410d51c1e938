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

const lock = `checkout-${fingerprint([repository], [])}`;

/** Everything that tests and demo need; each part is skipped if it was done before and nothing has changed. */
export async function prepare() {
    const node = await install();
    const engine = await findEngine();
    await withLock(lock, () => build(node));
    return engine;
}

/** What needs no engine: dependencies and build. Returns the Node.js to go on with. */
export async function prepareBuild() {
    const node = await install();
    await withLock(lock, () => build(node));
    return node;
}

async function install() {
    const node = await findNode();
    await withLock(lock, async () => {
        await installDependencies(node);
        linkItself(repository);
    });
    return node;
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
    removeLeftOver();
    await run(node, [inRepository("tools", "page.mjs")]);
    fs.mkdirSync(path.dirname(stamp), { recursive: true });
    fs.writeFileSync(stamp, sources);
}

/** The compiler leaves what was built from a source that is no more, and it would be published. */
function removeLeftOver() {
    for (const file of fs.readdirSync(inRepository("bin"), { recursive: true, encoding: "utf8" })) {
        const source = file.replace(/(\.d\.ts|\.js)$/, ".ts");
        if (source !== file && !fs.existsSync(inRepository("sdk", source))) fs.rmSync(inRepository("bin", file));
    }
}

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
 * @param {number} [minutes] after which it is ended
 * @returns {Promise<number>}
 */
export function exitCodeOf(file, args, environment, minutes) {
    return new Promise((resolve, reject) => {
        const timeout = minutes === undefined ? {} : { timeout: minutes * 60_000 };
        const child = spawn(file, args, { cwd: repository, stdio: "inherit", env: { ...process.env, ...environment }, ...timeout });
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
