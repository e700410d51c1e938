// The Pulumi engine and the environment in which it works. In this order: `pulumi` on PATH; what an earlier run left in
// the cache; the official installer; a build from Go modules. docs/engine.md tells the story.

import path from "node:path";
import { fileURLToPath } from "node:url";
import { builtEngine, isBuilt } from "./build.mjs";
import { cacheFolder } from "./cache.mjs";
import { onPath, outputOf } from "./commands.mjs";
import { installedEngine, installEngine } from "./install.mjs";
import { findNode } from "./node.mjs";
import { EngineError, say } from "./say.mjs";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/**
 * @typedef {object} Engine
 * @property {string} pulumi the path of the command
 * @property {string} node the path of a Node.js new enough to run programs
 * @property {"official" | "built"} kind
 * @property {Record<string, string>} environment what to set on top of the process's own environment
 */

/** Finds or makes the engine, saying what it does. @returns {Promise<Engine>} */
export async function findEngine() {
    const node = await findNode();
    const official = pulumiOnPath() ?? installedEngine() ?? (isBuilt() ? undefined : await installEngine(repository, node));
    if (official) return describe("official", official, node, path.join(cacheFolder, "home"));
    const { pulumi, home } = await builtEngine();
    return describe("built", pulumi, node, home);
}

/** The user's own command, not one that an environment printed by these scripts has put there. */
function pulumiOnPath() {
    return onPath("pulumi").find((file) => !file.startsWith(cacheFolder + path.sep) && outputOf(file, ["version"], { PULUMI_SKIP_UPDATE_CHECK: "true" }));
}

/**
 * @param {Engine["kind"]} kind
 * @param {string} pulumi
 * @param {string} node
 * @param {string} home
 * @returns {Engine}
 */
function describe(kind, pulumi, node, home) {
    const version = outputOf(pulumi, ["version"], { PULUMI_SKIP_UPDATE_CHECK: "true", PULUMI_HOME: home });
    if (!version) throw new EngineError(`${pulumi} does not run; remove it and try again`);
    say(`pulumi ${version} (${kind === "built" ? "built from Go modules" : "official"}, ${pulumi}), Node.js ${outputOf(node, ["-p", "process.versions.node"])}`);

    const PATH = [path.dirname(node), path.dirname(pulumi), process.env.PATH ?? ""].join(path.delimiter);
    const environment = {
        PATH,
        // Plugins and log-ins of these scripts, apart from the user's.
        PULUMI_HOME: home,
        PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    if (kind === "official") return { kind, pulumi, node, environment };
    return {
        kind, pulumi, node,
        environment: {
            ...environment,
            PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
            // For commands outside of any program: where the language host finds its protocol.
            PULUMI_LANGUAGE_NODEJS_SDK: repository,
        },
    };
}
