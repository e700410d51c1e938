// The engine's dynamic provider looks for this package in the program's folder, not where the program found it.

import { createRequire } from "node:module";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";

let checked: string | undefined;

/** @throws RunError (shown without a stack) where refresh and destroy would not find the package later. */
export function requirePluginIn(folder: string): void {
    if (checked === folder) return;
    try {
        // From inside node_modules, since a package may also require itself by name: the engine's look-up can't.
        createRequire(path.join(folder, "node_modules", "program.js")).resolve("pulumi-thingsboard/plugin");
    } catch {
        throw new pulumi.RunError(
            `pulumi-thingsboard can't be found from ${folder}, where the Pulumi engine runs its resources: ` +
                `run "npm install pulumi-thingsboard" there, so that it stands in the program's own package.json`,
        );
    }
    checked = folder;
}
