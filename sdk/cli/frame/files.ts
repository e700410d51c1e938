// Files that a command is given.
import { readFileSync, statSync } from "node:fs";
import { certificates } from "../../mqtt/pem";
import { UserError } from "../../userError";

/** @param what begins the sentence: `the certificate file` @throws UserError */
export function readText(file: string, what: string): string {
    try {
        return readFileSync(file === "-" ? 0 : file, "utf8");
    } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === undefined) throw error;
        const why = { ENOENT: "there is no such file", EACCES: "this user may not read it", EISDIR: "it is a folder" }[code] ?? `it can't be read (${code})`;
        throw new UserError(`${what} ${file}: ${why}`);
    }
}

/** Certificates to trust, as text. @throws UserError */
export function caFile(file: string): string {
    const text = readText(file, "--cafile");
    certificates(text, `--cafile ${file}`);
    return text;
}

/** Others than its owner may read the file; never so on Windows, whose files have no such bits. */
export function othersMayRead(file: string): boolean {
    return process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0;
}
