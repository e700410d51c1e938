// Runs one operation in all shards, some at a time, with one display and one sum at the end.
import { join } from "node:path";
import type { LocalWorkspace, Stack } from "@pulumi/pulumi/automation";
import { createPool } from "../../mqtt/pool";
import { printable } from "../../printable";
import { privateFolder, writePrivate } from "../../privateFile";
import { UserError } from "../../userError";
import type { FleetFlags } from "../fleet";
import { printJson, progressOn } from "../frame/terminal";
import { type Display, createDisplay } from "./display";
import { stackConfig } from "../stack/config";
import { type SharedConfig, copyConfig, provenLogIn, shardConfig } from "./config";
import { stackNames } from "./stacks";

export type Operation = "up" | "preview" | "refresh" | "destroy";

/** Beside Pulumi.yaml: what each shard said in full. */
const logFolder = ".pulumi-thingsboard";

/** A stack may be named in full: `acme/fleet/prod-3`. */
const logFile = (stack: string, operation: Operation): string => `${stack.replaceAll("/", "-")}-${operation}.log`;

export async function runShards(operation: Operation, flags: FleetFlags & { shards: number }): Promise<void> {
    // The Automation API takes a second to load, and the other commands don't need it.
    const { LocalWorkspace: workspace } = await import("@pulumi/pulumi/automation/index.js");
    const shared = await stackConfig(flags.cwd, flags.stack);
    const selecting = createPool(4);
    const selected = (name: string, index: number) => selecting.run(async () => ({ name, index, stack: await select(workspace, flags, name, index, operation) }));
    // The first by itself: where it is a shard of another number, no stack is to be made.
    const [first, ...others] = stackNames(flags);
    const stacks = [await selected(first!, 0), ...(await Promise.all(others.map((name, i) => selected(name, i + 1))))];
    // A refused log-in is asked once, not once a shard: servers lock users out.
    await provenLogIn(shared);

    const logs = join(flags.cwd, logFolder);
    privateFolder(logs, "move it away");
    const progress = progressOn(process.stderr, line => (flags.json ? console.error(line) : console.log(line)));
    const display = createDisplay(operation, stacks.length, progress);
    const pool = createPool(Math.min(flags.parallel, stacks.length));
    await Promise.all(stacks.map(({ name, stack, index }) => pool.run(() => runShard(operation, flags, shared, display, join(logs, logFile(name, operation)), name, stack, index))));
    const outcomes = display.end();
    progress.done();
    const failed = outcomes.filter(({ ok }) => !ok).length;
    if (flags.json) {
        printJson({ operation, ok: failed === 0, shards: outcomes });
        if (failed > 0) process.exitCode = 1;
    } else if (failed > 0) throw new UserError(`${failed} of ${stacks.length} shards failed; the others are done. Their logs are in ${logs}. Run the same command again to go on: what is done already takes seconds.`);
}

async function runShard(operation: Operation, flags: FleetFlags & { shards: number }, shared: SharedConfig, display: Display, log: string, name: string, stack: Stack, index: number): Promise<void> {
    let text = "";
    const onOutput = (chunk: string) => {
        text += chunk;
        display.heard(name, chunk);
    };
    display.began(name);
    const began = performance.now();
    try {
        if (Object.keys(shared).length > 0) await copyConfig(flags.cwd, flags.stack, name);
        await stack.setAllConfig(shardConfig(shared, index, flags.shards, flags.parallel));
        const options = { onOutput, onError: onOutput, color: "never" } as const;
        const result = await { up: () => stack.up(options), preview: () => stack.preview(options), refresh: () => stack.refresh(options), destroy: () => stack.destroy(options) }[operation]();
        const changes = "changeSummary" in result ? result.changeSummary : result.summary.resourceChanges;
        display.done(name, (performance.now() - began) / 1000, changes ?? {});
    } catch (error) {
        if (!(error instanceof Error)) throw error;
        if (text === "") text = error.message;
        display.failed(name, printable(firstError(text)), log);
    } finally {
        await writePrivate(log, text);
    }
}

async function select(workspace: typeof LocalWorkspace, flags: FleetFlags & { shards: number }, stackName: string, index: number, operation: Operation): Promise<Stack> {
    const args = { stackName, workDir: flags.cwd };
    try {
        const stack = operation === "refresh" || operation === "destroy" ? await workspace.selectStack(args) : await workspace.createOrSelectStack(args);
        const before = (await stack.getAllConfig())["thingsboard:shard"]?.value;
        const wanted = `${index}/${flags.shards}`;
        if (before !== undefined && before !== wanted) {
            throw new UserError(
                `The stack ${stackName} is shard ${before}, not ${wanted}: the number of shards decides which stack holds which device, and another one would revoke devices in one stack and make them anew in another. ` +
                    `Run it with --shards ${before.split("/")[1] ?? "as before"}; for a fleet that has outgrown its shards, declare what doesn't fit as a second DeviceFleet in stacks of its own.`,
            );
        }
        return stack;
    } catch (error) {
        if (error instanceof UserError || !(error instanceof Error)) throw error;
        const reason = /error: (.*)/.exec(error.message)?.[1] ?? error.message;
        throw new UserError(`The stack ${stackName} can't be used: ${reason}`);
    }
}

/** What Pulumi prints under "Diagnostics", shortened to the first reason that tells something. */
function firstError(text: string): string {
    const lines = text.split("\n").map(line => line.trim());
    const telling = lines.find(line => line.startsWith("* ")) ?? lines.find(line => line.startsWith("error: ") && !/update failed|preview failed/.test(line));
    return (telling ?? lines.filter(line => line !== "").at(-1) ?? "no reason given").replace(/^(\* |error: )/, "").slice(0, 500);
}
