// Where the emulator keeps files: a folder that was named, or a private one that goes away with it.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { privateFolder, writePrivate } from "../privateFile";
import { UserError } from "../userError";
import { createAuthority, createServerCertificate, type Pki } from "./pki";

export interface Folder {
    readonly path: string;
    readonly isKept: boolean;
    release(): void;
}

const LOCK = "emulator.pid";

export function openFolder(dir: string | undefined): Folder {
    if (dir === undefined) {
        const path = mkdtempSync(join(tmpdir(), "thingsboard-emulator-"));
        return { path, isKept: false, release: () => rmSync(path, { recursive: true, force: true }) };
    }
    const path = resolve(dir);
    privateFolder(path, "choose another folder with --dir");
    const lock = join(path, LOCK);
    const holder = existsSync(lock) ? Number(readFileSync(lock, "utf8")) : 0;
    if (holder > 0 && isRunning(holder)) {
        throw new UserError(`The folder ${path} is in use by another emulator (process ${holder}). Stop it, or choose another folder with --dir.`);
    }
    writeFileSync(lock, String(process.pid), { mode: 0o600 });
    return { path, isKept: true, release: () => rmSync(lock, { force: true }) };
}

function isRunning(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        return (error as NodeJS.ErrnoException).code === "EPERM";
    }
}

export interface Keys {
    readonly jwtKey: Buffer;
    readonly pki: Pki;
}

/** In a folder that is kept, tokens and certificates stay valid over a restart. */
export async function loadKeys(folder: Folder): Promise<Keys> {
    const file = join(folder.path, "keys.json");
    if (folder.isKept && existsSync(file)) {
        const { jwtKey, pki } = JSON.parse(readFileSync(file, "utf8")) as { jwtKey: string; pki: Pki };
        return { jwtKey: Buffer.from(jwtKey, "hex"), pki };
    }
    const authority = await createAuthority();
    const keys = { jwtKey: randomBytes(64), pki: { authority, server: await createServerCertificate(authority) } };
    await saveKeys(folder, keys);
    return keys;
}

export async function saveKeys(folder: Folder, { jwtKey, pki }: Keys): Promise<void> {
    if (folder.isKept) await writePrivate(join(folder.path, "keys.json"), JSON.stringify({ jwtKey: jwtKey.toString("hex"), pki }));
}
