// The stacks of a sharded fleet, and what their states say of it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { BatchSummary, DeviceRecord } from "../../reconcilers/fleet/batch";
import type { StateResource } from "../../report/state";
import { UserError } from "../../userError";
import type { FleetFlags } from "../fleet";

export const stackNames = ({ stack, shards }: Pick<FleetFlags, "stack" | "shards">): string[] => (shards === undefined ? [stack] : Array.from({ length: shards }, (_, index) => `${stack}-${index}`));

/** A state may hold a hundred thousand devices. */
const largestState = 2 ** 30;

/** @throws UserError with what Pulumi says */
export async function pulumi(cwd: string, ...args: string[]): Promise<string> {
    try {
        return (await promisify(execFile)("pulumi", ["--non-interactive", "--color", "never", "--cwd", cwd, ...args], { maxBuffer: largestState })).stdout;
    } catch (error) {
        const { code, stderr } = error as { code?: unknown; stderr?: string };
        if (code === "ENOENT") throw new UserError("The command pulumi is not on PATH: install Pulumi first.");
        throw new UserError((stderr ?? "").replace(/^error: /, "").trim() || `pulumi ${args.join(" ")} failed.`);
    }
}

export interface BatchInState {
    readonly fleet: string;
    readonly devices: Readonly<Record<string, DeviceRecord>>;
    /** Readable only where the secrets were asked for. */
    readonly keys?: Readonly<Record<string, string>>;
    readonly failed?: Readonly<Record<string, string>>;
    readonly summary: BatchSummary;
}

/** @returns undefined for a stack that is not there */
export async function resourcesOf(cwd: string, stack: string, secrets: "shown" | "hidden"): Promise<StateResource[] | undefined> {
    let text: string;
    try {
        text = await pulumi(cwd, "stack", "export", "--stack", stack, ...(secrets === "shown" ? ["--show-secrets"] : []));
    } catch (error) {
        if (error instanceof UserError && /no stack named/.test(error.message)) return undefined;
        throw error;
    }
    const { deployment } = JSON.parse(text) as { deployment: { resources?: StateResource[] | null } };
    return deployment.resources ?? [];
}

/** @returns undefined for a stack that is not there */
export async function batchesOf(cwd: string, stack: string, secrets: "shown" | "hidden"): Promise<BatchInState[] | undefined> {
    const resources = await resourcesOf(cwd, stack, secrets);
    const batches = resources?.filter(({ type, outputs }) => type === "pulumi-nodejs:dynamic/thingsboard:FleetBatch" && outputs?.["devices"] !== undefined);
    return batches?.map(({ outputs }) => {
        const batch = outputs as unknown as BatchInState & { keys: unknown };
        return { ...batch, keys: plain(batch.keys) } as BatchInState;
    });
}

/** An exported secret is an object with its JSON text in `plaintext`. */
function plain(secret: unknown): unknown {
    const text = typeof secret === "object" && secret !== null && "plaintext" in secret ? secret.plaintext : undefined;
    return typeof text === "string" ? JSON.parse(text) : undefined;
}
