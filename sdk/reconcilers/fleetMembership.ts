// Which devices a fleet has, before any of its batches is touched: the place to stop a list that arrived cut off.

import { randomUUID } from "node:crypto";
import type { dynamic } from "@pulumi/pulumi";
import { fleetName } from "./fleet/words";
import { type Reconciler, toState } from "./reconciler";

export interface FleetMembershipInputs {
    /** Project, stack and logical name of the fleet, joined by slashes. */
    readonly fleet: string;
    readonly batches: number;
    /** `3/16` */
    readonly shard?: string;
    /** Of each device four bytes of a hash of its name, sorted, all of them as base64: enough to count by. */
    readonly members: string;
    readonly maxRemovals?: number;
    readonly onRemove: "revoke" | "delete" | "keep";
}

export interface FleetMembershipState {
    readonly stateVersion: 1;
    readonly fleet: string;
}

/** All that it does is done in `check`. It never shows as a change, and the engine stores its inputs all the same. */
export function fleetMembership(): Reconciler<FleetMembershipInputs, FleetMembershipState> {
    const outs = ({ fleet }: FleetMembershipInputs) => toState<FleetMembershipState>({ stateVersion: 1, fleet });
    return {
        async check(olds, news) {
            return { inputs: news, failures: membershipFailures(olds, news) };
        },
        async diff() {
            return { changes: false };
        },
        async create(inputs) {
            return { id: randomUUID(), outs: outs(inputs) };
        },
        async read(id, state) {
            return state ? { id, props: state } : {};
        },
        async update(_id, _state, news) {
            return { outs: outs(news) };
        },
        async delete() {
            // The batches have the devices.
        },
    };
}

const always = 20;
const share = 0.1;

function membershipFailures(olds: Partial<FleetMembershipInputs>, news: FleetMembershipInputs): dynamic.CheckFailure[] {
    const failures: dynamic.CheckFailure[] = [];
    const fail = (property: string, reason: string) => failures.push({ property, reason: `${fleetName(news.fleet)}: ${reason}` });
    if (olds.batches === undefined || olds.members === undefined) return failures;
    if (olds.batches !== news.batches) fail("batches", otherBatches(olds.batches, news.batches));
    if (olds.shard !== news.shard) fail("shard", otherShard(olds.shard, news.shard));
    const before = hashes(olds.members);
    const now = new Set(hashes(news.members));
    const removed = before.filter(hash => !now.has(hash)).length;
    const limit = news.maxRemovals ?? Math.max(always, Math.floor(before.length * share));
    if (removed > limit) {
        fail("maxRemovals", `${removed} of its ${before.length} devices are no longer declared, and maxRemovals is ${limit}: if the list of devices is right, set maxRemovals to ${removed}; ${consequence[news.onRemove]}`);
    }
    return failures;
}

const consequence = {
    revoke: "their certificates will be refused from then on",
    delete: "they will be deleted with their telemetry",
    keep: "they will stay on ThingsBoard as they are",
} as const;

function hashes(members: string): number[] {
    const bytes = Buffer.from(members, "base64");
    return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32BE(i * 4));
}

const otherBatches = (before: number, now: number): string =>
    `batches is ${now}, and the fleet was made with ${before}: the number decides which batch holds which device, so it stays as long as the fleet does. ` +
    `Set batches back to ${before} (a batch may hold thousands of devices), and declare what doesn't fit as a second DeviceFleet`;

function otherShard(before: string | undefined, now: string | undefined): string {
    const shown = (shard: string | undefined) => (shard === undefined ? "no shard" : `shard ${shard}`);
    return (
        `this is ${shown(now)}, and the fleet in this stack was made as ${shown(before)}: the number of shards decides which stack holds which device, ` +
        `and another one would revoke devices here and make them anew elsewhere. Set the shard back to what it was, and declare what doesn't fit as a second DeviceFleet with more shards`
    );
}
