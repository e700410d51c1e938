// Lets the examples and the tests find this package as a user's program does: in node_modules.

import fs from "node:fs";
import path from "node:path";

/** @param {string} repository */
export function linkItself(repository) {
    const link = path.join(repository, "node_modules", "pulumi-thingsboard");
    if (fs.existsSync(path.join(link, "package.json"))) return;
    fs.rmSync(link, { force: true, recursive: true });
    fs.symlinkSync("..", link, "junction");
}
