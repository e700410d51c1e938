import fc from "fast-check";
import { expect, test } from "vitest";
import { type Lane, pace, places } from "../../../sdk/thingsboard/limits";
import { testClock } from "./support";

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
                    const giveBack = await gate.take(lane, caps);
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
    const first = await gate.take("delete", tight);
    const rest = [
        gate.take("delete", tight).then(giveBack => (order.push("delete"), giveBack())),
        gate.take("other", tight).then(giveBack => (order.push("a"), giveBack())),
        gate.take("other", tight).then(giveBack => (order.push("b"), giveBack())),
    ];
    await rest[2];
    first();
    await Promise.all(rest);
    expect(order).toEqual(["a", "b", "delete"]);
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
    expect(clock.now() - began).toBe(1_070);
});

test("breaches in a row double pause and distance; good answers melt them", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    for (let breach = 0; breach < 12; breach++) {
        clock.advance(1);
        paced.tooFast(clock.now());
        await paced.turn();
    }
    expect(Math.max(...clock.slept)).toBe(30_000);
    for (let good = 0; good < 400; good++) paced.fine();
    clock.slept.length = 0;
    for (let i = 0; i < 10; i++) await paced.turn();
    expect(clock.slept).toEqual([]);
});

test("a Retry-After is obeyed", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    const began = clock.now();
    paced.tooFast(began, 7_000);
    await paced.turn();
    expect(clock.now() - began).toBe(7_000);
});
