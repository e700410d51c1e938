// The work of one batch, device by device: what one of them fails at holds up no other.

import type { Device } from "../../thingsboard/model";
import { type Pool, createPool } from "../../mqtt/pool";
import type { Base64, DeviceDetails, DeviceName, DeviceRecord, FleetBatchInputs, FleetBatchState } from "./batch";
import { type BatchContext, about } from "./context";
import { devicesOf } from "./observe";
import { type Plan, type Work, isChanged, own } from "./plan";
import type { Progress } from "./progress";
import { type Identity, bind, identityFor, provision, sync, syncAttributes } from "./provision";
import { check } from "./publish";
import { remove } from "./remove";
import { GivingUp } from "./givingUp";

export interface Result {
    readonly devices: Record<DeviceName, DeviceRecord>;
    readonly keys: Record<DeviceName, Base64>;
    readonly details: Record<DeviceName, DeviceDetails>;
    readonly failed: Record<DeviceName, string>;
    /** Their keys were lost with an interrupted run. */
    readonly reissued: readonly DeviceName[];
    readonly warnings: readonly string[];
}

/** By fleet: `concurrency` is for all of its batches together. */
const pools = new Map<string, Pool>();

export function poolOf({ fleet, concurrency }: Pick<FleetBatchInputs, "fleet" | "concurrency">): Pool {
    const key = `${fleet} ${concurrency}`;
    const pool = pools.get(key) ?? createPool(concurrency);
    pools.set(key, pool);
    return pool;
}

export async function run(context: BatchContext, before: FleetBatchState | undefined, { work }: Plan, progress: Progress): Promise<Result> {
    const { inputs, server } = context;
    const result = {
        devices: { ...before?.devices },
        keys: { ...before?.keys },
        details: { ...before?.details },
        failed: {} as Record<DeviceName, string>,
        reissued: [] as DeviceName[],
        warnings: [] as string[],
    };
    const pool = poolOf(inputs);
    const givingUp = new GivingUp();
    progress.begin(inputs.batch, work.size);
    try {
        const removed = [...work].filter(([, kind]) => kind === "removed").map(([name]) => before!.devices[name]!);
        const found = removed.length === 0 ? new Map<string, Device>() : await devicesOf(server, removed);
        const sample = [...work].find(([, kind]) => kind !== "removed" && kind !== "changed")?.[0];
        await Promise.all([...work].map(([name, kind]) => pool.run(() => attempt(name, kind, found, sample))));
        return result;
    } finally {
        progress.end();
    }

    async function attempt(name: DeviceName, kind: Work, found: ReadonlyMap<string, Device>, sample: DeviceName | undefined): Promise<void> {
        const reason = givingUp.reason();
        try {
            if (reason !== undefined) throw new Error(reason);
            if (kind === "removed") await take(name, found);
            else await ensure(name, kind, sample);
            givingUp.worked();
            progress.done();
        } catch (error) {
            if (!(error instanceof Error)) throw error;
            if (reason === undefined) givingUp.failed(error);
            result.failed[name] = error.message;
            progress.failed();
        }
    }

    async function take(name: DeviceName, found: ReadonlyMap<string, Device>): Promise<void> {
        const record = result.devices[name]!;
        await remove(context, name, record, found.get(record.id));
        delete result.devices[name];
        delete result.keys[name];
        delete result.details[name];
    }

    /** What worked is in the result at once: a device that is bound and then refused keeps its certificate. */
    async function ensure(name: DeviceName, kind: Work, sample: DeviceName | undefined): Promise<void> {
        const known = own(result.devices, name);
        const applied = own(before?.details, name);
        const bound = known === undefined ? await create(name) : await keep(name, kind, known, applied);
        const details = own(inputs.details, name);
        const { certificate: _own, ...declared } = details ?? {};
        if (bound.fresh || kind === "repaired" || kind === "retried" || kind === "changed") await syncAttributes(context, name, bound.record.id, applied);
        if (Object.keys(declared).length > 0) result.details[name] = declared;
        else delete result.details[name];
        const key = own(result.keys, name);
        const { publishCheck } = inputs.settings;
        const wanted = publishCheck === "all" || (publishCheck === "sample" && (name === sample || kind === "retried"));
        if (!wanted || key === undefined || !(bound.rebound || kind === "retried")) return;
        const warning = await check(context, name, bound.record, key, bound.device ?? (await about(context, name).deviceById(bound.record.id)));
        if (warning !== undefined) result.warnings.push(warning);
    }

    async function create(name: DeviceName, kept?: Identity) {
        const identity = kept ?? (await identityFor(context, name));
        const { record, device, reissued } = await provision(context, name, identity);
        keepIdentity(name, record, identity);
        if (reissued && !kept) result.reissued.push(name);
        return { record, device, fresh: true, rebound: true };
    }

    /** A device that is in state: its certificate stays what it is unless the plan says otherwise. */
    async function keep(name: DeviceName, kind: Work, known: DeviceRecord, applied: DeviceDetails | undefined) {
        const key = own(result.keys, name);
        const changes = kind === "repaired" || kind === "retried" || (before !== undefined && isChanged(before, inputs, name));
        const device = changes ? await sync(context, name, known.id, applied) : undefined;
        const identity = kind === "renewed" || kind === "rebound" ? await identityFor(context, name, inputs.settings.rotationPolicy === "never" ? key : undefined) : { ...known, ...(key === undefined ? {} : { key }) };
        // Deleted elsewhere: made anew with the certificate that the device out there still has.
        if (changes && !device) return create(name, identity);
        if (kind === "changed") return { record: known, device, fresh: false, rebound: false };
        const record = await bind(about(context, name), { id: { id: known.id, entityType: "DEVICE" }, name }, identity);
        keepIdentity(name, record, identity);
        return { record, device, fresh: false, rebound: record.version !== known.version || record.certificate !== known.certificate };
    }

    function keepIdentity(name: DeviceName, record: DeviceRecord, { key }: Identity): void {
        result.devices[name] = record;
        if (key === undefined) delete result.keys[name];
        else result.keys[name] = key;
    }
}

