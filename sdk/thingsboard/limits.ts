// How many calls may be in flight, and whose turn it is.

export type Lane = "delete" | "other";

/** Places for calls in flight. One for all clients of a server: what counts is what the server sees. */
export interface Places {
    /**
     * Waits for a place, and answers with what gives it back. First come first served for each `who`, and in turn among
     * them: a fleet of thousands does not hold up the one device beside it.
     */
    take(lane: Lane, caps: Caps, who: string): Promise<() => void>;
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
    /** Whoever asks again while others wait has its turn in a later round. */
    const rounds = new Map<string, number>();
    let round = 0;
    let asked = 0;

    return {
        take(lane, caps, who) {
            const mine = Math.max(round, (rounds.get(who) ?? -1) + 1);
            rounds.set(who, mine);
            return new Promise(resolve => {
                line(waiting[lane], { round: mine, number: asked++, lane, caps, start: () => resolve(once(() => giveBack(lane))) });
                startNext();
            });
        },
    };

    function startNext(): void {
        for (let next = firstInLine(); next; next = firstInLine()) {
            waiting[next.lane].shift();
            inFlight[next.lane]++;
            round = Math.max(round, next.round);
            next.start();
        }
        if (waiting.delete.length + waiting.other.length > 0) return;
        rounds.clear();
        round = 0;
    }

    /** A delete that has to wait for other deletes is passed by calls that don't. */
    function firstInLine(): Waiter | undefined {
        const heads = [waiting.delete[0], waiting.other[0]].filter(head => head !== undefined);
        return heads.sort(earlier).find(mayStart);
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
    readonly round: number;
    readonly number: number;
    readonly lane: Lane;
    readonly caps: Caps;
    readonly start: () => void;
}

const earlier = (a: Waiter, b: Waiter): number => a.round - b.round || a.number - b.number;

/** Mostly its place is at the end, or near it. */
function line(waiters: Waiter[], waiter: Waiter): void {
    let at = waiters.length;
    while (at > 0 && earlier(waiter, waiters[at - 1]!) < 0) at--;
    waiters.splice(at, 0, waiter);
}

function once(action: () => void): () => void {
    let done = false;
    return () => {
        if (done) return;
        done = true;
        action();
    };
}
