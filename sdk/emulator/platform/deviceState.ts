// Whether a device is active: server attributes that the platform keeps up to date as devices come and go.
import type { Device } from "./entities";
import type { Uuid } from "./ids";
import type { Point } from "./keyValues";
import type { Platform } from "./platform";

const INACTIVITY_TIMEOUT = 600_000;

const set = (platform: Platform, id: Uuid, key: string, kind: Point["kind"], text: string): void => {
    if (platform.store.devices.get(id)) platform.store.keyValues.setAttribute(id, "SERVER_SCOPE", key, { kind, text, ts: platform.now() });
};
const setTime = (platform: Platform, id: Uuid, key: string): void => set(platform, id, key, "long", String(platform.now()));

export function deviceConnected(platform: Platform, id: Uuid): void {
    // never the same twice: whoever waits for a connection waits for another time
    const last = Number(platform.store.keyValues.attributes(id, "SERVER_SCOPE").get("lastConnectTime")?.text ?? 0);
    set(platform, id, "lastConnectTime", "long", String(Math.max(platform.now(), last + 1)));
    deviceActive(platform, id);
}

export function deviceActive(platform: Platform, id: Uuid): void {
    setTime(platform, id, "lastActivityTime");
    if (platform.store.keyValues.attributes(id, "SERVER_SCOPE").get("active")?.text !== "true") set(platform, id, "active", "boolean", "true");
}

export const deviceDisconnected = (platform: Platform, id: Uuid): void => setTime(platform, id, "lastDisconnectTime");

/** Silence makes a device inactive. Nobody has to wait for it: it is worked out when someone looks. */
export function settleActivity(platform: Platform, id: Uuid): void {
    const attributes = platform.store.keyValues.attributes(id, "SERVER_SCOPE");
    if (attributes.get("active")?.text !== "true") return;
    const last = Number(attributes.get("lastActivityTime")?.text ?? 0);
    const timeout = Number(attributes.get("inactivityTimeout")?.text ?? INACTIVITY_TIMEOUT);
    if (platform.now() <= last + timeout) return;
    set(platform, id, "active", "boolean", "false");
    setTime(platform, id, "inactivityAlarmTime");
}

export function isActive(platform: Platform, device: Device): boolean {
    settleActivity(platform, device.id);
    return platform.store.keyValues.attributes(device.id, "SERVER_SCOPE").get("active")?.text === "true";
}
