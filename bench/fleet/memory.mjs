// Peak resident memory of each process below one that was started here.

import { readFileSync, readdirSync } from "node:fs";

/** @returns {() => Record<string, number>} ends the watch and answers with megabytes by kind of process */
export function watchMemory(pid) {
    /** @type {Record<string, number>} */
    const peaks = {};
    const timer = setInterval(() => {
        for (const { kind, bytes } of family(pid)) peaks[kind] = Math.max(peaks[kind] ?? 0, Math.round(bytes / 2 ** 20));
    }, 200);
    return () => {
        clearInterval(timer);
        return peaks;
    };
}

function family(root) {
    /** @type {Map<number, { parent: number, kind: string, bytes: number }>} */
    const all = new Map();
    for (const name of readdirSync("/proc")) {
        if (!/^\d+$/.test(name)) continue;
        const found = look(Number(name));
        if (found) all.set(Number(name), found);
    }
    const belongs = pid => pid === root || (all.has(pid) && belongs(all.get(pid)?.parent));
    return [...all].filter(([pid]) => belongs(pid)).map(([, process]) => process);
}

function look(pid) {
    try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        return { parent: Number(/PPid:\s+(\d+)/.exec(status)?.[1]), bytes: Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024, kind: kindOf(command) };
    } catch {
        return undefined; // it has ended meanwhile
    }
}

const kindOf = command =>
    command.includes("dynamic-provider") ? "plugin"
    : command.includes("cmd/run") ? "program"
    : command.includes("language-host") || command.includes("pulumi-language") ? "language host"
    : command.includes("cli/main.js") ? "driver"
    : command.includes("pulumi-resource-tls") ? "tls plugin"
    : /(^|\/)pulumi /.test(command) ? "engine"
    : "other";
