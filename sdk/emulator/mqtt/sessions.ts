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
    const ended = new WeakSet<Session>();
    const timers = new Set<NodeJS.Timeout>();
    const later = (time: number, run: () => void): void => {
        const timer = setTimeout(() => {
            timers.delete(timer);
            run();
        }, time);
        timers.add(timer);
    };
    const end = (deviceId: Uuid): void => {
        // the session as it is now: one that comes with the new credentials is not meant
        const session = live.get(deviceId);
        if (!session) return;
        later(CLOSE_DELAY, () => session.close(CODES.administrativeAction));
    };
    const register = (session: Session): void => {
        const elder = live.get(session.deviceId);
        live.set(session.deviceId, session);
        elder?.close(CODES.sessionTakenOver);
        deviceConnected(platform, session.deviceId);
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
            const delay = faults.current.registrationDelay ?? 0;
            if (delay <= 0) return register(session);
            later(delay, () => {
                if (!ended.has(session)) register(session);
            });
        },
        closed: (session) => {
            ended.add(session);
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
