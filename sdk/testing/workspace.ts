// The stack of a test: the Automation API on a backend in a temporary folder, which holds everything that is written.

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as automation from "@pulumi/pulumi/automation";
import { UserError } from "../userError";

/** A function that declares resources and returns outputs, or the folder of a project with a `Pulumi.yaml`. */
export type Program = (() => unknown) | { readonly workDir: string };

/** Values of stack config; keys without a namespace are the project's. */
export type Config = Readonly<Record<string, string | { readonly secret: string }>>;

/** What is done to a resource, as Pulumi's summary counts it. */
export type Operation = automation.OpType;

/** What became of a deployment. */
export interface Deployment {
    /** Outputs of the program; secrets in plain text. Empty after a preview. */
    readonly outputs: Readonly<Record<string, unknown>>;
    /** How often each operation was done, or would be: `{ create: 4, same: 1 }`. */
    readonly changes: Readonly<Partial<Record<Operation, number>>>;
    /** What the terminal would have shown. */
    readonly text: string;
}

/** A deployment that failed. The message is what the terminal would have shown. */
export class DeploymentError extends Error {
    override readonly name = "DeploymentError";
}

type Stack = automation.Stack;
interface Current {
    readonly stack: Stack;
    /** Undefined for a project's folder. */
    readonly inline: automation.PulumiFn | undefined;
}

const projectName = "test";
const stackName = "test";

/** @throws UserError if there is no `pulumi` on PATH, or one that is too old */
export async function workspace(environment: Readonly<Record<string, string>>) {
    const pulumiCommand = await findPulumi();
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
    const envVars = { ...withoutForeign(process.env), PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_CONFIG_PASSPHRASE: randomBytes(16).toString("hex"), PULUMI_CONFIG_PASSPHRASE_FILE: "", ...environment };
    const stacks = new Map<string, Promise<Stack>>();
    let current: Current | undefined;

    return {
        async up(program?: Program, config?: Config): Promise<Deployment> {
            const { stack, inline } = await deploying(program, config);
            return run(output => stack.up({ ...output, ...(inline ? { program: inline } : {}) }));
        },
        async preview(program?: Program, config?: Config): Promise<Deployment> {
            return previewed(await deploying(program, config), {});
        },
        async refresh(): Promise<Deployment> {
            const { stack } = await deploying();
            return run(output => stack.refresh(output));
        },
        async expectNoChanges(): Promise<void> {
            await previewed(await deploying(), { refresh: true, expectNoChanges: true });
        },
        async destroy(): Promise<Deployment> {
            const { stack } = await deploying();
            return run(output => stack.destroy(output));
        },
        remove: () => rmSync(folder, { recursive: true, force: true }),
    };

    async function deploying(program?: Program, config: Config = {}): Promise<Current> {
        if (program !== undefined) current = await stackOf(program);
        if (current === undefined) throw new UserError("there is no program yet: give one to up or preview");
        const values = Object.entries(config).map(([key, value]) => [key, typeof value === "string" ? { value } : { value: value.secret, secret: true }] as const);
        if (values.length > 0) await current.stack.setAllConfig(Object.fromEntries(values));
        return current;
    }

    async function stackOf(program: Program): Promise<Current> {
        const workDir = typeof program === "function" ? undefined : path.resolve(program.workDir);
        const key = workDir ?? "";
        const stack = stacks.get(key) ?? newStack(workDir);
        stacks.set(key, stack);
        return { stack: await stack, inline: typeof program === "function" ? async () => (await program()) as Awaited<ReturnType<automation.PulumiFn>> : undefined };
    }

    /**
     * The settings are written to a folder of the test's own, whose `main` is the program's: nothing in a project's folder
     * changes, and no other stack's settings are touched.
     */
    async function newStack(workDir: string | undefined): Promise<Stack> {
        const settings = workDir === undefined ? { name: projectName, runtime: "nodejs" } : await settingsOf(workDir);
        const own = mkdtempSync(path.join(folder, "project-"));
        const main = path.resolve(workDir ?? process.cwd(), ("main" in settings && settings.main) || ".");
        const made = await automation.LocalWorkspace.create({ workDir: own, envVars, pulumiCommand, projectSettings: { ...settings, main } });
        return automation.Stack.createOrSelect(stackName, made);
    }

    async function settingsOf(workDir: string): Promise<automation.ProjectSettings> {
        try {
            return await (await automation.LocalWorkspace.create({ workDir, envVars, pulumiCommand })).projectSettings();
        } catch (cause) {
            throw new UserError(`${workDir} is no folder of a Pulumi project: expected a Pulumi.yaml there`, { cause });
        }
    }
}

async function previewed({ stack, inline }: Current, options: automation.PreviewOptions): Promise<Deployment> {
    return run(async output => {
        const { changeSummary } = await stack.preview({ diff: true, ...output, ...options, ...(inline ? { program: inline } : {}) });
        return { summary: { resourceChanges: changeSummary } };
    });
}

interface Shown {
    readonly color: "never";
    onOutput(chunk: string): void;
    onError(chunk: string): void;
}

interface Done {
    readonly outputs?: automation.OutputMap;
    readonly summary: { readonly resourceChanges?: Partial<Record<Operation, number>> };
}

async function run(start: (shown: Shown) => Promise<Done>): Promise<Deployment> {
    let text = "";
    const take = (chunk: string) => void (text += chunk);
    try {
        const { outputs = {}, summary } = await start({ color: "never", onOutput: take, onError: take });
        return { outputs: Object.fromEntries(Object.entries(outputs).map(([key, { value }]) => [key, value as unknown])), changes: summary.resourceChanges ?? {}, text };
    } catch (error) {
        if (error instanceof automation.CommandError) throw new DeploymentError(text === "" ? error.message : text);
        throw error;
    }
}

async function findPulumi(): Promise<automation.PulumiCommand> {
    try {
        return await automation.PulumiCommand.get();
    } catch (cause) {
        // Its own words tell of a version that is too old; that there is none it reports as a crash of the command.
        if (cause instanceof automation.CommandError) {
            throw new UserError("pulumi-thingsboard/testing runs programs with the pulumi command, and there is none on PATH: install Pulumi (https://www.pulumi.com/docs/install), and open a new terminal", { cause });
        }
        throw new UserError(`pulumi-thingsboard/testing can't use the pulumi command on PATH: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
}

/** Whatever names a ThingsBoard outside of the test, production perhaps, is not for the program in it. */
function withoutForeign(env: NodeJS.ProcessEnv): Record<string, string> {
    return Object.fromEntries(Object.keys(env).filter(name => name.startsWith("THINGSBOARD_") && name !== "THINGSBOARD_CLOCK_OFFSET_DAYS").map(name => [name, ""]));
}
