// The surroundings of a program: which Node.js runs it, and `pulumi install`.

import { spawn } from "node:child_process";
import process from "node:process";

/** @param {string} sdkVersion */
export function about(sdkVersion) {
    return {
        executable: process.execPath,
        version: process.version,
        metadata: { sdk: sdkVersion, "language host": "built from source, not the official one" },
    };
}

/**
 * @param {string} directory
 * @param {{ packagemanager?: string }} options `runtime.options` of Pulumi.yaml
 * @param {(chunk: Buffer) => void} onOutput
 * @param {(chunk: Buffer) => void} onErrorOutput
 * @returns {Promise<void>}
 */
export function installDependencies(directory, options, onOutput, onErrorOutput) {
    const command = options.packagemanager ?? "npm";
    return new Promise((resolve, reject) => {
        const child = spawn(command, ["install"], { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
        child.stdout.on("data", onOutput);
        child.stderr.on("data", onErrorOutput);
        child.once("error", (error) => reject(new Error(`Could not start \`${command} install\`: ${error.message}`)));
        child.once("close", (code) =>
            code === 0 ? resolve() : reject(new Error(`\`${command} install\` failed with exit code ${code}`)));
    });
}
