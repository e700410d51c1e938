// The cache outside of the repository: ${XDG_CACHE_HOME:-~/.cache}/pulumi-thingsboard. An entry is a folder whose name
// says what went into it. It is made under another name and renamed, so an entry that exists is whole.

import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { say } from "./say.mjs";

export const cacheFolder = path.join(
    process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "pulumi-thingsboard");

/** @param {string} name */
export function cached(name) {
    const folder = path.join(cacheFolder, name);
    return fs.existsSync(folder) ? folder : undefined;
}

/**
 * Returns the entry, made by `make(folder)` if it isn't there yet.
 *
 * @param {string} name
 * @param {(folder: string) => Promise<void>} make
 */
export async function cachedOr(name, make) {
    return cached(name) ?? withLock(name, async () => {
        const made = cached(name); // by another process, while this one waited for the lock
        if (made) return made;
        const unfinished = fs.mkdtempSync(path.join(cacheFolder, `.${name}-`));
        try {
            await make(unfinished);
            const entry = path.join(cacheFolder, name);
            fs.chmodSync(unfinished, 0o755);
            fs.renameSync(unfinished, entry);
            return entry;
        } finally {
            fs.rmSync(unfinished, { recursive: true, force: true });
        }
    });
}

const HEARTBEAT = 2000;
const ABANDONED_AFTER = 20_000;

/**
 * Runs `work` while no other process does the same. The lock is a file that its holder touches every two seconds: one
 * left by a process that died grows old and is taken over. Should two ever hold it, they only do the work twice.
 *
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(name, work) {
    fs.mkdirSync(cacheFolder, { recursive: true });
    const lock = path.join(cacheFolder, `.${name}.lock`);
    let told = false;
    while (!take(lock)) {
        if (!told) say(`waiting for another process that makes ${name}`);
        told = true;
        await sleep(500);
    }
    const heartbeat = setInterval(() => touch(lock), HEARTBEAT);
    try {
        return await work();
    } finally {
        clearInterval(heartbeat);
        fs.rmSync(lock, { force: true });
    }
}

/** @param {string} lock */
function take(lock) {
    try {
        fs.closeSync(fs.openSync(lock, "wx"));
        return true;
    } catch (error) {
        if (error.code !== "EEXIST") throw error;
    }
    try {
        if (Date.now() - fs.statSync(lock).mtimeMs > ABANDONED_AFTER) fs.rmSync(lock, { force: true });
    } catch {
        // its holder removed it just now
    }
    return false;
}

/** @param {string} file */
function touch(file) {
    const now = new Date();
    try {
        fs.utimesSync(file, now, now);
    } catch {
        // taken over, because this process was stopped for long
    }
}

/**
 * A short hash of texts and of the contents of files and folders.
 *
 * @param {string[]} texts
 * @param {string[]} paths
 */
export function fingerprint(texts, paths) {
    const hash = createHash("sha256");
    for (const text of texts) hash.update(`${text}\0`);
    for (const file of paths.flatMap(filesIn)) hash.update(`${path.basename(file)}\0`).update(fs.readFileSync(file));
    return hash.digest("hex").slice(0, 12);
}

/** @param {string} file @returns {string[]} */
function filesIn(file) {
    if (!fs.statSync(file).isDirectory()) return [file];
    return fs.readdirSync(file).sort().flatMap((entry) => filesIn(path.join(file, entry)));
}
