// The official installer, by way of the Automation API. It fetches a script and an archive from Pulumi's own site, which
// closed networks don't let through, so it has to give up soon where it can't work.

import fs from "node:fs";
import path from "node:path";
import { cached, cachedOr } from "./cache.mjs";
import { runQuietly } from "./commands.mjs";
import { say, withProgress } from "./say.mjs";

const NAME = "pulumi-official";

const INSTALL = `
    const { PulumiCommand } = require("@pulumi/pulumi/automation");
    const fetchForEver = globalThis.fetch;
    globalThis.fetch = (url, options) => fetchForEver(url, { ...options, signal: AbortSignal.timeout(8000) });
    PulumiCommand.install({ root: process.argv[1] }).catch((error) => { console.error(error.message); process.exit(1); });
`;

/** The command that an earlier run installed. */
export function installedEngine() {
    const folder = cached(NAME);
    return folder && path.join(folder, "bin", "pulumi");
}

/** The command, or undefined where it can't be downloaded. @param {string} repository @param {string} node */
export async function installEngine(repository, node) {
    if (!fs.existsSync(path.join(repository, "node_modules", "@pulumi", "pulumi"))) {
        say("the official installer isn't tried: it is part of @pulumi/pulumi, and `npm ci` has not run yet");
        return undefined;
    }
    try {
        const folder = await cachedOr(NAME, (root) => withProgress("trying the official installer", () =>
            runQuietly(node, ["-e", INSTALL, root], { cwd: repository, timeout: 300_000 })));
        return path.join(folder, "bin", "pulumi");
    } catch (error) {
        say(`the official installer can't be used here: ${error.message.trim().split("\n").at(-1)}`);
        return undefined;
    }
}
