// What somebody else changed in a profile, in words, and how it was left.

import type { DeviceProfileInputs, DeviceProfileState, X509Chain } from "./deviceProfile";
import { type ChangedElsewhere, changedElsewhere } from "./drift";
import { sameJson } from "./reconciler";

const tracked = ["name", "description", "transport", "mqtt", "x509Chain", "ruleChain", "dashboard", "default"] as const;
type Tracked = (typeof tracked)[number];

/** Kept in state from the first refresh that found something: by the second one, state holds what was found. */
export type Expected = Readonly<Partial<Record<Tracked, unknown>>>;

/** @param seen the server's side of what was declared */
export function profileDrift(state: DeviceProfileState, seen: Partial<DeviceProfileInputs>): { changedElsewhere?: ChangedElsewhere; expected?: Expected } {
    const left = (property: Tracked): unknown => (state.expected && property in state.expected ? (state.expected[property] ?? undefined) : state[property]);
    const changed = tracked.filter(property => property in seen && !sameJson(left(property) ?? null, seen[property] ?? null));
    if (changed.length === 0) return {};
    return {
        ...changedElsewhere(Object.fromEntries(changed.map(property => [property, inWords(property, left(property), seen[property])]))),
        expected: Object.fromEntries(changed.map(property => [property, left(property) ?? null])),
    };
}

/** Without certificates, which nobody compares by reading. */
function inWords(property: Tracked, left: unknown, found: unknown): string {
    if (property !== "x509Chain") return `${JSON.stringify(found)}, was ${left === undefined ? "not set" : JSON.stringify(left)}`;
    const [before, now] = [left as X509Chain | undefined, found as X509Chain | undefined];
    if (!now || /^\(.*\)$/.test(now.certificatePem)) return now?.certificatePem === "(DISABLED)" ? "switched off" : `another strategy ${now?.certificatePem ?? ""}`;
    if (!before) return `switched on, with pattern ${now.commonNamePattern}`;
    const parts = [
        ...(before.certificatePem === now.certificatePem ? [] : ["another authority"]),
        ...(before.commonNamePattern === now.commonNamePattern ? [] : [`pattern ${now.commonNamePattern}, was ${before.commonNamePattern}`]),
        ...(before.createDevices === now.createDevices ? [] : [`createDevices ${now.createDevices}, was ${before.createDevices}`]),
    ];
    return parts.join("; ");
}
