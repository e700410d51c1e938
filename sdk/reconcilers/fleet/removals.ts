// How many devices a program takes out of a fleet, over all of its batches.

import type { DeviceName, FleetSize } from "./batch";

/** The engine checks all batches of a program in one process, one after the other, perhaps more than once. */
const seen = new Map<string, Map<number, readonly DeviceName[]>>();

/** @returns the devices of the batches that were looked at so far */
export function countRemovals(fleet: string, batch: number, gone: readonly DeviceName[]): readonly DeviceName[] {
    const batches = seen.get(fleet) ?? new Map<number, readonly DeviceName[]>();
    seen.set(fleet, batches.set(batch, gone));
    return [...batches.values()].flat();
}

const always = 20;
const share = 0.1;

/** A list that arrived cut off costs nothing: without a word of the user, few devices go at once. */
export function removalLimit({ maxRemovals, fleetSize }: FleetSize, removed: number): number {
    return maxRemovals ?? Math.max(always, Math.floor(((fleetSize ?? 0) + removed) * share));
}
