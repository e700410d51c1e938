// What is to be done in a batch: decided from state, inputs and time alone, so that preview and `up` decide alike.

import { createHash } from "node:crypto";
import { sameJson } from "../reconciler";
import type { Base64, DeviceDetails, DeviceName, DeviceRecord, FleetBatchInputs, FleetBatchState } from "./batch";

export type Work =
    /** Created on ThingsBoard and bound. */
    | "new"
    /** A new certificate before the old one expires. */
    | "renewed"
    /** Another certificate from outside, or one of our own in its place. */
    | "rebound"
    /** Changed elsewhere, put right. */
    | "repaired"
    /** Label, attributes or profile. */
    | "changed"
    /** Something failed in an earlier `up`. */
    | "retried"
    /** No longer declared. */
    | "removed";

export interface Plan {
    readonly work: ReadonlyMap<DeviceName, Work>;
    readonly unchanged: number;
    /** Due for renewal, and nothing is done because `renewal` is "report". */
    readonly due: readonly DeviceName[];
}

/** What a plan looks at; a batch that is not there yet has none of it. */
export type Before = Pick<FleetBatchState, "devices" | "keys" | "details" | "failed" | "drift" | "settings">;

const dayMs = 86_400_000;

export function planOf(before: Before | undefined, inputs: FleetBatchInputs, now: Date): Plan {
    const work = new Map<DeviceName, Work>();
    const due: DeviceName[] = [];
    for (const name of inputs.members) {
        const record = before && own(before.devices, name);
        const details = own(inputs.details, name);
        if (!before || !record) {
            work.set(name, "new");
            continue;
        }
        const expires = details?.certificate === undefined && isDue(name, record, inputs, now);
        const found = workOn(before, inputs, name, record, details, expires);
        if (found) work.set(name, found);
        if (expires && found !== "renewed") due.push(name);
    }
    const declared = new Set(inputs.members);
    for (const name of Object.keys(before?.devices ?? {})) if (!declared.has(name)) work.set(name, "removed");
    return { work, unchanged: inputs.members.filter(name => !work.has(name)).length, due };
}

function workOn(before: Before, inputs: FleetBatchInputs, name: DeviceName, record: DeviceRecord, details: DeviceDetails | undefined, expires: boolean): Work | undefined {
    if (isOtherCertificate(record, own(before.keys, name), details)) return "rebound";
    if (expires && inputs.settings.renewal === "immediate") return "renewed";
    if (own(before.drift, name) !== undefined) return "repaired";
    if (isChanged(before, inputs, name, details)) return "changed";
    return own(before.failed, name) === undefined ? undefined : "retried";
}

/** One without a key in state came from outside. */
function isOtherCertificate(record: DeviceRecord, key: Base64 | undefined, details: DeviceDetails | undefined): boolean {
    return details?.certificate === undefined ? key === undefined : details.certificate !== record.certificate;
}

export function isChanged(before: Pick<Before, "details" | "settings">, inputs: FleetBatchInputs, name: DeviceName, details = own(inputs.details, name)): boolean {
    const applied = own(before.details, name);
    return applied?.label !== details?.label || !sameJson(applied?.attributes ?? {}, details?.attributes ?? {}) || (inputs.settings.deviceProfile !== undefined && before.settings.deviceProfile !== inputs.settings.deviceProfile);
}

/** A fleet that was made in one day does not fall due in one day: each device is early by days of its own. */
export function isDue(name: DeviceName, record: DeviceRecord, { settings }: FleetBatchInputs, now: Date): boolean {
    const { renewBeforeDays, renewalJitterDays } = settings;
    const early = renewalJitterDays === 0 ? 0 : (createHash("sha256").update(`renewal ${name}`).digest().readUInt32BE(0) / 2 ** 32) * renewalJitterDays;
    return now.getTime() >= Date.parse(record.notAfter) - (renewBeforeDays + early) * dayMs;
}

/** Names are the user's: one may be called `constructor`. */
export function own<Value>(map: Readonly<Record<string, Value>> | undefined, name: string): Value | undefined {
    return map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;
}
