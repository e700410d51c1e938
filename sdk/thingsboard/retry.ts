// When a call is made again, and after how long.

import type { Clock } from "./clock";
import type { ApiError } from "./errors";
import { isApiError } from "./errors";
import type { Milliseconds } from "./model";

/** What repeating may do: nothing new (`safe`), or a second thing if the first try got through (`unsafe`). */
export type Repeating = "safe" | "unsafe";

const tries = 7;
/** For how long a call is made again. */
export const defaultPatience: Milliseconds = 90_000;
const firstPause: Milliseconds = 1_000;
const longestPause: Milliseconds = 30_000;

/** Before a server has ever answered, a wrong address is likelier than a short outage: that should be said soon. */
const triesBeforeFirstAnswer = 3;

/** A server error that a second look may mend; it shouldn't hold up the bad news for a minute. */
const triesAfterServerError = 3;

/** 1, 2, 4, 8, 16, 30 seconds, each give or take a quarter: calls that failed together don't come back together. */
export function pauseBefore(retry: number, random: () => number): Milliseconds {
    return Math.min(longestPause, firstPause * 2 ** (retry - 1)) * (0.75 + 0.5 * random());
}

export interface RetryDependencies {
    readonly clock: Clock;
    readonly random: () => number;
    readonly log: (line: string) => void;
    /** Whether this server has ever answered. */
    readonly hasAnswered: () => boolean;
    /** For how long nobody calls anyway, since the server asked for that. */
    readonly resting: () => Milliseconds;
    readonly patience: Milliseconds;
}

/** @param attempt calls `begin` when its turn has come: waiting for that is no reason to give up earlier */
export async function withRetries<Result>(
    attempt: (begin: () => void) => Promise<Result>,
    method: string,
    repeating: Repeating,
    { clock, random, log, hasAnswered, resting, patience }: RetryDependencies,
): Promise<Result> {
    let spent = 0;
    for (let tried = 1; ; tried++) {
        let began = clock.now();
        try {
            return await attempt(() => (began = clock.now()));
        } catch (error) {
            const pause = pauseBefore(tried, random);
            spent += clock.now() - began + pause;
            if (!isApiError(error) || spent > patience || tried >= triesAllowed(error, method, repeating, hasAnswered())) throw error;
            log(`${error.message} (trying again in ${(Math.max(pause, resting()) / 1_000).toFixed(1)} s)`);
            await clock.sleep(pause);
        }
    }
}

export function triesAllowed(error: ApiError, method: string, repeating: Repeating, hasAnswered: boolean): number {
    if (error.mayHaveHappened && repeating === "unsafe") return 1;
    switch (error.kind) {
        case "rateLimited":
            return tries;
        case "unreachable":
        case "timeout":
            return hasAnswered ? tries : triesBeforeFirstAnswer;
        case "server":
            return triesAfterAnswer(error, method);
        default:
            return 1;
    }
}

function triesAfterAnswer({ status, serverMessage }: ApiError, method: string): number {
    if (status === 502 || status === 503 || status === 504) return tries;
    if (method === "GET") return triesAfterServerError;
    // What deletes are told that waited in vain for a database connection; they have not begun.
    if (method === "DELETE" && serverMessage?.startsWith("Could not open JPA EntityManager")) return tries;
    return 1;
}
