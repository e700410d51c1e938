// The sessions of all devices: one a device, ended when its credentials change.
import type { Uuid } from "../platform/ids";
import type { Listener, Platform } from "../platform/platform";
import type { Value } from "../platform/keyValues";
import { deviceConnected, deviceDisconnected } from "../platform/deviceState";
import type { FaultState } from "../faults/faults";
import { CODES } from "./codes";

export interface Session {
    readonly deviceId: Uuid;
    close(code: number): void;
    sharedAttributesChanged(updated: ReadonlyMap<string, Value>, removed: readonly string[]): void;
}

export interface Sessions {
    readonly size: number;
    open(session: Session): void;
    closed(session: Session): void;
    stop(): void;
}

/** A real server takes up to a second. */
const CLOSE_DELAY = 50;

export function createSessions(platform: Platform, faults: FaultState): Sessions {
    const live = new Map<Uuid, Session>();
    const timers = new Set<NodeJS.Timeout>();
    const end = (deviceId: Uuid): void => {
        // the session as it is now: one that comes with the new credentials is not meant
        const session = live.get(deviceId);
        if (!session) return;
        const timer = setTimeout(() => {
            timers.delete(timer);
            session.close(CODES.administrativeAction);
        }, CLOSE_DELAY);
        timers.add(timer);
    };
    const listener: Listener = {
        credentialsChanged: (deviceId) => {
            if (!faults.current.keepSessions) end(deviceId);
        },
        deviceRemoved: end,
        sharedAttributesChanged: (deviceId, updated, removed) => live.get(deviceId)?.sharedAttributesChanged(updated, removed),
    };
    platform.listeners.add(listener);
    return {
        get size() {
            return live.size;
        },
        open: (session) => {
            const elder = live.get(session.deviceId);
            live.set(session.deviceId, session);
            elder?.close(CODES.sessionTakenOver);
            deviceConnected(platform, session.deviceId);
        },
        closed: (session) => {
            if (live.get(session.deviceId) !== session) return;
            live.delete(session.deviceId);
            deviceDisconnected(platform, session.deviceId);
        },
        stop: () => {
            platform.listeners.delete(listener);
            for (const timer of timers) clearTimeout(timer);
        },
    };
}
