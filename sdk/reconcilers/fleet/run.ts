// The work of one batch, device by device: what one of them fails at holds up no other.

import type { Device } from "../../thingsboard/model";
import { type Pool, createPool } from "../../mqtt/pool";
import { warnOfChain } from "../chainWarning";
import { RevokedError } from "../revoked";
import type { Base64, DeviceDetails, DeviceName, DeviceRecord, FleetBatchInputs, FleetBatchState } from "./batch";
import { type BatchContext, about } from "./context";
import { devicesOf } from "./observe";
import { type Plan, type Work, isChanged, own } from "./plan";
import type { Progress } from "./progress";
import { type Identity, bind, confirm, identityFor, provision, sync, syncAttributes } from "./provision";
import { check } from "./publish";
import { remove } from "./remove";
import { GivingUp } from "./givingUp";
import { revokedSentence } from "./words";

export interface Result {
    readonly devices: Record<DeviceName, DeviceRecord>;
    readonly keys: Record<DeviceName, Base64>;
    readonly details: Record<DeviceName, DeviceDetails>;
    readonly failed: Record<DeviceName, string>;
    /** When their certificates were revoked (ISO 8601). They are among the failed ones. */
    readonly revoked: Record<DeviceName, string>;
    /** Their certificates were lost with an interrupted run, and they have new ones. */
    readonly interrupted: readonly DeviceName[];
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

export async function run(context: BatchContext, before: FleetBatchState | undefined, { work }: Plan, progress: Progress, warn: (text: string) => void): Promise<Result> {
    const { inputs, server } = context;
    const result = {
        devices: { ...before?.devices },
        keys: { ...before?.keys },
        details: { ...before?.details },
        failed: {} as Record<DeviceName, string>,
        revoked: {} as Record<DeviceName, string>,
        interrupted: [] as DeviceName[],
        warnings: [] as string[],
    };
    const pool = poolOf(inputs);
    const givingUp = new GivingUp();
    progress.begin(inputs.batch, work.size);
    try {
        const removed = [...work].filter(([, kind]) => kind === "removed").map(([name]) => before!.devices[name]!);
        const found = removed.length === 0 ? new Map<string, Device>() : await devicesOf(server, removed);
        const sample = [...work].find(([name, kind]) => canBeSample(own(inputs.details, name), kind))?.[0];
        await Promise.all([...work].map(([name, kind]) => pool.run(() => attempt(name, kind, found, sample))));
        return result;
    } finally {
        progress.end();
    }

    async function attempt(name: DeviceName, kind: Work, found: ReadonlyMap<string, Device>, sample: DeviceName | undefined): Promise<void> {
        const reason = givingUp.reason();
        try {
            if (kind === "revoked") throw new RevokedError("", before!.revoked![name]!);
            if (reason !== undefined) throw new Error(reason);
            if (kind === "removed") await take(name, found);
            else await ensure(name, kind, sample);
            givingUp.worked();
            progress.done();
        } catch (error) {
            if (!(error instanceof Error)) throw error;
            if (reason === undefined) givingUp.failed(error);
            result.failed[name] = error instanceof RevokedError ? revokedSentence(name, error.on, own(inputs.details, name)) : error.message;
            if (error instanceof RevokedError) result.revoked[name] = error.on;
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
        if (bound.synced) await syncAttributes(context, name, bound.record.id, applied);
        const { certificate: _own, csr: _csr, ...declared } = own(inputs.details, name) ?? {};
        const { csr } = own(result.details, name) ?? {};
        keepDetails(name, { ...declared, ...(csr === undefined ? {} : { csr }) });
        const key = own(result.keys, name);
        const { publishCheck } = inputs.settings;
        const wanted = publishCheck === "all" || (publishCheck === "sample" && (name === sample || kind === "retried"));
        if (!wanted || key === undefined || !(bound.rebound || kind === "retried")) return;
        const warning = await check(context, name, bound.record, key, bound.device ?? (await about(context, name).deviceById(bound.record.id)));
        if (warning !== undefined) result.warnings.push(warning);
    }

    async function create(name: DeviceName, kept?: Identity) {
        const identity = kept ?? (await identityFor(context, name));
        const { record, device, confirmed, interrupted } = await provision(context, name, identity);
        keepIdentity(name, record, identity);
        if (interrupted && !kept) result.interrupted.push(name);
        if (!confirmed) await confirm(context, name, record);
        await warnOfChain(about(context, name), device, warn);
        return { record, device, synced: true, rebound: true };
    }

    /** A device that is in state: its certificate stays what it is unless the plan says otherwise. */
    async function keep(name: DeviceName, kind: Work, known: DeviceRecord, applied: DeviceDetails | undefined) {
        const key = own(result.keys, name);
        // Also beside another certificate: what failed may have been done in part, so that the state does not tell.
        const changes = own(before?.drift, name) !== undefined || own(before?.failed, name) !== undefined || (before !== undefined && isChanged(before, inputs, name));
        const device = changes ? await sync(context, name, known.id, applied) : undefined;
        const { csr, generation } = applied ?? {};
        const identity: Identity =
            kind === "renewed" || kind === "reissued" || kind === "rebound"
                ? await identityFor(context, name, kind !== "reissued" && inputs.settings.rotationPolicy === "never" ? key : undefined)
                : { ...known, ...(key === undefined ? {} : { key }), from: { ...(csr === undefined ? {} : { csr }), ...(generation === undefined ? {} : { generation }) } };
        // Deleted elsewhere: made anew with the certificate that the device out there still has.
        if (changes && !device) return create(name, identity);
        if (kind === "changed") return { record: known, device, synced: true, rebound: false };
        const record = await bind(about(context, name), { id: { id: known.id, entityType: "DEVICE" }, name }, identity, kind === "renewed" ? { renews: known.certificate } : {});
        if (!record) return create(name, identity);
        keepIdentity(name, record, identity);
        return { record, device, synced: changes, rebound: record.version !== known.version || record.certificate !== known.certificate };
    }

    function keepIdentity(name: DeviceName, record: DeviceRecord, { key, from }: Identity): void {
        result.devices[name] = record;
        if (key === undefined) delete result.keys[name];
        else result.keys[name] = key;
        const { csr: _csr, generation: _generation, ...others } = own(result.details, name) ?? {};
        keepDetails(name, { ...others, ...from });
    }

    function keepDetails(name: DeviceName, details: DeviceDetails): void {
        if (Object.keys(details).length > 0) result.details[name] = details;
        else delete result.details[name];
    }
}

/** Only a key that was made here can be tried. */
const canBeSample = (details: DeviceDetails | undefined, kind: Work): boolean =>
    kind !== "removed" && kind !== "changed" && kind !== "revoked" && details?.certificate === undefined && details?.csr === undefined;

