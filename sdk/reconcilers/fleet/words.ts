// A plan, and failures, in words.

import type { DeviceName, FleetBatchInputs } from "./batch";
import type { Plan, Work } from "./plan";

const order: readonly Work[] = ["new", "renewed", "rebound", "repaired", "changed", "retried", "removed"];
const namesShown = 5;

/** `fleet "pumps", batch 4 of 32: 12 new, 1 removed, 484 unchanged (new: pump-1, …; removed: pump-9)`; undefined if there is nothing to say. */
export function planned(inputs: FleetBatchInputs, { work, unchanged, due }: Plan): string | undefined {
    if (work.size === 0 && due.length === 0) return undefined;
    const byKind = order.map(kind => [kind, [...work].filter(([, other]) => other === kind).map(([name]) => name)] as const).filter(([, names]) => names.length > 0);
    const counts = [...byKind.map(([kind, names]) => `${names.length} ${kind}`), `${unchanged} unchanged`].join(", ");
    const names = byKind.map(([kind, names]) => `${kind}: ${some(names)}`).join("; ");
    const expiring = due.length === 0 ? "" : `; ${due.length} of their certificates will expire soon (${some(due)}): renewal is "report", so they are left; set renewal: "immediate" to issue new ones, which the devices then need`;
    return `${batchName(inputs)}: ${counts}${names === "" ? "" : ` (${names})`}${expiring}`;
}

/** As people count: the first is 1. */
export const batchName = ({ fleet, batch, batches }: Pick<FleetBatchInputs, "fleet" | "batch" | "batches">): string => `${fleetName(fleet)}, batch ${batch + 1} of ${batches}`;

export const fleetName = (fleet: string): string => `fleet "${fleet.split("/").slice(2).join("/")}"`;

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
