// Rate limits as ThingsBoard writes them: "100:1,2000:60", capacity and seconds, all of them at once.
import type { Milliseconds } from "./entities";

interface Bucket {
    readonly capacity: number;
    readonly perMillisecond: number;
    tokens: number;
    filled: Milliseconds;
}

export interface RateLimits {
    /** Takes one; false if there is none left. */
    take(who: string, limit: string | undefined, now: Milliseconds): boolean;
}

export function createRateLimits(): RateLimits {
    const buckets = new Map<string, Bucket[]>();
    return {
        take: (who, limit, now) => {
            if (!limit) return true;
            const key = `${who} ${limit}`;
            let all = buckets.get(key);
            if (!all) buckets.set(key, (all = parse(limit, now)));
            for (const bucket of all) {
                bucket.tokens = Math.min(bucket.capacity, bucket.tokens + Math.max(0, now - bucket.filled) * bucket.perMillisecond);
                bucket.filled = now;
            }
            if (all.some((bucket) => bucket.tokens < 1)) return false;
            for (const bucket of all) bucket.tokens--;
            return true;
        },
    };
}

const parse = (limit: string, now: Milliseconds): Bucket[] =>
    limit.split(",").flatMap((part) => {
        const [capacity = NaN, seconds = NaN] = part.split(":").map(Number);
        return capacity > 0 && seconds > 0 ? [{ capacity, perMillisecond: capacity / seconds / 1000, tokens: capacity, filled: now }] : [];
    });
