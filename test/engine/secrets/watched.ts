// `pulumi` with somebody looking over its shoulder: what it shows, the arguments of its processes, and its temporary files.

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import * as path from "node:path";
import { descendants } from "../support/processes";

export interface Seen {
    readonly code: number | null;
    /** Standard output and error, as they came. */
    readonly output: string;
    readonly commandLines: string;
    readonly temporaryFiles: string;
}

/** Processes and files that live for a shorter time are not seen; but what starts with a secret lives longer. */
const interval = 40;

export async function watched(args: readonly string[], environment: NodeJS.ProcessEnv, temporary: string): Promise<Seen> {
    mkdirSync(temporary, { recursive: true });
    const child = spawn("pulumi", [...args], { env: { ...environment, TMPDIR: temporary }, stdio: ["ignore", "pipe", "pipe"] });
    const output: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
    const commandLines = new Set<string>();
    const files = new Map<string, string>();
    const look = () => {
        for (const { commandLine } of descendants(child.pid!)) commandLines.add(commandLine);
        for (const [name, text] of filesBelow(temporary)) files.set(name, text);
    };
    const timer = setInterval(look, interval);
    try {
        const code = await new Promise<number | null>((resolve, reject) => {
            child.on("error", reject);
            child.on("close", resolve);
        });
        look();
        return { code, output: Buffer.concat(output).toString("utf8"), commandLines: [...commandLines].join("\n"), temporaryFiles: [...files.values()].join("\n") };
    } finally {
        clearInterval(timer);
    }
}

export function filesBelow(folder: string): [name: string, text: string][] {
    return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap(entry => {
        const name = path.join(entry.parentPath, entry.name);
        try {
            return entry.isFile() ? [[name, readFileSync(name, "latin1")] satisfies [string, string]] : [];
        } catch {
            // Gone by now.
            return [];
        }
    });
}
