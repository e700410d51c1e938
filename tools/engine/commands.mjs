// Running other programs.

import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { EngineError } from "./say.mjs";

/** All executables of that name on PATH, first one first. @param {string} name */
export function onPath(name, PATH = process.env.PATH ?? "") {
    return PATH.split(path.delimiter).filter(Boolean).map((folder) => path.join(folder, name)).filter((file) => {
        try {
            fs.accessSync(file, fs.constants.X_OK);
            return fs.statSync(file).isFile();
        } catch {
            return false;
        }
    });
}

/** The trimmed output of a short command, or undefined if it fails. @param {string} file @param {string[]} args */
export function outputOf(file, args, environment = {}) {
    const { status, stdout } = spawnSync(file, args, {
        encoding: "utf8", env: { ...process.env, ...environment }, timeout: 20_000, stdio: ["ignore", "pipe", "ignore"],
    });
    return status === 0 ? stdout.trim() : undefined;
}

/**
 * Runs a long command; its output is shown only if it fails. `onLine` sees each line.
 *
 * @param {string} file
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, onLine?: (line: string) => void, timeout?: number }} [options]
 */
export async function runQuietly(file, args, options = {}) {
    /** @type {string[]} */
    const lines = [];
    const child = spawn(file, args, {
        cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: ["ignore", "pipe", "pipe"], detached: true,
    });
    const stop = (signal = "SIGTERM") => {
        try {
            if (child.pid) process.kill(-child.pid, signal); // the command and what it started
        } catch {
            // gone already
        }
    };
    const interrupted = (signal) => {
        stop(signal);
        process.exit(130);
    };
    process.on("SIGINT", interrupted).on("SIGTERM", interrupted);
    const timer = options.timeout && setTimeout(stop, options.timeout);
    for (const stream of [child.stdout, child.stderr]) {
        let rest = "";
        stream.setEncoding("utf8").on("data", (chunk) => {
            const parts = (rest + chunk).split("\n");
            rest = parts.pop() ?? "";
            for (const line of parts) {
                lines.push(line);
                options.onLine?.(line);
            }
        });
    }
    try {
        const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
        if (code !== 0) throw new Error(`exit code ${code}`);
    } catch (error) {
        throw new EngineError(`\`${path.basename(file)} ${args.join(" ")}\` failed (${error.message}):\n${lines.slice(-25).join("\n")}`);
    } finally {
        clearTimeout(timer);
        process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    }
}
