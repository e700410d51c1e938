// Lines about a fleet in work: how far, how fast, how long still.

import { fleetName } from "./words";

export interface Progress {
    /** What a batch will have to do, as soon as that is known. */
    expect(batch: number, devices: number): void;
    begin(batch: number, devices: number): void;
    done(): void;
    failed(): void;
    end(): void;
}

export interface ProgressDependencies {
    readonly say: (line: string) => void;
    readonly now: () => number;
    /** @returns what cancels it */
    readonly after: (ms: number, run: () => void) => () => void;
}

/** Often enough to see that it goes on, seldom enough for a log: 5, 15 and 30 s after the beginning, then each half minute. */
const pausesMs = [5_000, 10_000, 15_000, 30_000];

export function createProgress(fleet: string, { say, now, after }: ProgressDependencies): Progress {
    const expected = new Map<number, number>();
    let active = 0;
    let done = 0;
    let failed = 0;
    let began = 0;
    let told = 0;
    /** A batch began that nobody had announced, as in destroy: more may come. */
    let open = false;
    let cancel: (() => void) | undefined;

    return {
        expect: (batch, devices) => void expected.set(batch, devices),
        begin(batch, devices) {
            if (!expected.has(batch)) open = true;
            expected.set(batch, devices);
            active++;
            if (cancel) return;
            began = now();
            schedule();
        },
        done: () => void done++,
        failed: () => void failed++,
        end() {
            active--;
            if (active > 0 || done + failed < total()) return;
            cancel?.();
            if (told > 0) say(line());
            cancel = undefined;
            done = failed = told = 0;
            open = false;
            expected.clear();
        },
    };

    function schedule(): void {
        cancel = after(pausesMs[Math.min(told, pausesMs.length - 1)]!, () => {
            // Between two batches there is nothing to tell, and perhaps nothing to come.
            if (active > 0) {
                told++;
                say(line());
            }
            schedule();
        });
    }

    function total(): number {
        return [...expected.values()].reduce((sum, devices) => sum + devices, 0);
    }

    function line(): string {
        const finished = done + failed;
        const seconds = Math.max(0.001, (now() - began) / 1000);
        const rate = finished / seconds;
        const left = total() - finished;
        const count = open ? thousands(finished) : `${thousands(finished)} of ${thousands(Math.max(total(), finished))}`;
        const rest = open || left <= 0 ? `in ${duration(seconds)}` : `about ${duration(left / rate)} left`;
        return `${fleetName(fleet)}: ${count} devices, ${rate < 10 ? rate.toFixed(1) : Math.round(rate)} a second, ${rest}${failed === 0 ? "" : `, ${thousands(failed)} failed`}`;
    }
}

const thousands = (count: number): string => count.toLocaleString("en");

function duration(seconds: number): string {
    if (!Number.isFinite(seconds)) return "an unknown time";
    if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
    return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
