// What is to be done in a batch: decided from state, inputs and time alone, so that preview and `up` decide alike.

import { createHash } from "node:crypto";
import { millisecondsPerDay } from "../../clock";
import { sameJson } from "../reconciler";
import type { Base64, DeviceDetails, DeviceName, DeviceRecord, FleetBatchInputs, FleetBatchState } from "./batch";
import { renewalShare } from "./renewalShare";

export type Work =
    /** Created on ThingsBoard and bound. */
    | "new"
    /** A new certificate before the old one expires. */
    | "renewed"
    /** A new key and certificate, since `generation` was raised. */
    | "reissued"
    /** Another certificate or request from outside, or one of our own in its place. */
    | "rebound"
    /** Changed elsewhere, put right. */
    | "repaired"
    /** Label, attributes or profile; or what the fleet or its stack is called. */
    | "changed"
    /** Something failed in an earlier `up`. */
    | "retried"
    /** Its certificate was revoked by hand: nothing is done, and `up` fails with what the user can do. */
    | "revoked"
    /** No longer declared. */
    | "removed";

export interface Plan {
    readonly work: ReadonlyMap<DeviceName, Work>;
    readonly unchanged: number;
    /** Due for renewal, and nothing is done because `renewal` is "report". */
    readonly due: readonly DeviceName[];
    /** Due for renewal, and left for a later `up` because of `maxRenewalsPerUp`. */
    readonly waiting: readonly DeviceName[];
}

/** What a plan looks at; a batch that is not there yet has none of it. */
export type Before = Pick<FleetBatchState, "fleet" | "devices" | "keys" | "details" | "failed" | "drift" | "revoked" | "settings">;

/** @param today which batches have a turn: the same in all of one run, also past midnight */
export function planOf(before: Before | undefined, inputs: FleetBatchInputs, now: Date, today = now): Plan {
    const work = new Map<DeviceName, Work>();
    const due: DeviceName[] = [];
    const renewals: DeviceName[] = [];
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
        if (found === "renewed") renewals.push(name);
        else if (expires && !given.has(found)) due.push(name);
    }
    const waiting = before === undefined ? [] : beyondShare(before, inputs, renewals, today);
    for (const name of waiting) {
        const other = workOn(before!, inputs, name, before!.devices[name]!, own(inputs.details, name), false);
        if (other) work.set(name, other);
        else work.delete(name);
    }
    const declared = new Set(inputs.members);
    for (const name of Object.keys(before?.devices ?? {})) if (!declared.has(name)) work.set(name, "removed");
    return { work, unchanged: inputs.members.filter(name => !work.has(name)).length, due, waiting };
}

/** Of these, that the old certificate expires is no news: they get another one, or none. */
const given: ReadonlySet<Work | undefined> = new Set(["reissued", "rebound", "revoked"]);

/** Soonest to expire first. */
function beyondShare(before: Before, inputs: FleetBatchInputs, renewals: DeviceName[], today: Date): DeviceName[] {
    const share = renewalShare(inputs, today);
    if (renewals.length <= share) return [];
    const expiry = (name: DeviceName) => before.devices[name]!.notAfter;
    return renewals.sort((a, b) => (expiry(a) < expiry(b) || (expiry(a) === expiry(b) && a < b) ? -1 : 1)).slice(share);
}

function workOn(before: Before, inputs: FleetBatchInputs, name: DeviceName, record: DeviceRecord, details: DeviceDetails | undefined, expires: boolean): Work | undefined {
    const applied = own(before.details, name);
    if (isOtherCertificate(record, own(before.keys, name), applied, details)) return "rebound";
    if (isReissue(applied, details)) return "reissued";
    // Before a renewal, which may keep the key that somebody has stolen.
    if (own(before.revoked, name) !== undefined) return "revoked";
    if (expires && inputs.settings.renewal === "immediate") return "renewed";
    if (own(before.drift, name) !== undefined) return "repaired";
    if (isChanged(before, inputs, name, details)) return "changed";
    return own(before.failed, name) === undefined ? undefined : "retried";
}

/** One without a key in state came from outside, or was made for a request. */
function isOtherCertificate(record: DeviceRecord, key: Base64 | undefined, applied: DeviceDetails | undefined, details: DeviceDetails | undefined): boolean {
    if (details?.certificate !== undefined) return details.certificate !== record.certificate;
    return details?.csr === undefined ? key === undefined : details.csr !== applied?.csr;
}

const generationOf = (details: DeviceDetails | undefined): number => details?.generation ?? 1;

export const isReissue = (applied: DeviceDetails | undefined, details: DeviceDetails | undefined): boolean => generationOf(details) > generationOf(applied);

export function isChanged(before: Pick<Before, "fleet" | "details" | "settings">, inputs: FleetBatchInputs, name: DeviceName, details = own(inputs.details, name)): boolean {
    const applied = own(before.details, name);
    return (
        // The devices' marks name the fleet, and a stack may be renamed.
        before.fleet !== inputs.fleet ||
        applied?.label !== details?.label ||
        !sameJson(applied?.attributes ?? {}, details?.attributes ?? {}) ||
        // Lowered: nothing to do but to remember it.
        generationOf(applied) > generationOf(details) ||
        (inputs.settings.deviceProfile !== undefined && before.settings.deviceProfile !== inputs.settings.deviceProfile)
    );
}

/** A fleet that was made in one day does not fall due in one day: each device is early by days of its own. */
export function isDue(name: DeviceName, record: DeviceRecord, { settings }: FleetBatchInputs, now: Date): boolean {
    const { renewBeforeDays, renewalJitterDays } = settings;
    const early = renewalJitterDays === 0 ? 0 : (createHash("sha256").update(`renewal ${name}`).digest().readUInt32BE(0) / 2 ** 32) * renewalJitterDays;
    return now.getTime() >= Date.parse(record.notAfter) - (renewBeforeDays + early) * millisecondsPerDay;
}

/** Names are the user's: one may be called `constructor`. */
export function own<Value>(map: Readonly<Record<string, Value>> | undefined, name: string): Value | undefined {
    return map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;
}
