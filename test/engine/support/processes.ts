// Processes below one that the test started itself, so that it can kill one of them as an operator or a machine would.

import { readFileSync, readdirSync } from "node:fs";

export interface Process {
    readonly pid: number;
    readonly parent: number;
    /** Clock ticks since the machine started: with the pid it names the process for ever. */
    readonly started: string;
    readonly commandLine: string;
}

export function descendants(of: number): Process[] {
    const all = readdirSync("/proc").filter(name => /^\d+$/.test(name)).map(name => read(Number(name))).filter(found => found !== undefined);
    const below: Process[] = [];
    for (let parents = [of]; parents.length > 0; ) {
        const children = all.filter(({ parent }) => parents.includes(parent));
        below.push(...children);
        parents = children.map(({ pid }) => pid);
    }
    return below;
}

/** The environment that a process was started with; empty once it has ended. */
export function environmentOf(pid: number): readonly (readonly [name: string, value: string])[] {
    try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(text => text !== "").map(text => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)] as const);
    } catch {
        return [];
    }
}

/** Kills it unless its number belongs to another process by now. */
export function kill({ pid, started }: Process): void {
    if (read(pid)?.started !== started) return;
    try {
        process.kill(pid, "SIGKILL");
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
}

export function read(pid: number): Process | undefined {
    try {
        // The command's name, in parentheses, may hold anything.
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
        const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        return { pid, parent: Number(fields[1]), started: fields[19]!, commandLine };
    } catch {
        return undefined;
    }
}
