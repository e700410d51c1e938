// What is installed for a program, and which of it needs a plugin of the engine.

import fs from "node:fs";
import path from "node:path";

/** @typedef {{ name: string, version: string, directory: string, manifest: any }} InstalledPackage */

/** Everything in the node_modules folders that `require` would look into, nearest first. @returns {InstalledPackage[]} */
export function installedPackages(programDirectory) {
    const found = new Map();
    for (let folder = programDirectory; ; folder = path.dirname(folder)) {
        collect(path.join(folder, "node_modules"), found);
        if (folder === path.dirname(folder)) return [...found.values()];
    }
}

/** What the program's own package.json names, in the versions installed. @returns {InstalledPackage[]} */
export function programDependencies(programDirectory) {
    const manifest = readManifest(programDirectory);
    const named = new Set(Object.keys({ ...manifest?.dependencies, ...manifest?.devDependencies }));
    const nearest = new Map(installedPackages(programDirectory).reverse().map((found) => [found.name, found]));
    return [...nearest.values()].filter(({ name }) => named.has(name));
}

/** The resource plugins that the installed packages ask for in the `pulumi` part of their package.json. */
export function requiredPlugins(programDirectory) {
    const plugins = new Map();
    for (const { name, version, manifest } of installedPackages(programDirectory)) {
        const { pulumi } = manifest;
        if (pulumi?.resource !== true) continue;
        const plugin = {
            name: pulumi.name ?? pluginName(name),
            version: pulumi.version ?? version,
            server: pulumi.server ?? "",
            parameterization: pulumi.parameterization,
        };
        plugins.set(JSON.stringify(plugin), plugin);
    }
    return [...plugins.values()];
}

/** `@pulumi/tls` asks for the plugin `tls`, any other scope is part of the name. */
function pluginName(packageName) {
    return packageName.replace(/^@pulumi\//, "").replace(/^@/, "").replace("/", "-");
}

/** Adds the packages in one node_modules folder and in those nested below them. */
function collect(nodeModules, found) {
    for (const entry of list(nodeModules)) {
        if (entry.startsWith(".")) continue;
        const folder = path.join(nodeModules, entry);
        if (entry.startsWith("@")) {
            collect(folder, found);
            continue;
        }
        const manifest = readManifest(folder);
        if (!manifest) continue;
        const real = fs.realpathSync(folder);
        if (manifest.name && manifest.version && !found.has(real)) {
            found.set(real, { name: manifest.name, version: manifest.version, directory: folder, manifest });
        }
        // Links (workspaces, `npm link`) may point back up; what lies beyond them is another program's.
        if (!fs.lstatSync(folder).isSymbolicLink()) collect(path.join(folder, "node_modules"), found);
    }
    // pnpm puts all packages in here, each in a node_modules with links to what it needs.
    const store = path.join(nodeModules, ".pnpm");
    for (const entry of list(store)) collect(path.join(store, entry, "node_modules"), found);
}

function list(folder) {
    try {
        return fs.readdirSync(folder);
    } catch {
        return [];
    }
}

function readManifest(folder) {
    try {
        return JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
    } catch {
        return undefined;
    }
}
