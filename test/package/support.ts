// The package as it is published, and what a user gets along with it.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
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

/** What is installed at a place. */
export const nameOf = (place: string): string => place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);

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
