// Which batch, and which shard, a device belongs to: decided by its name alone, so that growth moves no device.

import { createHash } from "node:crypto";

/** One of several stacks that share a fleet; the first has index 0. */
export interface Shard {
    /** From 0. */
    readonly index: number;
    /** How many there are: fixed when the fleet is made. */
    readonly count: number;
}

/** @returns 0 to `batches - 1` */
export const batchOf = (name: string, batches: number): number => digest(name).readUInt32BE(0) % batches;

/** From other bits than the batch: the devices of one shard spread over all of its batches. */
export const shardOf = (name: string, count: number): number => digest(name).readUInt32BE(4) % count;

/** Four bytes of each, sorted, as base64: what `FleetMembership` counts by. */
export function membersOf(names: readonly string[]): string {
    const hashes = Uint32Array.from(names, name => digest(name).readUInt32BE(8)).sort();
    const bytes = Buffer.alloc(hashes.length * 4);
    hashes.forEach((hash, i) => bytes.writeUInt32BE(hash, i * 4));
    return bytes.toString("base64");
}

const digest = (name: string): Buffer => createHash("sha256").update(name, "utf8").digest();

/** `3/16`, as it stands in config and state; undefined for other text. */
export function parseShard(text: string): Shard | undefined {
    const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
    if (index === undefined || count === undefined || Number(index) >= Number(count)) return undefined;
    return { index: Number(index), count: Number(count) };
}
