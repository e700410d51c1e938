// Files with secrets in them: for their owner alone, there whole or not at all, and never by way of a symbolic link.

import { randomBytes } from "node:crypto";
import { constants, lstatSync, mkdirSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import * as path from "node:path";
import { UserError } from "./userError";

/** A symbolic link is never followed: it might lead out of the folder. */
export const noFollow = constants.O_NOFOLLOW ?? 0;

/** Windows has no modes; a folder there has the rights of the one above it. */
export const posix = process.platform !== "win32";

/**
 * Takes the place of whatever has this name, also of a symbolic link, and not that of what it points to. Mode 0600,
 * whatever the umask is and whatever mode the file had before.
 * @param lasting waits until it would survive a power cut, which takes a while where there are many
 * @param publicly for what everybody may read: mode 0644, as far as the umask allows
 * @throws the file system's error; nothing is left behind then
 */
export async function writePrivate(file: string, content: string | Buffer, { lasting = false, publicly = false } = {}): Promise<void> {
    // A short name of its own: that of the file may be as long as names can be.
    const draft = path.join(path.dirname(file), `.${randomBytes(9).toString("hex")}.new`);
    try {
        const handle = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow, publicly ? 0o644 : 0o600);
        try {
            await handle.writeFile(content);
            if (lasting) await handle.sync();
        } finally {
            await handle.close();
        }
        await rename(draft, file);
    } catch (error) {
        await rm(draft, { force: true });
        throw error;
    }
}

/**
 * A folder where others can't put anything in the way: made with mode 0700, or there already and writable for its owner
 * alone, who is this user.
 * @param remedy what to do where it is not: `choose another folder with --out`
 */
export function privateFolder(folder: string, remedy: string): void {
    makeFolder(folder, 0o700, remedy);
    requireOwn(folder, remedy);
}

/**
 * With those above it. What is there already is left to the caller to look at, who may want no file and no link.
 * @returns the topmost folder that had to be made
 * @throws UserError where it can't be made
 */
export function makeFolder(folder: string, mode: number, remedy: string): string | undefined {
    try {
        return mkdirSync(folder, { recursive: true, mode });
    } catch (error) {
        const { code = "failed" } = error as NodeJS.ErrnoException;
        if (code === "EEXIST") return undefined;
        throw new UserError(`${folder} can't be made (${code}): ${remedy}`);
    }
}

/** @throws UserError for a folder in which others can put something in the way, and for a link to one */
export function requireOwn(folder: string, remedy: string): void {
    const stats = lstatSync(folder);
    if (!stats.isDirectory()) throw new UserError(`${folder} is ${stats.isSymbolicLink() ? "a symbolic link, which is not followed" : "no folder"}: ${remedy}`);
    if (!posix) return;
    if (stats.uid !== process.getuid?.()) throw new UserError(`${folder} belongs to another user: ${remedy}`);
    if ((stats.mode & 0o022) !== 0) throw new UserError(`others may write to ${folder} (mode ${(stats.mode & 0o777).toString(8)}), and secrets go there: run "chmod go-w" on it, or ${remedy}`);
}
