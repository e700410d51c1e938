// `pulumi` as a user types it, on a backend of the test's own.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";

export const repository = path.resolve(import.meta.dirname, "../../..");

const run = promisify(execFile);

export interface CommandLine {
    /** Standard output; a failure throws with everything that was shown. */
    (...args: string[]): Promise<string>;
    readonly folder: string;
    readonly environment: NodeJS.ProcessEnv;
    outputs<Outputs>(...args: string[]): Promise<Outputs>;
    /** Everything that the backend holds, as text. */
    rawState(): string;
    remove(): void;
}

export function commandLine(project: string, environment: Readonly<Record<string, string>>, stack = "dev"): CommandLine {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
    const env = { ...process.env, ...environment, PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_CONFIG_PASSPHRASE: "a passphrase for tests", PULUMI_STACK: stack };
    const pulumi = async (...args: string[]) => {
        const configFile = args[0] === "login" || args[0] === "stack" && args[1] !== "init" ? [] : ["--config-file", path.join(folder, "stack.yaml")];
        try {
            return (await run("pulumi", [...args, ...configFile, "--non-interactive", "--color", "never", "--cwd", project], { env, maxBuffer: 64e6 })).stdout;
        } catch (error) {
            const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
            throw new Error(`pulumi ${args.join(" ")}:\n${stdout}\n${stderr}`);
        }
    };
    return Object.assign(pulumi, {
        folder,
        environment: env,
        async outputs<Outputs>(...args: string[]) {
            return JSON.parse(await pulumi("stack", "output", "--json", ...args)) as Outputs;
        },
        rawState: () =>
            readdirSync(folder, { recursive: true, withFileTypes: true })
                .filter(entry => entry.isFile())
                .map(entry => readFileSync(path.join(entry.parentPath, entry.name), "latin1"))
                .join("\n"),
        remove: () => rmSync(folder, { recursive: true, force: true }),
    });
}
