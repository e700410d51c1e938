// How many devices of a batch one `up` may renew, where the fleet bounds it.

import { createHash } from "node:crypto";
import { millisecondsPerDay } from "../../clock";
import type { FleetBatchInputs } from "./batch";

/**
 * Batches know nothing of each other, and preview has to say which devices `up` will renew: so the bound is divided among
 * them beforehand. What is left over goes to some of them by lot, to others each day, so that a bound below their number
 * reaches all.
 */
export function renewalShare({ batch, batches, settings }: Pick<FleetBatchInputs, "batch" | "batches" | "settings">, today: Date): number {
    const { maxRenewalsPerUp } = settings;
    if (maxRenewalsPerUp === undefined) return Infinity;
    const place = (batch - firstOf(today, batches) + batches) % batches;
    return Math.floor(maxRenewalsPerUp / batches) + (place < maxRenewalsPerUp % batches ? 1 : 0);
}

/** By lot and not in turn: a turn would pass some batches by for ever where somebody deploys every second day, or weekly. */
function firstOf(today: Date, batches: number): number {
    const day = Math.floor(today.getTime() / millisecondsPerDay);
    return createHash("sha256").update(`day ${day}`).digest().readUInt32BE(0) % batches;
}
