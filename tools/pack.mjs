// The package as it would be published, from what is built.

import fs from "node:fs";
import path from "node:path";
import { runQuietly } from "./engine/commands.mjs";
import { repository } from "./steps.mjs";

/**
 * Without scripts: `prepack` would build anew, under the feet of whoever uses what is built.
 *
 * @param {string} folder
 * @param {string} node
 * @returns {Promise<string>} the path of the tarball
 */
export async function packInto(folder, node) {
    const PATH = [path.dirname(node), process.env.PATH ?? ""].join(path.delimiter);
    await runQuietly("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: repository, env: { PATH } });
    const { name, version } = JSON.parse(fs.readFileSync(path.join(repository, "package.json"), "utf8"));
    return path.join(folder, `${name}-${version}.tgz`);
}
