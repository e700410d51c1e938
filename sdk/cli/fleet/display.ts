// One display for many shards: a line for each that ends, and now and then one for all of them.
import type { Progress } from "../frame/terminal";
import type { Operation } from "./run";

export interface Display {
    began(shard: string): void;
    /** Something that Pulumi printed. */
    heard(shard: string, text: string): void;
    done(shard: string, seconds: number, changes: Readonly<Record<string, number | undefined>>): void;
    failed(shard: string, reason: string, log: string): void;
    /** In the order in which they ended. */
    end(): readonly ShardOutcome[];
}

export interface ShardOutcome {
    readonly stack: string;
    readonly ok: boolean;
    readonly seconds?: number;
    readonly changes?: Readonly<Record<string, number | undefined>>;
    /** Why it failed, and where the rest is. */
    readonly reason?: string;
    readonly log?: string;
}

/** A line in a log now and then; on a terminal the last line is always fresh. */
const everyMs = { log: 15_000, live: 500 };

export function createDisplay(operation: Operation, shards: number, { say, now, live }: Pick<Progress, "say" | "now" | "live">): Display {
    const running = new Set<string>();
    const devices = new Map<string, number>();
    const failures = new Map<string, string>();
    let finished = 0;
    const began = performance.now();
    const outcomes: ShardOutcome[] = [];
    const timer = setInterval(() => (live ? now(line()) : say(line())), live ? everyMs.live : everyMs.log);
    timer.unref();

    return {
        began: shard => void running.add(shard),
        heard(shard, text) {
            for (const [, count] of text.matchAll(/fleet "[^"]*": ([\d,]+)(?: of [\d,]+)? devices,/g)) devices.set(shard, Number(count!.replaceAll(",", "")));
        },
        done(shard, seconds, changes) {
            leave(shard);
            outcomes.push({ stack: shard, ok: true, seconds: Math.round(seconds * 10) / 10, changes });
            const told = Object.entries(changes).filter(([, count]) => count !== undefined && count > 0).map(([what, count]) => `${count} ${what}`);
            say(`${shard}: ${operation} done in ${seconds.toFixed(0)} s (${told.join(", ") || "nothing to do"})`);
        },
        failed(shard, reason, log) {
            leave(shard);
            failures.set(shard, reason);
            outcomes.push({ stack: shard, ok: false, reason, log });
            say(`${shard}: ${operation} failed: ${reason} (${log})`);
        },
        end() {
            clearInterval(timer);
            say(`${operation}: ${finished - failures.size} of ${shards} shards done${failures.size === 0 ? "" : `, ${failures.size} failed (${[...failures.keys()].join(", ")})`}, in ${duration()}`);
            return outcomes;
        },
    };

    function leave(shard: string): void {
        running.delete(shard);
        finished++;
    }

    function line(): string {
        const sum = [...devices.values()].reduce((total, count) => total + count, 0);
        const seen = sum === 0 ? "" : `; ${sum.toLocaleString("en")} devices so far, ${Math.round(sum / ((performance.now() - began) / 1000))} a second`;
        return `${operation}: ${finished} of ${shards} shards ended, ${running.size} running${failures.size === 0 ? "" : `, ${failures.size} failed`}, ${duration()}${seen}`;
    }

    function duration(): string {
        const seconds = Math.round((performance.now() - began) / 1000);
        return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
    }
}
