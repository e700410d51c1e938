// Times that ThingsBoard keeps in a device's server attributes.

import type { Attribute } from "../thingsboard/model";

/** Milliseconds; 0 where there is none, or something that is no time. */
export function serverTime(attributes: readonly Attribute[] | undefined, key: "lastConnectTime" | "lastDisconnectTime" | "lastActivityTime"): number {
    const time = Number(attributes?.find(attribute => attribute.key === key)?.value ?? 0);
    return Math.abs(time) <= latest ? time : 0;
}

/** What a Date can hold. */
const latest = 8.64e15;
