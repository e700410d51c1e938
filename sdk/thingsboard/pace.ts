// How fast calls may follow each other: as fast as was declared, or as the server turns out to allow.

import type { Clock } from "./clock";
import type { Milliseconds } from "./model";
import type { Rate } from "./options";

/** When calls may begin. */
export interface Pace {
    /** Resolves when the next call may begin, in the order of asking. */
    turn(): Promise<void>;
    /** A call that began at `began` was answered 429. */
    tooFast(began: Milliseconds): void;
    /** The server, or a proxy before it, asks everybody to stay away for so long (Retry-After, RFC 9110 §10.2.3). */
    rest(duration: Milliseconds): void;
    /** For how long nobody calls. */
    resting(): Milliseconds;
    /** A call that began at `began` was answered in the ordinary way. */
    fine(began: Milliseconds): void;
}

const firstPause = 1_000;
const longestPause = 30_000;
const longestSpacing = 2_000;
/** Where nothing has got through yet, so that nothing could be measured. */
const blindSpacing = 50;
/** Nobody wants to call for so long: that says nothing about what the server allows. */
const idle = 1_000;
/** What is tried after a 429: a little less than what got through before. */
const caution = 1.03;
/** On a busy machine calls bunch, and less gets through than might: one bad measurement must not cost minutes. */
const largestStep = 1.3;
/** For so long the measured speed is about kept (6 % faster after 20 s); then it is tried how much more there is (seven times after a minute). */
const patience = 50_000;
/**
 * The first 429 comes after a burst that the server had in store, so it measures nothing: the next one, which should come
 * soon, does.
 */
const firstPatience = 5_000;

/**
 * Keeps to the given rates, and finds the server's own after a 429. ThingsBoard's bucket is the tenant's, shared with the
 * web interface and with other scripts, so the right rate can't be known beforehand, and no answer tells it; each breach
 * also notifies the tenant's administrators. But at a 429 the bucket is empty, so what got through between two of them is
 * what flowed into it: that is the speed to keep, evenly, and to exceed with care. (A curve like that of TCP CUBIC.)
 */
export function pace(rates: readonly Rate[], clock: Clock): Pace {
    const longest = Math.max(0, ...rates.map(rate => rate.count));
    const begun: Milliseconds[] = [];
    let previous = Promise.resolve();
    let lastBegin = -Infinity;
    let pausedUntil = -Infinity;
    /** Distance between calls right after the last breach. */
    let spacing = 0;
    let breach = -Infinity;
    let breachesInARow = 0;
    let measuredFrom: Milliseconds | undefined;
    let passed = 0;
    let measured = false;

    return {
        turn() {
            previous = previous.then(begin);
            return previous;
        },

        tooFast(began) {
            const now = clock.now();
            // Calls that were in flight together breach together: that counts once.
            if (began <= breach) return;
            if (passed > 0 && measuredFrom !== undefined) {
                const most = measured && spacingAt(now) > 0 ? spacingAt(now) * largestStep : longestSpacing;
                measured = breach > -Infinity;
                spacing = Math.min(longestSpacing, most, ((now - measuredFrom) / passed) * (measured ? caution : 1));
                measuredFrom = now;
                passed = 0;
                breachesInARow = 0;
            } else spacing = Math.max(blindSpacing, spacing);
            breach = now;
            pausedUntil = Math.max(pausedUntil, now + Math.min(longestPause, firstPause * 2 ** breachesInARow++));
        },

        rest(duration) {
            pausedUntil = Math.max(pausedUntil, clock.now() + duration);
        },

        resting: () => Math.max(0, pausedUntil - clock.now()),

        fine(began) {
            if (began > breach) passed++;
        },
    };

    async function begin(): Promise<void> {
        const asked = clock.now();
        measuredFrom ??= asked;
        const unused = asked - Math.max(lastBegin, breach);
        if (unused > idle && unused < Infinity) measuredFrom = Math.min(asked, measuredFrom + unused);
        for (let wait = waitFrom(asked); wait > 0; wait = waitFrom(clock.now())) await clock.sleep(wait);
        lastBegin = clock.now();
        if (longest > 0) begun.push(lastBegin);
        if (begun.length > longest) begun.shift();
    }

    function waitFrom(now: Milliseconds): Milliseconds {
        const until = rates.map(({ count, period }) => (begun.at(-count) ?? -Infinity) + period);
        return Math.max(0, pausedUntil - now, lastBegin + spacingAt(now) - now, ...until.map(time => time - now));
    }

    function spacingAt(now: Milliseconds): Milliseconds {
        const current = spacing / Math.exp(((now - breach) / (measured ? patience : firstPatience)) ** 3);
        return current < 1 ? 0 : current;
    }
}
