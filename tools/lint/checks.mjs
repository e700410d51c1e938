// The static checks, two at a time. What passed is not looked at again until a file changes.

import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fingerprint } from "../engine/cache.mjs";
import { EngineError } from "../engine/say.mjs";
import { packInto } from "../pack.mjs";
import { repository } from "../steps.mjs";

const inRepository = (/** @type {string[]} */ ...names) => path.join(repository, ...names);
const tool = (/** @type {string[]} */ ...names) => inRepository("node_modules", ...names);

const looked = [
    "sdk", "test", "examples", "tools", "bench", "package.json", "package-lock.json", "tsconfig.json", "tsconfig.test.json",
    "tsconfig.tools.json", "tsconfig.page.json", "vitest.config.mts", "eslint.config.mjs", "knip.json", ".dependency-cruiser.mjs", "README.md", "CHANGELOG.md", "LICENSE",
];

/**
 * @param {string} node a Node.js that is new enough
 * @returns {Promise<void>}
 */
export async function checkEverything(node) {
    const stamp = inRepository("node_modules", ".cache", "pulumi-thingsboard-lint");
    const sources = fingerprint([], looked.map((name) => inRepository(name)));
    if (fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === sources) return;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pulumi-thingsboard-lint-"));
    try {
        const tarball = await packInto(folder, node);
        const waiting = checks(tarball);
        /** @type {string[]} */
        const failed = [];
        const worker = async () => {
            for (let next = waiting.shift(); next; next = waiting.shift()) if (!(await passes(node, next))) failed.push(next.name);
        };
        await Promise.all([worker(), worker()]);
        if (failed.length > 0) throw new EngineError(`${failed.join(", ")} found something`);
        fs.mkdirSync(path.dirname(stamp), { recursive: true });
        fs.writeFileSync(stamp, sources);
    } finally {
        fs.rmSync(folder, { recursive: true, force: true });
    }
}

/**
 * The longest first.
 *
 * @param {string} tarball
 * @returns {{ name: string, args: string[] }[]}
 */
function checks(tarball) {
    const tsc = tool("typescript", "bin", "tsc");
    return [
        { name: "eslint", args: [tool("eslint", "bin", "eslint.js"), "--max-warnings=0", "--cache", "--cache-location", tool(".cache", "pulumi-thingsboard-eslint")] },
        { name: "types of tests and examples", args: [tsc, "-p", "tsconfig.test.json"] },
        { name: "types of scripts", args: [tsc, "-p", "tsconfig.tools.json"] },
        { name: "types of the report's page", args: [tsc, "-p", "tsconfig.page.json"] },
        { name: "directions of imports", args: [tool("dependency-cruiser", "bin", "dependency-cruiser.mjs"), "sdk", "--config", ".dependency-cruiser.mjs", "--output-type", "err"] },
        { name: "knip", args: [tool("knip", "bin", "knip.js")] },
        { name: "publint", args: [tool("publint", "src", "cli.js"), "run", tarball, "--strict"] },
        { name: "attw", args: [tool("@arethetypeswrong", "cli", "dist", "index.js"), tarball, "--no-definitely-typed", "--no-emoji"] },
    ];
}

/**
 * @param {string} node
 * @param {{ name: string, args: string[] }} check
 * @returns {Promise<boolean>}
 */
async function passes(node, { name, args }) {
    const began = performance.now();
    const { code, text } = await outputOf(node, args);
    console.error(`${code === 0 ? "ok    " : "failed"} ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
    if (code !== 0) console.error(text.trimEnd());
    return code === 0;
}

/**
 * @param {string} node
 * @param {string[]} args
 * @returns {Promise<{ code: number, text: string }>}
 */
function outputOf(node, args) {
    return new Promise((resolve, reject) => {
        const child = spawn(node, args, { cwd: repository, stdio: ["ignore", "pipe", "pipe"] });
        let text = "";
        for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
        child.once("error", reject);
        child.once("close", (code) => resolve({ code: code ?? 1, text }));
    });
}
