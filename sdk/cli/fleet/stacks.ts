// The stacks of a sharded fleet, and what their states say of it.
import type { BatchSummary, DeviceRecord } from "../../reconcilers/fleet/batch";
import type { FleetFlags } from "../fleet";
import { isOfType, plain, stackResources } from "../stack/state";

export const stackNames = ({ stack, shards }: Pick<FleetFlags, "stack" | "shards">): string[] => (shards === undefined ? [stack] : Array.from({ length: shards }, (_, index) => `${stack}-${index}`));

export interface BatchInState {
    readonly fleet: string;
    readonly devices: Readonly<Record<string, DeviceRecord>>;
    /** Readable only where the secrets were asked for. */
    readonly keys?: Readonly<Record<string, string>>;
    readonly failed?: Readonly<Record<string, string>>;
    readonly summary: BatchSummary;
}

/** @returns undefined for a stack that is not there */
export async function batchesOf(cwd: string, stack: string, secrets: "shown" | "hidden"): Promise<BatchInState[] | undefined> {
    const batches = (await stackResources(cwd, stack, secrets))?.filter(resource => isOfType(resource, "FleetBatch") && resource.outputs?.["devices"] !== undefined);
    return batches?.map(({ outputs }) => {
        const batch = outputs as unknown as BatchInState & { keys: unknown };
        return { ...batch, keys: plain(batch.keys) } as BatchInState;
    });
}
