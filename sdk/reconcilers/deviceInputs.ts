// What can be wrong with a declared device, said before anything is sent.

import type { dynamic } from "@pulumi/pulumi";
import { shown } from "../printable";
import type { DeviceInputs } from "./device";
import { bindingAttribute } from "./binding";
import { claim } from "./claims";
import { driftFailures } from "./drift";
import { markKey } from "./ownership";
import { isUnknown } from "./reconciler";
import { revokedAttribute } from "./revoked";

/** ThingsBoard's own limit for names and labels (`@Length` on Device). */
const maxName = 255;

/** Server attributes that ThingsBoard writes itself. */
const reserved = ["active", "lastConnectTime", "lastDisconnectTime", "lastActivityTime", "lastUpdateTime", "inactivityAlarmTime"];

/** A program that declared one of them would forget revocations. */
const ownNotes: readonly string[] = [bindingAttribute, revokedAttribute];

export function deviceFailures(olds: Partial<DeviceInputs>, news: DeviceInputs): dynamic.CheckFailure[] {
    const named = isUnknown(news.name) ? "device" : `device ${shown(news.name)}`;
    const failures: dynamic.CheckFailure[] = [];
    const fail = (property: string, reason: string) => failures.push({ property, reason: `${named}: ${reason}` });

    for (const property of ["name", "label", "deviceProfile", "customer"] as const) {
        const value: unknown = news[property];
        if (value === undefined || isUnknown(value)) continue;
        const fault = textFault(value, property !== "label");
        if (fault) fail(property, `${property} ${fault}`);
    }
    if (news.customer !== undefined && news.owner !== undefined) fail("customer", "customer (Community Edition) and owner (Professional Edition and Cloud) exclude each other: give one");
    for (const [key, value] of Object.entries(isUnknown(news.attributes) ? {} : (news.attributes ?? {}))) {
        if (Number.isInteger(value) && Math.abs(value as number) >= 2 ** 63) fail("attributes", `attributes.${key} is a whole number beyond 64 bits, which ThingsBoard would keep as text: give it as text`);
        if (value === null) fail("attributes", `attributes.${key} is null, which ThingsBoard does not store: leave the key out, or give a value`);
        if (key.trim() === "" || key.includes(",")) fail("attributes", `attributes has the key ${shown(key)}: ThingsBoard can't read back a key that is blank or holds a comma`);
        if (ownNotes.includes(key)) fail("attributes", `attributes has the key "${key}", where this package notes what was bound and what was revoked: choose another`);
        if (reserved.includes(key)) fail("attributes", `attributes has the key "${key}", which ThingsBoard writes itself: choose another`);
    }
    const info = isUnknown(news.additionalInfo) ? {} : (news.additionalInfo ?? {});
    if (markKey in info) fail("additionalInfo", `additionalInfo has the key "${markKey}", where this package keeps its ownership mark: choose another`);
    if ("gateway" in info && news.gateway !== undefined) fail("additionalInfo", "additionalInfo has the key \"gateway\", and gateway is set too: give one");
    if (news.onDelete !== undefined && !isUnknown(news.onDelete) && !["delete", "keep"].includes(news.onDelete)) {
        fail("onDelete", `onDelete is ${shown(news.onDelete)}: expected "delete" or "keep"`);
    }
    failures.push(...driftFailures(named, olds, news));
    const other = isUnknown(news.name) ? undefined : claim("device name", news.name, news.declaredBy, news.declaredBy);
    if (other !== undefined) fail("name", `it is declared twice in this program, also as ${other}: names are unique on a ThingsBoard`);
    return failures;
}

/** ThingsBoard's rules for names: not blank, at most 255 characters, and nothing that looks like markup (`@NoXss`). */
function textFault(value: unknown, required: boolean): string | undefined {
    if (typeof value !== "string") return `is of type ${typeof value}: expected text`;
    if (required && value.trim() === "") return "is blank";
    if (value.length > maxName) return `has ${value.length} characters: ThingsBoard takes at most ${maxName}`;
    if (value.includes("\0")) return "contains the character 0x00, which ThingsBoard's database can't store";
    if (/<\s*[a-z!/]/i.test(value)) return `is ${shown(value)}: ThingsBoard refuses what looks like HTML`;
    return undefined;
}
