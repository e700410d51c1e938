// The built command as a child process, told of an emulator by its environment alone.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { onTestFinished } from "vitest";
import type { Emulator } from "../../sdk/emulator";
import type { Certificate } from "../emulator/support";

export const main = path.join(import.meta.dirname, "../../bin/cli/main.js");

export interface Ran {
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
}

export type Environment = Readonly<Record<string, string>>;

/** Nothing of this process's own settings comes along. */
const bare: Environment = Object.fromEntries(["PATH", "HOME", "TMPDIR"].flatMap(name => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));

export const environmentOf = (emulator: Emulator): Environment => ({
    THINGSBOARD_URL: emulator.restUrl,
    THINGSBOARD_API_KEY: emulator.apiKey,
    THINGSBOARD_MQTT_HOST: "localhost",
    THINGSBOARD_MQTT_PORT: String(emulator.mqttsPort),
    THINGSBOARD_MQTT_CA_PEM: emulator.caPem,
});

export async function command(environment: Environment, args: readonly string[], options: { readonly cwd?: string; readonly input?: string } = {}): Promise<Ran> {
    const child = spawn(process.execPath, [main, ...args], { env: { ...bare, ...environment }, cwd: options.cwd ?? tmpdir() });
    return ended(child, options.input);
}

/** On a terminal of its own, where what is typed and what is shown are one stream. */
export async function onTerminal(environment: Environment, args: readonly string[], typed?: { readonly after: string; readonly text: string }): Promise<Ran> {
    const line = [process.execPath, main, ...args].map(word => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    const child = spawn("script", ["--quiet", "--return", "--command", line, "/dev/null"], { env: { ...bare, TERM: "xterm-256color", ...environment }, cwd: tmpdir() });
    let shown = "";
    const type = (chunk: Buffer) => {
        shown += chunk.toString();
        if (!typed || !shown.includes(typed.after)) return;
        child.stdout.off("data", type);
        child.stdin.write(typed.text);
    };
    child.stdout.on("data", type);
    return ended(child, undefined, "open");
}

async function ended(child: ReturnType<typeof spawn>, input: string | undefined, stdin: "close" | "open" = "close"): Promise<Ran> {
    const said = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) child[stream]!.on("data", (chunk: Buffer) => (said[stream] += chunk.toString()));
    child.stdin!.on("error", () => undefined);
    if (input !== undefined && input !== "") child.stdin!.write(input);
    if (stdin === "close") child.stdin!.end();
    const [code] = (await once(child, "close")) as [number];
    child.stdin!.destroy();
    return { code, ...said };
}

/** The one line of JSON. */
export const json = <Result>({ stdout }: Ran): Result => JSON.parse(stdout) as Result;

export interface Folder {
    readonly path: string;
    write(name: string, text: string, mode?: number): string;
}

export function folder(): Folder {
    const made = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-cli-"));
    onTestFinished(() => rmSync(made, { recursive: true, force: true }));
    return folderAt(made);
}

/** One that is there, and that whoever made it removes. */
export const folderAt = (there: string): Folder => ({
    path: there,
    write(name, text, mode = 0o600) {
        const file = path.join(there, name);
        writeFileSync(file, text, { mode });
        return file;
    },
});

/** `--cert … --key …` */
export function pairOf(certificate: Certificate, at: Folder = folder()): string[] {
    return ["--cert", at.write("cert.pem", certificate.pem), "--key", at.write("key.pem", certificate.key)];
}
