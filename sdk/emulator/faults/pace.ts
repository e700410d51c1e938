// The speed of a real server, on demand: how much a second of each kind of work, how long one takes at least, and the
// half minute for which 16 deletes in flight stop the whole server.
import type { Milliseconds } from "../platform/entities";

/** How fast one kind of work is done. */
export interface Speed {
    /** At most so many a second. */
    readonly perSecond?: number;
    /** What one takes at least. */
    readonly latency?: Milliseconds;
}

/** How fast it is, by kind of work. What is left out is as fast as it can be. */
export interface Pace {
    /** Creating devices. */
    readonly create?: Speed;
    /** All reading calls. */
    readonly read?: Speed;
    /** All other writing calls. */
    readonly write?: Speed;
    /** Deleting devices. */
    readonly delete?: Speed;
    /** From TCP to CONNACK. */
    readonly connect?: Speed;
    /** So many deletes in flight stop the whole server, for so many milliseconds. */
    readonly deleteStall?: { readonly inFlight: number; readonly duration: Milliseconds };
}

export type Work = "create" | "read" | "write" | "delete" | "connect";

/** As measured on a ThingsBoard CE 4.3.1.3 that shared two cores with its client. */
export const REAL_PACE: Pace = {
    create: { perSecond: 225, latency: 8 },
    read: { perSecond: 1400, latency: 2 },
    write: { perSecond: 225, latency: 8 },
    delete: { perSecond: 340, latency: 6 },
    connect: { perSecond: 110, latency: 50 },
    deleteStall: { inFlight: 16, duration: 30_000 },
};

/** Changes the pace while the emulator runs. */
export interface PaceControl {
    /** `"real"` is `REAL_PACE`, `"unlimited"` as fast as it can be. */
    set(pace: Pace | "real" | "unlimited"): void;
    /** The pace at this moment. */
    readonly current: Pace;
}

export interface PaceState extends PaceControl {
    /** Waits for its turn. Resolves at once, without a promise in between, where nothing is to be waited for. */
    turn(work: Work): Promise<void> | undefined;
    /** Brackets one delete. "stalled" if the delete was one of those that stopped the server. */
    deleting<T>(run: () => Promise<T>): Promise<{ outcome: "done" | "stalled"; value: T }>;
}

export function createPace(initial: Pace = {}, wait: (time: Milliseconds) => Promise<void>): PaceState {
    let current = initial;
    const free = new Map<Work, number>();
    let inFlight = 0;
    let stalledUntil = 0;

    return {
        set: (pace) => {
            current = pace === "real" ? REAL_PACE : pace === "unlimited" ? {} : pace;
            free.clear();
            stalledUntil = 0;
        },
        get current() {
            return current;
        },
        turn: (work) => {
            const speed = current[work];
            const now = performance.now();
            if (!speed && stalledUntil <= now) return undefined;
            let start = Math.max(now, stalledUntil);
            if (speed?.perSecond) {
                start = Math.max(start, free.get(work) ?? 0);
                free.set(work, start + 1000 / speed.perSecond);
            }
            return wait(start - now + (speed?.latency ?? 0));
        },
        deleting: async (run) => {
            const stall = current.deleteStall;
            inFlight++;
            try {
                const before = performance.now();
                if (stall && inFlight >= stall.inFlight && stalledUntil <= before) stalledUntil = before + stall.duration;
                const value = await run();
                const now = performance.now();
                if (stalledUntil <= now) return { outcome: "done", value };
                await wait(stalledUntil - now);
                return { outcome: "stalled", value };
            } finally {
                inFlight--;
            }
        },
    };
}
