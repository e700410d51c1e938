// Waits for a device to connect by itself: needs no key and closes nobody's session.

import { setTimeout as delay } from "node:timers/promises";

/** What ThingsBoard keeps for a device in its server attributes; absent until the device has connected once. */
export interface Connectivity {
    readonly lastConnectTime?: number;
    /** Lags behind: it can stay false for 20 s after a device connected, so it decides nothing here. */
    readonly active?: boolean;
}

export interface ObserveRequest {
    /** The server's time (ms) after which a connection counts: that of the binding. */
    readonly since: number;
    readonly timeoutSeconds: number;
    /** Default 2 s. */
    readonly intervalSeconds?: number;
}

export type Observation = { readonly waitedMs: number; readonly last?: Connectivity } & (
    | { readonly connected: true; readonly connectedAt: number }
    | { readonly connected: false }
);

export interface Clock {
    now(): number;
    /** Ends early, without an error, when the signal aborts. */
    sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
    now: () => Date.now(),
    sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
};

/** Errors of `poll` come through. A poll that hangs is left behind when the time is up. */
export async function observe(poll: () => Promise<Connectivity>, request: ObserveRequest, clock: Clock = systemClock): Promise<Observation> {
    const { since, timeoutSeconds, intervalSeconds = 2 } = request;
    const start = clock.now();
    const end = start + timeoutSeconds * 1000;
    const over = new AbortController();
    const timeUp = clock.sleep(timeoutSeconds * 1000, over.signal).then(() => undefined);
    let last: Connectivity | undefined;

    const seen = () => ({ waitedMs: clock.now() - start, ...(last && { last }) });
    try {
        for (;;) {
            const polled = poll();
            polled.catch(() => undefined);
            const found = await Promise.race([polled, timeUp]);
            last = found ?? last;
            const connectedAt = found?.lastConnectTime;
            if (connectedAt !== undefined && connectedAt > since) return { connected: true, connectedAt, ...seen() };
            const left = end - clock.now();
            if (!found || left <= 0) return { connected: false, ...seen() };
            await clock.sleep(Math.min(intervalSeconds * 1000, left));
        }
    } finally {
        over.abort();
    }
}
