import fc from "fast-check";
import { expect, test } from "vitest";
import { type Lane, places } from "../../../sdk/thingsboard/limits";
import { pace } from "../../../sdk/thingsboard/pace";
import { type TestClock, testClock } from "./support";

const caps = { concurrency: 8, deleteConcurrency: 4 };
const lane = fc.constantFrom<Lane>("delete", "other");

test("never more in flight than allowed, and everybody gets a turn", async () => {
    await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(lane, fc.nat(5)), { maxLength: 60 }), async jobs => {
            const gate = places();
            const inFlight = { delete: 0, other: 0 };
            let done = 0;
            await Promise.all(
                jobs.map(async ([lane, turns]) => {
                    const giveBack = await gate.take(lane, caps, String(turns));
                    inFlight[lane]++;
                    expect(inFlight.delete).toBeLessThanOrEqual(4);
                    expect(inFlight.delete + inFlight.other).toBeLessThanOrEqual(8);
                    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
                    inFlight[lane]--;
                    done++;
                    giveBack();
                    giveBack();
                }),
            );
            expect(done).toBe(jobs.length);
        }),
    );
});

test("first come first served, but calls pass deletes that wait for deletes", async () => {
    const gate = places();
    const order: string[] = [];
    const tight = { concurrency: 2, deleteConcurrency: 1 };
    const first = await gate.take("delete", tight, "x");
    const rest = [
        gate.take("delete", tight, "x").then(giveBack => (order.push("delete"), giveBack())),
        gate.take("other", tight, "x").then(giveBack => (order.push("a"), giveBack())),
        gate.take("other", tight, "x").then(giveBack => (order.push("b"), giveBack())),
    ];
    await rest[2];
    first();
    await Promise.all(rest);
    expect(order).toEqual(["a", "b", "delete"]);
});

test("whoever asks for little waits for one call of each other, however much they ask for", async () => {
    await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 3 }), async (greedy, concurrency) => {
            const gate = places();
            const order: string[] = [];
            const caps = { concurrency, deleteConcurrency: concurrency };
            const call = (who: string) => gate.take("other", caps, who).then(async giveBack => {
                order.push(who);
                await Promise.resolve();
                giveBack();
            });
            const all = greedy.flatMap((count, index) => Array.from({ length: count }, () => call(`greedy ${index}`)));
            const modest = (async () => {
                await call("modest");
                await call("modest");
            })();
            await Promise.all([...all, modest]);
            const [first = -1, second = -1] = order.flatMap((who, index) => (who === "modest" ? [index] : []));
            // What is in flight or in line already when it asks, and one of each.
            expect(first).toBeLessThanOrEqual(greedy.length + concurrency);
            expect(second - first).toBeLessThanOrEqual(greedy.length + 2 * concurrency);
            expect(order).toHaveLength(all.length + 2);
        }),
    );
});

test("in any period no more calls begin than the rates say", async () => {
    const rate = fc.record({ count: fc.integer({ min: 1, max: 20 }), period: fc.integer({ min: 10, max: 5_000 }) });
    await fc.assert(
        fc.asyncProperty(fc.array(rate, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 60 }), async (rates, calls) => {
            const clock = testClock();
            const paced = pace(rates, clock);
            const begun: number[] = [];
            await Promise.all(Array.from({ length: calls }, () => paced.turn().then(() => begun.push(clock.now()))));
            for (const { count, period } of rates) {
                for (let i = count; i < begun.length; i++) expect((begun[i] ?? 0) - (begun[i - count] ?? 0)).toBeGreaterThanOrEqual(period);
            }
        }),
        { numRuns: 60 },
    );
});

test("without rates nobody waits", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    for (let i = 0; i < 100; i++) await paced.turn();
    expect(clock.slept).toEqual([]);
});

test("a 429 stops everybody for a second and spaces what follows; breaches in flight together count once", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    const began = clock.now();
    clock.advance(20);
    for (let i = 0; i < 8; i++) paced.tooFast(began);
    await paced.turn();
    expect(clock.now() - began).toBe(1_020);
    await paced.turn();
    expect(clock.now() - began).toBeCloseTo(1_070, 0);
});

test("breaches in a row double the pause, up to half a minute", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    const pauses: number[] = [];
    for (let breach = 0; breach < 7; breach++) {
        clock.advance(1);
        const before = clock.now();
        paced.tooFast(before);
        await paced.turn();
        pauses.push(Math.round((clock.now() - before) / 1_000));
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 30, 30]);
});

test("a minute or two without a breach, and nobody waits any more", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    paced.tooFast(clock.now());
    clock.advance(120_000);
    clock.slept.length = 0;
    for (let i = 0; i < 10; i++) await paced.turn();
    expect(clock.slept).toEqual([]);
});

/** ThingsBoard's: full at first, filled evenly, and all of it can go at once. */
function bucket(capacity: number, period: number, clock: TestClock) {
    let left = capacity;
    let filled = clock.now();
    return {
        take(): boolean {
            const now = clock.now();
            left = Math.min(capacity, left + ((now - filled) / period) * capacity);
            filled = now;
            if (left < 1) return false;
            left--;
            return true;
        },
    };
}

test("whatever the limit is, it is found, nearly used up, and hardly ever exceeded", async () => {
    const limit = fc.oneof(
        fc.record({ capacity: fc.integer({ min: 2, max: 200 }), period: fc.constant(1_000) }),
        fc.record({ capacity: fc.integer({ min: 100, max: 5_000 }), period: fc.constant(60_000) }),
    );
    await fc.assert(
        fc.asyncProperty(limit, fc.integer({ min: 1, max: 40 }), async ({ capacity, period }, latency) => {
            const clock = testClock();
            const paced = pace([], clock);
            const server = bucket(capacity, period, clock);
            const rate = capacity / period;
            const wanted = capacity + Math.ceil(rate * 300_000);
            const began = clock.now();
            const possible = Math.max((wanted - capacity) / rate, (wanted / 8) * latency);
            const longest = possible * 1.1 + 3_000;
            const most = 20 + wanted * 0.02;
            let done = 0;
            let refused = 0;
            // Eight in flight, as a client has them; no further than until it is known.
            const worker = async () => {
                while (done < wanted && refused < most && clock.now() - began < longest) {
                    await paced.turn();
                    const at = clock.now();
                    const good = server.take();
                    await clock.sleep(latency);
                    if (good) {
                        paced.fine(at);
                        done++;
                    } else {
                        paced.tooFast(at);
                        refused++;
                    }
                }
            };
            await Promise.all(Array.from({ length: 8 }, worker));
            expect(clock.now() - began).toBeLessThan(longest);
            expect(refused).toBeLessThan(most);
        }),
        { numRuns: 12 },
    );
}, 60_000);

test("a Retry-After is obeyed", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    const began = clock.now();
    paced.tooFast(began);
    paced.rest(7_000);
    expect(paced.resting()).toBe(7_000);
    await paced.turn();
    expect(clock.now() - began).toBe(7_000);
    expect(paced.resting()).toBe(0);
});
