// A key file, opened with its passphrase where it has one. Neither ever becomes an argument, a file or a line of output.
import { createPrivateKey, type KeyObject } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { UserError } from "../../userError";

const passphraseVariable = "THINGSBOARD_KEY_PASSPHRASE";

/** @returns PEM without a passphrase @throws UserError */
export async function privateKey(text: string, file: string, env: NodeJS.ProcessEnv): Promise<string> {
    if (!/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(text)) return text;
    const passphrase = env[passphraseVariable] ?? (process.stdin.isTTY && file !== "-" ? await ask(`Passphrase of ${file}: `) : undefined);
    if (passphrase === undefined) throw new UserError(`The key ${file} has a passphrase: put it into ${passphraseVariable}, or run the command on a terminal, which asks for it.`);
    let key: KeyObject;
    try {
        key = createPrivateKey({ key: text, passphrase });
    } catch {
        // OpenSSL's own words are left out on purpose.
        throw new UserError(`The key ${file} can't be opened: the passphrase is wrong, or the file is damaged.`);
    }
    return key.export({ format: "pem", type: "pkcs8" }).toString();
}

/** What is typed is not shown. */
async function ask(question: string): Promise<string> {
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    // From here on the terminal echoes nothing: so the question comes after it.
    const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true });
    process.stderr.write(question);
    // Ctrl-C closes it, and leaves the question without an answer.
    const left = new Promise<never>((_resolve, reject) => reader.once("SIGINT", () => reject(new UserError("No passphrase was given."))));
    try {
        return await Promise.race([reader.question(""), left]);
    } finally {
        reader.close();
        process.stderr.write("\n");
    }
}
