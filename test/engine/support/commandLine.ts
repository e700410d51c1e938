// `pulumi` as a user types it, on a backend of the test's own.

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { own } from "./live";

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
    /** Creates the stack. */
    create(): Promise<string>;
}

/** The stack has a name of its own, so that the settings file beside Pulumi.yaml is nobody else's; `remove` takes it away. */
export function commandLine(project: string, environment: Readonly<Record<string, string>>, stack = own(randomBytes(4).toString("hex"))): CommandLine {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
    const env = { ...process.env, PULUMI_CONFIG_PASSPHRASE: "a passphrase for tests", ...environment, PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_STACK: stack };
    const pulumi = async (...args: string[]) => {
        try {
            return (await run("pulumi", ["--non-interactive", "--color", "never", "--cwd", project, ...args], { env, maxBuffer: 64e6 })).stdout;
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
        remove() {
            rmSync(folder, { recursive: true, force: true });
            rmSync(path.join(project, `Pulumi.${stack}.yaml`), { force: true });
        },
        create: () => pulumi("stack", "init", stack, "--no-select"),
    });
}

/** A project in JavaScript in a folder of its own, with its stack; both are gone when the test has ended. */
export async function scratchProject(name: string, program: string, environment: Readonly<Record<string, string>>): Promise<CommandLine> {
    const folder = mkdtempSync(path.join(tmpdir(), `pulumi-thingsboard-${name}-`));
    writeFileSync(path.join(folder, "Pulumi.yaml"), `name: ${name}\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n`);
    writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name, private: true, main: "index.js" }));
    writeFileSync(path.join(folder, "index.js"), `const tb = require("pulumi-thingsboard");\n${program}`);
    mkdirSync(path.join(folder, "node_modules"));
    for (const dependency of ["@pulumi", "pulumi-thingsboard"]) symlinkSync(path.join(repository, "node_modules", dependency), path.join(folder, "node_modules", dependency));
    const pulumi = commandLine(folder, environment);
    onTestFinished(async () => {
        await pulumi("destroy", "--yes", "--skip-preview").catch(() => undefined);
        pulumi.remove();
        rmSync(folder, { recursive: true, force: true });
    });
    await pulumi.create();
    return pulumi;
}
