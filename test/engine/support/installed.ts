// The package as npm would install it: a copy in node_modules, with its command, beside everything that it needs.

import { chmodSync, cpSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import * as path from "node:path";
import { repository } from "./commandLine";

/** Fills `node_modules` of the folder. */
export function install(folder: string): void {
    const modules = path.join(folder, "node_modules");
    mkdirSync(path.join(modules, ".bin"), { recursive: true });
    for (const name of readdirSync(path.join(repository, "node_modules"))) {
        if (name !== "pulumi-thingsboard" && !name.startsWith(".")) symlinkSync(path.join(repository, "node_modules", name), path.join(modules, name));
    }
    for (const name of ["package.json", "bin"]) cpSync(path.join(repository, name), path.join(modules, "pulumi-thingsboard", name), { recursive: true });
    const command = path.join("pulumi-thingsboard", "bin", "cli", "main.js");
    chmodSync(path.join(modules, command), 0o755);
    symlinkSync(path.join("..", command), path.join(modules, ".bin", "pulumi-thingsboard"));
}
