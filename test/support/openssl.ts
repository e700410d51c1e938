// Certificates made by somebody else than the package.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";

export const openssl = (args: readonly string[], input?: string): string =>
    execFileSync("openssl", [...args], { stdio: "pipe", encoding: "utf8", ...(input === undefined ? {} : { input }) });

const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A self-signed EC certificate, valid from now on. */
export function selfSigned(commonName: string, days = 30): string {
    return openssl(["req", "-x509", ...ec, "-days", String(days), "-keyout", "/dev/null", "-subj", `/CN=${commonName}`]);
}

export interface Pair {
    readonly certificatePem: string;
    readonly privateKeyPem: string;
}

export function keyAndCertificate(kind: "EC" | "RSA", commonName: string): Pair {
    return withFolder(folder => {
        const key = path.join(folder, "key.pem");
        const certificatePem = openssl(["req", "-x509", ...(kind === "EC" ? ec : ["-newkey", "rsa:2048", "-nodes"]), "-days", "30", "-keyout", key, "-subj", `/CN=${commonName}`]);
        return { certificatePem, privateKeyPem: readFileSync(key, "utf8") };
    });
}

/** A root that may sign others. */
export function rootAuthority(commonName: string, days = 30): Pair {
    return withFolder(folder => {
        const key = path.join(folder, "key.pem");
        const certificatePem = openssl(["req", "-x509", ...ec, "-days", String(days), "-keyout", key, "-subj", `/CN=${commonName}`, "-addext", "keyUsage=critical,keyCertSign"]);
        return { certificatePem, privateKeyPem: readFileSync(key, "utf8") };
    });
}

/** The same root for the same key, issued anew. */
export function renewedRoot({ privateKeyPem }: Pair, commonName: string): string {
    return withFolder(folder => {
        const key = path.join(folder, "key.pem");
        writeFileSync(key, privateKeyPem, { mode: 0o600 });
        return openssl(["req", "-x509", "-new", "-key", key, "-days", "60", "-subj", `/CN=${commonName}`, "-addext", "keyUsage=critical,keyCertSign"]);
    });
}

export interface Request {
    readonly csrPem: string;
    readonly privateKeyPem: string;
}

/** What a device that keeps its key sends. */
export function certificateRequest(subject: string, ...more: string[]): Request {
    return withFolder(folder => {
        const key = path.join(folder, "key.pem");
        const csrPem = openssl(["req", "-new", ...ec, "-keyout", key, "-subj", subject, ...more]);
        return { csrPem, privateKeyPem: readFileSync(key, "utf8") };
    });
}

function withFolder<Result>(use: (folder: string) => Result): Result {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-openssl-"));
    try {
        return use(folder);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}
