// The line for a shell that a bundle gives out: whatever host, topic and folder are called, it runs one command.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import fc from "fast-check";
import { beforeAll, afterAll, expect, test } from "vitest";
import { instructions } from "../../../sdk/reconcilers/bundleContent";

let base: string;
beforeAll(() => void (base = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-shell-"))));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** The arguments with which a real shell calls `mosquitto_pub`. */
const argumentsOf = (shell: string, line: string): string[] =>
    execFileSync(shell, ["-c", `mosquitto_pub() { printf '%s\\0' "$@"; }\n${line}`], { cwd: base, encoding: "utf8", env: { PATH: process.env["PATH"] ?? "", HOME: base } }).split("\0").slice(0, -1);

const files = { "key.pem": "", "cert.pem": "", "tb-server-chain.pem": "" };

const hostile = [
    "$(touch pwned)", "`touch pwned`", "; touch pwned;", "| touch pwned", "&& touch pwned", "> pwned", "' ; touch pwned ; '", '"; touch pwned; "', "\\'; touch pwned; \\'", "\n touch pwned \n", "\r\ntouch pwned", "-h evil.example", "--cafile",
    "~", "~root", "*", "?", "[a-z]", "{a,b}", "$HOME", "$" + "{IFS}touch$" + "{IFS}pwned", "!!", "#", "a b", "\t", "'", "''", "\\", "%s", "ünï/čøđė", "../../x",
];
const any = fc.oneof(fc.constantFrom(...hostile), fc.array(fc.constantFrom(...hostile), { maxLength: 4 }).map(parts => parts.join("")), fc.string({ unit: "grapheme", maxLength: 30 })).filter(text => text !== "" && !text.includes("\0"));

test.each(["sh", "bash"])("%s reads it back as it was meant", { timeout: 60_000 }, shell => {
    fc.assert(
        fc.property(any, any, any, (host, topic, folder) => {
            const { mosquittoPub } = instructions(files, { host, port: 8883, serverChainPem: "x" }, folder, topic);
            const at = (name: string) => path.posix.join(folder, name);
            expect(argumentsOf(shell, mosquittoPub)).toEqual([
                ...["--cafile", at("tb-server-chain.pem"), "-q", "1", "-h", host, "-p", "8883", "-t", topic],
                ...["--key", at("key.pem"), "--cert", at("cert.pem"), "-m", '{"temperature":25}'],
            ]);
        }),
        { numRuns: 100 },
    );
    expect(existsSync(path.join(base, "pwned"))).toBe(false);
});
