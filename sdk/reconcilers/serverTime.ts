// Times that ThingsBoard keeps in a device's server attributes.

import type { Attribute } from "../thingsboard/model";

/** Milliseconds; 0 where there is none, or something that is no time. */
export function serverTime(attributes: readonly Attribute[] | undefined, key: "lastConnectTime" | "lastDisconnectTime" | "lastActivityTime"): number {
    return asTime(Number(attributes?.find(attribute => attribute.key === key)?.value ?? 0)) ?? 0;
}

/** Milliseconds; undefined for what is no time. */
export const asTime = (value: unknown): number | undefined => (typeof value === "number" && Math.abs(value) <= latest ? value : undefined);

/** What a Date can hold. */
const latest = 8.64e15;
