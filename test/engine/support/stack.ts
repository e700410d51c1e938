// A stack of the real engine with a program of the test's, on a backend and in a folder of its own.

import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as automation from "@pulumi/pulumi/automation/index.js";
import { expect, onTestFinished } from "vitest";
import { own } from "./live";

/** The built package, loaded as a program loads it. */
export const tb = createRequire(import.meta.url)("pulumi-thingsboard") as typeof import("pulumi-thingsboard");

export type Program = () => Promise<Record<string, unknown> | void>;

/** What a ThingsBoard looks like from here: the emulator, or a live server. */
export interface Target {
    readonly environment: Readonly<Record<string, string>>;
}

export interface Outcome {
    /** How often each operation was done or planned: `{ create: 4, same: 1 }`. */
    readonly changes: Readonly<Record<string, number>>;
    /** What the terminal would have shown. */
    readonly output: string;
    readonly outputs: Readonly<Record<string, unknown>>;
}

export interface TestStack {
    program: Program;
    readonly folder: string;
    readonly environment: Record<string, string>;
    /** For the plugins of the runs that follow. */
    setEnvironment(name: string, value: string): void;
    up(options?: Partial<automation.UpOptions>): Promise<Outcome>;
    preview(options?: Partial<automation.PreviewOptions>): Promise<Outcome>;
    refresh(options?: Partial<automation.RefreshOptions>): Promise<Outcome>;
    destroy(options?: Partial<automation.DestroyOptions>): Promise<Outcome>;
    setConfig(key: string, value: automation.ConfigValue): Promise<void>;
    /** Everything that the backend holds, as text: checkpoint, history and backups. */
    rawState(): string;
    /** Resources of the checkpoint, without the stack and the providers. */
    resources(): Promise<StateResource[]>;
}

export interface StateResource {
    readonly urn: string;
    readonly type: string;
    readonly id?: string;
    readonly inputs: Readonly<Record<string, unknown>>;
    readonly outputs: Readonly<Record<string, unknown>>;
    readonly initErrors?: readonly string[];
}

export async function testStack(target: Target, program: Program, name = own(randomBytes(3).toString("hex"))): Promise<TestStack> {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
    const environment = {
        ...target.environment,
        PULUMI_BACKEND_URL: `file://${folder}`,
        PULUMI_CONFIG_PASSPHRASE: "a passphrase for tests",
        PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    const stack = await automation.LocalWorkspace.createOrSelectStack(
        { projectName: "fleet", stackName: name, program },
        { workDir: folder, envVars: environment, projectSettings: { name: "fleet", runtime: "nodejs", main: process.cwd() } },
    );
    onTestFinished(async () => {
        await stack.destroy().catch(() => undefined);
        rmSync(folder, { recursive: true, force: true });
    });
    const inline = (wanted: Program) => async () => (await wanted()) ?? {};
    const made: TestStack = {
        program,
        folder,
        environment,
        setEnvironment(name, value) {
            stack.workspace.envVars = { ...stack.workspace.envVars, [name]: value };
        },
        async up(options) {
            return run(output => stack.up({ program: inline(made.program), onOutput: output, onError: output, color: "never", ...options }));
        },
        async preview(options) {
            let text = "";
            const result = await shown(
                stack.preview({ program: inline(made.program), diff: true, onOutput: chunk => (text += chunk), onError: chunk => (text += chunk), color: "never", ...options }),
                () => text,
            );
            return { changes: result.changeSummary, output: text, outputs: {} };
        },
        async refresh(options) {
            return run(output => stack.refresh({ onOutput: output, onError: output, color: "never", ...options }));
        },
        async destroy(options) {
            return run(output => stack.destroy({ onOutput: output, onError: output, color: "never", ...options }));
        },
        setConfig: (key, value) => stack.setConfig(key, value),
        rawState() {
            return filesBelow(folder).map(file => readFileSync(file, "latin1")).join("\n");
        },
        async resources() {
            const { deployment } = await stack.exportStack();
            const resources = (deployment as { resources?: StateResource[] }).resources ?? [];
            return resources.filter(({ type }) => !type.startsWith("pulumi:"));
        },
    };
    return made;
}

async function run(start: (onOutput: (chunk: string) => void) => Promise<automation.UpResult | automation.RefreshResult | automation.DestroyResult>): Promise<Outcome> {
    let text = "";
    const result = await shown(start(chunk => (text += chunk)), () => text);
    const outputs = "outputs" in result ? result.outputs : {};
    return {
        changes: result.summary.resourceChanges ?? {},
        output: text,
        outputs: Object.fromEntries(Object.entries(outputs).map(([key, { value }]) => [key, value as unknown])),
    };
}

/** A failure carries what was shown, in place of the command's whole transcript. */
async function shown<Result>(promise: Promise<Result>, text: () => string): Promise<Result> {
    try {
        return await promise;
    } catch (error) {
        if (error instanceof automation.CommandError) throw new StackFailure(text() === "" ? error.message : text());
        throw error;
    }
}

export class StackFailure extends Error {}

/** Expects the deployment to fail and returns what it showed. */
export async function failure(promise: Promise<unknown>): Promise<string> {
    try {
        await promise;
    } catch (error) {
        if (error instanceof StackFailure) return error.message;
        throw error;
    }
    throw new Error("expected the deployment to fail");
}

/** Our code has no business in what a user reads. (The SDK shows a stack of its own where a deployment goes on after errors.) */
export function expectNoStackOfOurs(text: string): void {
    expect(text).not.toMatch(/^\s+at .*(pulumi-thingsboard|\/(bin|sdk)\/)(?!.*node_modules\/@pulumi)/m);
}

function filesBelow(folder: string): string[] {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
        .filter(entry => entry.isFile())
        .map(entry => path.join(entry.parentPath, entry.name));
}
