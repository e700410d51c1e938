// The package as it is published, in a project that has nothing else.

import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { packInto } from "../../tools/pack.mjs";

export const repository = path.resolve(__dirname, "..", "..");

export const run = promisify(execFile);

interface Locked {
    readonly version: string;
    readonly license?: string;
    readonly dev?: boolean;
    readonly optional?: boolean;
    readonly hasInstallScript?: boolean;
}

/** What npm installs for a user, by its place below the project's folder. */
export function locked(): ReadonlyMap<string, Locked> {
    const { packages } = JSON.parse(readFileSync(path.join(repository, "package-lock.json"), "utf8")) as { packages: Record<string, Locked> };
    return new Map(Object.entries(packages).filter(([place, { dev }]) => place !== "" && !dev));
}

export interface Packed {
    readonly tarball: string;
    /** Below the package's folder. */
    readonly files: readonly string[];
    remove(): void;
}

export async function packed(): Promise<Packed> {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-packed-"));
    const tarball = await packInto(folder, process.execPath);
    const { stdout } = await run("tar", ["-tzf", tarball]);
    const files = stdout.trim().split("\n").map(name => name.replace(/^package\//, ""));
    return { tarball, files, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Unpacks the tarball where npm does. Of what else is installed here, the project sees what package-lock.json has for a
 * user: a package that is there for development only can't be imported.
 */
export async function installInto(project: string, { tarball }: Packed): Promise<void> {
    const modules = path.join(project, "node_modules");
    const installed = path.join(modules, "pulumi-thingsboard");
    mkdirSync(installed, { recursive: true });
    await run("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
    for (const [place, { optional }] of locked()) {
        const name = place.slice("node_modules/".length);
        if (optional || name.includes("node_modules/")) continue;
        mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
        symlinkSync(path.join(repository, place), path.join(modules, name));
    }
    const { bin } = JSON.parse(readFileSync(path.join(installed, "package.json"), "utf8")) as { bin: Record<string, string> };
    mkdirSync(path.join(modules, ".bin"));
    for (const [command, file] of Object.entries(bin)) {
        symlinkSync(path.join("..", "pulumi-thingsboard", file), path.join(modules, ".bin", command));
        chmodSync(path.join(installed, file), 0o755);
    }
}

export interface Project {
    readonly folder: string;
    write(name: string, text: string): void;
    /** Standard output of a file of the project. */
    node(...args: string[]): Promise<string>;
    remove(): void;
}

export async function project(from: Packed, manifest: object): Promise<Project> {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-project-"));
    writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "project", private: true, ...manifest }));
    await installInto(folder, from);
    return {
        folder,
        write: (name, text) => writeFileSync(path.join(folder, name), text),
        node: async (...args) => (await run(process.execPath, args, { cwd: folder })).stdout,
        remove: () => rmSync(folder, { recursive: true, force: true }),
    };
}
