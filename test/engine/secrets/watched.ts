// `pulumi` with somebody looking over its shoulder: what it shows, the arguments and the environment of its processes, and
// its temporary files.

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import * as path from "node:path";
import { descendants, environmentOf } from "../support/processes";

export interface Seen {
    readonly code: number | null;
    /** Standard output and error, as they came. */
    readonly output: string;
    readonly commandLines: string;
    /** What processes below it were given in their environment, and it was not itself: `NAME=value`, one a line. */
    readonly environments: string;
    readonly temporaryFiles: string;
}

/** Processes and files that live for a shorter time are not seen; but what starts with a secret lives longer. */
const interval = 40;

export async function watched(args: readonly string[], environment: NodeJS.ProcessEnv, temporary: string, command = "pulumi"): Promise<Seen> {
    mkdirSync(temporary, { recursive: true });
    const child = spawn(command, [...args], { env: { ...environment, TMPDIR: temporary }, stdio: ["ignore", "pipe", "pipe"] });
    const output: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
    const commandLines = new Set<string>();
    const environments = new Set<string>();
    const files = new Map<string, string>();
    const look = () => {
        for (const { pid, commandLine } of descendants(child.pid!)) {
            commandLines.add(commandLine);
            for (const [name, value] of environmentOf(pid)) if (value !== environment[name]) environments.add(`${name}=${value}`);
        }
        for (const [name, text] of filesBelow(temporary)) files.set(name, text);
    };
    const timer = setInterval(look, interval);
    try {
        const code = await new Promise<number | null>((resolve, reject) => {
            child.on("error", reject);
            child.on("close", resolve);
        });
        look();
        return { code, output: Buffer.concat(output).toString("utf8"), commandLines: [...commandLines].join("\n"), environments: [...environments].join("\n"), temporaryFiles: [...files.values()].join("\n") };
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
