// A plan, and failures, in words.

import { logicalName } from "../ownership";
import type { DeviceDetails, DeviceName, FleetBatchInputs } from "./batch";
import { type Plan, type Work, own } from "./plan";

const order: readonly Work[] = ["new", "renewed", "reissued", "rebound", "repaired", "changed", "retried", "revoked", "removed"];
const namesShown = 5;

/** `fleet "pumps", batch 4 of 32: 12 new, 1 removed, 484 unchanged (new: pump-1, …; removed: pump-9)`; undefined if there is nothing to say. */
export function planned(inputs: FleetBatchInputs, { work, unchanged, due, waiting }: Plan): string | undefined {
    if (work.size === 0 && due.length === 0 && waiting.length === 0) return undefined;
    const byKind = order.map(kind => [kind, [...work].filter(([, other]) => other === kind).map(([name]) => name)] as const).filter(([, names]) => names.length > 0);
    const counts = [...byKind.map(([kind, names]) => `${names.length} ${kind}`), `${unchanged} unchanged`].join(", ");
    const names = byKind.map(([kind, names]) => `${kind}: ${some(names)}`).join("; ");
    const expiring = due.length === 0 ? "" : `; ${due.length} of their certificates will expire soon (${some(due)}): renewal is "report", so they are left; set renewal: "immediate" to issue new ones, which the devices then need`;
    const later = waiting.length === 0 ? "" : `; ${waiting.length} more ${waiting.length === 1 ? "is" : "are"} due and left for a later "pulumi up" (${some(waiting)}): maxRenewalsPerUp is ${inputs.settings.maxRenewalsPerUp}, divided among ${inputs.batches} batches`;
    const revoked = [...work].find(([, kind]) => kind === "revoked")?.[0];
    const remedy = revoked === undefined ? "" : `; a revoked certificate is never bound again: ${afterRevocation(own(inputs.details, revoked))}`;
    return `${batchName(inputs)}: ${counts}${names === "" ? "" : ` (${names})`}${expiring}${later}${remedy}`;
}

export const revokedSentence = (name: DeviceName, on: string, details: DeviceDetails | undefined): string =>
    `device "${name}": its certificate was revoked on ${on} and is never bound again: ${afterRevocation(details)}`;

function afterRevocation(details: DeviceDetails | undefined): string {
    if (details?.certificate !== undefined) return "give it another certificatePem, or take it out of the list";
    if (details?.csr !== undefined) return "give it a request for another key, or take it out of the list";
    return `set generation: ${(details?.generation ?? 1) + 1} on the device to have a new key and certificate issued, or take it out of the list`;
}

/** As people count: the first is 1. */
export const batchName = ({ fleet, batch, batches }: Pick<FleetBatchInputs, "fleet" | "batch" | "batches">): string => `${fleetName(fleet)}, batch ${batch + 1} of ${batches}`;

export const fleetName = (fleet: string): string => `fleet "${logicalName(fleet)}"`;

export function some(names: readonly DeviceName[], limit = namesShown): string {
    const shown = names.slice(0, limit).join(", ");
    return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}

/** One sentence a reason, not one a device: ten thousand devices fail for one server that is down. */
export function failures(failed: Readonly<Record<DeviceName, string>>): string[] {
    const byReason = new Map<string, DeviceName[]>();
    for (const [name, reason] of Object.entries(failed)) {
        const bare = withoutDevice(name, reason);
        byReason.set(bare, [...(byReason.get(bare) ?? []), name]);
    }
    const sentences = [...byReason].map(([reason, names]) => (names.length === 1 ? about(names[0]!, failed[names[0]!]!) : `${names.length} devices (${some(names)}): ${reason}`));
    const shown = sentences.slice(0, reasonsShown);
    if (sentences.length > reasonsShown) shown.push(`and ${sentences.length - reasonsShown} more reasons, which are in the state of this batch ("failed")`);
    return shown;
}

const reasonsShown = 20;

const about = (name: DeviceName, reason: string): string => (reason.includes(`device "${name}"`) ? reason : `device "${name}": ${reason}`);

/** Reasons that differ in the device's name alone become one. */
function withoutDevice(name: DeviceName, reason: string): string {
    const prefix = `device "${name}": `;
    return (reason.startsWith(prefix) ? reason.slice(prefix.length) : reason).replaceAll(`device "${name}"`, "the device");
}
