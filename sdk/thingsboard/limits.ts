// How many calls may be in flight and how fast they may follow each other.

import type { Clock } from "./clock";
import type { Milliseconds } from "./model";
import type { Rate } from "./options";

export type Lane = "delete" | "other";

/** Places for calls in flight. One for all clients of a server: what counts is what the server sees. */
export interface Places {
    /** Waits for a place, first come first served, and answers with what gives it back. */
    take(lane: Lane, caps: Caps): Promise<() => void>;
}

export interface Caps {
    readonly concurrency: number;
    /**
     * Each delete holds one of the server's database connections (16 by default) while it waits for a second one:
     * sixteen at once stop the whole server for half a minute.
     */
    readonly deleteConcurrency: number;
}

export function places(): Places {
    const inFlight = { delete: 0, other: 0 };
    const waiting: Record<Lane, Waiter[]> = { delete: [], other: [] };
    let asked = 0;

    return {
        take(lane, caps) {
            return new Promise(resolve => {
                waiting[lane].push({ number: asked++, lane, caps, start: () => resolve(once(() => giveBack(lane))) });
                startNext();
            });
        },
    };

    function startNext(): void {
        for (let next = firstInLine(); next; next = firstInLine()) {
            waiting[next.lane].shift();
            inFlight[next.lane]++;
            next.start();
        }
    }

    /** A delete that has to wait for other deletes is passed by calls that don't. */
    function firstInLine(): Waiter | undefined {
        const heads = [waiting.delete[0], waiting.other[0]].filter(head => head !== undefined);
        return heads.sort((a, b) => a.number - b.number).find(mayStart);
    }

    function mayStart({ lane, caps }: Waiter): boolean {
        const free = inFlight.delete + inFlight.other < caps.concurrency;
        return free && (lane === "other" || inFlight.delete < caps.deleteConcurrency);
    }

    function giveBack(lane: Lane): void {
        inFlight[lane]--;
        startNext();
    }
}

interface Waiter {
    readonly number: number;
    readonly lane: Lane;
    readonly caps: Caps;
    readonly start: () => void;
}

/** When calls may begin. */
export interface Pace {
    /** Resolves when the next call may begin, in the order of asking. */
    turn(): Promise<void>;
    /** A call that began at `began` was answered 429. */
    tooFast(began: Milliseconds, retryAfter?: Milliseconds): void;
    /** A call was answered in the ordinary way. */
    fine(): void;
}

const firstPause = 1_000;
const longestPause = 30_000;
const longestSpacing = 2_000;

/**
 * Keeps to the given rates, and finds its own after a 429: a pause for everybody, and from then on a distance between
 * calls that doubles with each breach and melts with each good answer. ThingsBoard's bucket is the tenant's, shared with
 * the web interface and with other scripts, so the right rate can't be known beforehand; each breach also notifies the
 * tenant's administrators.
 */
export function pace(rates: readonly Rate[], clock: Clock): Pace {
    const longest = Math.max(0, ...rates.map(rate => rate.count));
    const begun: Milliseconds[] = [];
    let previous = Promise.resolve();
    let spacing = 0;
    let lastBegin = -Infinity;
    let lastBreach = -Infinity;
    let breaches = 0;
    let pausedUntil = -Infinity;

    return {
        turn() {
            previous = previous.then(begin);
            return previous;
        },

        tooFast(began, retryAfter) {
            const now = clock.now();
            if (retryAfter !== undefined) pausedUntil = Math.max(pausedUntil, now + retryAfter);
            // Calls that were in flight together breach together: that counts once.
            if (began < lastBreach) return;
            lastBreach = now;
            spacing = Math.min(longestSpacing, Math.max(50, spacing * 2));
            pausedUntil = Math.max(pausedUntil, now + Math.min(longestPause, firstPause * 2 ** breaches++));
        },

        fine() {
            breaches = 0;
            spacing = spacing < 5 ? 0 : spacing * 0.98;
        },
    };

    async function begin(): Promise<void> {
        for (let wait = waitFrom(clock.now()); wait > 0; wait = waitFrom(clock.now())) await clock.sleep(wait);
        lastBegin = clock.now();
        if (longest > 0) begun.push(lastBegin);
        if (begun.length > longest) begun.shift();
    }

    function waitFrom(now: Milliseconds): Milliseconds {
        const until = rates.map(({ count, period }) => (begun.at(-count) ?? -Infinity) + period);
        return Math.max(0, pausedUntil - now, lastBegin + spacing - now, ...until.map(time => time - now));
    }
}

function once(action: () => void): () => void {
    let done = false;
    return () => {
        if (done) return;
        done = true;
        action();
    };
}
