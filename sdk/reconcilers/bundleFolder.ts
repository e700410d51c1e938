// A folder with a device's key in it: only its owner may look in, each file is there whole or not at all, and what
// somebody else put there is left alone.

import { createHash } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { lstat, readFile, rm, rmdir, unlink } from "node:fs/promises";
import * as path from "node:path";
import { makeFolder, noFollow, posix, writePrivate } from "../privateFile";
import { UserError } from "../userError";
import { stackOf } from "./ownership";

/** By file name. */
export type Files = Readonly<Record<string, string | Buffer>>;
/** SHA-256 of each file, by name. */
export type Digests = Readonly<Record<string, string>>;

export interface Holder {
    readonly declaredBy: string;
    /** Says which resource holds the folder now: the engine replaces by creating first and deleting afterwards. */
    readonly claim: string;
}

interface Manifest extends Holder {
    readonly files: Digests;
    /** The topmost folder that was made for the bundle, which goes with it; none if its folder was there. */
    readonly madeFrom?: string;
}

/** Lists what was written, so that an interrupted `up` and a later `destroy` tell it from what was there. */
const manifestName = ".pulumi-thingsboard.json";

export const digestsOf = (files: Files): Digests => Object.fromEntries(Object.entries(files).map(([name, text]) => [name, sha256(text)]));

/** @throws UserError for a folder that others may read, and for files that are somebody else's. */
export async function writeFolder(folder: string, files: Files, holder: Holder): Promise<void> {
    const madeFrom = await requireFolder(folder);
    const before = await readManifest(folder);
    if (before && before.claim !== holder.claim && stackOf(before.declaredBy) !== stackOf(holder.declaredBy)) throw new UserError(`${folder} holds the bundle of ${before.declaredBy} (project/stack/resource): give directory a folder of its own`);
    const names = Object.keys(files);
    const from = before ? before.madeFrom : madeFrom;
    const made = from === undefined ? {} : { madeFrom: from };
    for (const name of names) {
        if (before?.files[name] === undefined && (await look(path.join(folder, name)))) throw new UserError(`${path.join(folder, name)} exists and was not written by this stack: move it away, or give directory a folder of its own`);
    }
    const manifest: Manifest = { declaredBy: holder.declaredBy, claim: holder.claim, files: { ...before?.files, ...digestsOf(files) }, ...made };
    await writeWhole(path.join(folder, manifestName), JSON.stringify(manifest));
    for (const [name, text] of Object.entries(files)) await writeWhole(path.join(folder, name), text);
    for (const name of Object.keys(before?.files ?? {}).filter(name => !names.includes(name))) await rm(path.join(folder, name), { force: true });
    await writeWhole(path.join(folder, manifestName), JSON.stringify({ ...manifest, files: digestsOf(files) }));
}

/** What is not as it was written, by file name. */
export async function changesIn(folder: string, wanted: Digests): Promise<Readonly<Record<string, string>>> {
    const stats = await look(folder);
    if (!stats) return { [folder]: "is gone" };
    const changes: Record<string, string> = {};
    const mode = modeFault(stats, 0o700);
    if (!stats.isDirectory()) return { [folder]: "is no folder" };
    if (mode) changes[folder] = mode;
    for (const [name, digest] of Object.entries(wanted)) {
        const fault = await fileFault(path.join(folder, name), digest);
        if (fault) changes[name] = fault;
    }
    return changes;
}

/** Removes what is still as it was written; what somebody changed stays, and is returned. */
export async function removeFolder(folder: string, wanted: Digests, claim: string): Promise<readonly string[]> {
    const manifest = await readManifest(folder);
    if (manifest && manifest.claim !== claim) return [];
    const left: string[] = [];
    for (const [name, digest] of Object.entries(wanted)) {
        const file = path.join(folder, name);
        const stats = await look(file);
        if (!stats) continue;
        if (stats.isFile() && sha256(await content(file)) === digest) await unlink(file);
        else left.push(file);
    }
    await rm(path.join(folder, manifestName), { force: true });
    if (manifest?.madeFrom !== undefined && left.length === 0) await removeEmpty(folder, manifest.madeFrom);
    return left;
}

/** From the inside out, as far as nothing else is in them. */
async function removeEmpty(folder: string, upTo: string): Promise<void> {
    for (let at = folder; at === upTo || at.startsWith(upTo + path.sep); at = path.dirname(at)) {
        try {
            await rmdir(at);
        } catch {
            return;
        }
    }
}

/** @returns the topmost folder that had to be made */
async function requireFolder(folder: string): Promise<string | undefined> {
    const made = makeFolder(folder, 0o700, "give directory a folder of its own");
    const stats = await lstat(folder);
    if (!stats.isDirectory()) throw new UserError(`${folder} is ${stats.isSymbolicLink() ? "a symbolic link, which is not followed" : "no folder"}: give directory a folder of its own`);
    if (posix && stats.uid !== process.getuid?.()) throw new UserError(`${folder} belongs to another user: give directory a folder of your own`);
    if (modeFault(stats, 0o700)) throw new UserError(`${folder} may be opened by others (mode ${octal(stats)}), and a private key goes there: run "chmod 700" on it, or give directory a folder of its own`);
    return made;
}

async function writeWhole(file: string, text: string | Buffer): Promise<void> {
    try {
        await writePrivate(file, text, { lasting: true });
    } catch (error) {
        throw new UserError(`can't write ${file} (${(error as NodeJS.ErrnoException).code ?? "failed"}): give directory a folder that may be written to`);
    }
}

async function fileFault(file: string, digest: string): Promise<string | undefined> {
    const stats = await look(file);
    if (!stats) return "is gone";
    if (!stats.isFile()) return stats.isSymbolicLink() ? "is a symbolic link" : "is no file";
    if (sha256(await content(file)) !== digest) return "has other content";
    return modeFault(stats, 0o600);
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
    try {
        return JSON.parse(await readFile(path.join(folder, manifestName), { encoding: "utf8", flag: constants.O_RDONLY | noFollow })) as Manifest;
    } catch {
        return undefined;
    }
}

const content = (file: string): Promise<Buffer> => readFile(file, { flag: constants.O_RDONLY | noFollow });
const look = (file: string): Promise<Stats | undefined> => lstat(file).catch(() => undefined);
const octal = (stats: Stats): string => (stats.mode & 0o777).toString(8);
const modeFault = (stats: Stats, wanted: number): string | undefined => (posix && (stats.mode & 0o777 & ~wanted) !== 0 ? `may be read by others (mode ${octal(stats)})` : undefined);
const sha256 = (text: string | Buffer): string => createHash("sha256").update(text).digest("hex");
