// How the distance between calls grows and melts, to the millisecond; and who is next.

import { expect, test } from "vitest";
import { places } from "../../../sdk/thingsboard/limits";
import { pace } from "../../../sdk/thingsboard/pace";
import { testClock } from "./support";

test("a good answer ends the doubling of pauses; one that began before the breach does not", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    const breach = async () => {
        clock.advance(1);
        const began = clock.now();
        paced.tooFast(began);
        await paced.turn();
        return clock.now() - began;
    };
    expect([await breach(), await breach(), await breach()]).toEqual([1_000, 2_000, 4_000]);
    paced.fine(0);
    expect(await breach()).toBe(8_000);
    paced.fine(clock.now());
    // The pause is a second again; the distance, which was measured by then, is longer.
    expect(await breach()).toBeLessThanOrEqual(2_000);
});

test("what got through between two breaches is the speed from then on, a little less at first", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    paced.tooFast(clock.now());
    for (let call = 0; call < 50; call++) {
        await paced.turn();
        paced.fine(clock.now());
        clock.advance(40);
    }
    const passed = 50;
    const took = clock.now() - Date.parse("2026-01-01T00:00:00Z");
    paced.tooFast(clock.now());
    await paced.turn();
    const began = clock.now();
    await paced.turn();
    expect(clock.now() - began).toBeCloseTo((took / passed) * 1.03, 0);
});

test("the distance between calls grows to two seconds and no further", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    for (let breach = 0; breach < 4; breach++) {
        clock.advance(1);
        paced.tooFast(clock.now());
        await paced.turn();
    }
    paced.fine(clock.now());
    clock.advance(1);
    paced.tooFast(clock.now());
    await paced.turn();
    const began = clock.now();
    await paced.turn();
    expect(clock.now() - began).toBeCloseTo(2_000, 0);
});

test("a call that began before the last breach says nothing new, but its Retry-After counts", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    const began = clock.now();
    clock.advance(10);
    paced.tooFast(began);
    clock.advance(10);
    paced.tooFast(began);
    paced.rest(9_000);
    await paced.turn();
    expect(clock.now() - began).toBe(9_020);
});

test("a shorter Retry-After doesn't shorten the pause", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    const began = clock.now();
    paced.rest(7_000);
    paced.rest(10);
    await paced.turn();
    expect(clock.now() - began).toBe(7_000);
});

test("a place that is given back is taken by the next in line, also among deletes", async () => {
    const gate = places();
    const order: number[] = [];
    const tight = { concurrency: 1, deleteConcurrency: 1 };
    const first = await gate.take("other", tight, "x");
    const rest = (["delete", "other", "delete", "other"] as const).map((lane, number) => gate.take(lane, tight, "x").then(giveBack => (order.push(number), giveBack())));
    first();
    await Promise.all(rest);
    expect(order).toEqual([0, 1, 2, 3]);
});

test("among those who ask for the first time, it is first come first served, whatever they ask for", async () => {
    for (const lanes of [["other", "delete", "other"], ["delete", "other", "delete"]] as const) {
        const gate = places();
        const order: number[] = [];
        const tight = { concurrency: 1, deleteConcurrency: 1 };
        const first = await gate.take("other", tight, "x");
        const rest = lanes.map((lane, number) => gate.take(lane, tight, `client ${number}`).then(giveBack => (order.push(number), giveBack())));
        first();
        await Promise.all(rest);
        expect(order).toEqual([0, 1, 2]);
    }
});

/** Calls that are answered well, one after the other. */
async function calls(paced: ReturnType<typeof pace>, clock: ReturnType<typeof testClock>, count: number, each: number): Promise<void> {
    for (let call = 0; call < count; call++) {
        await paced.turn();
        paced.fine(clock.now());
        clock.advance(each);
    }
}

/** How far the next two calls are from each other. */
async function distance(paced: ReturnType<typeof pace>, clock: ReturnType<typeof testClock>): Promise<number> {
    await paced.turn();
    const began = clock.now();
    await paced.turn();
    return clock.now() - began;
}

test("the first breach measures what the server had in store: kept for seconds, not minutes", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    await calls(paced, clock, 50, 40);
    paced.tooFast(clock.now());
    expect(await distance(paced, clock)).toBeCloseTo(40, 0);
    clock.advance(12_000);
    expect(await distance(paced, clock)).toBe(0);
});

test("hours in which nobody calls are not measured", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    const began = clock.now();
    paced.tooFast(began);
    await calls(paced, clock, 25, 40);
    clock.advance(3_600_000);
    await calls(paced, clock, 25, 40);
    const busy = clock.now() - began - 3_600_040;
    paced.tooFast(clock.now());
    expect(await distance(paced, clock)).toBeCloseTo((busy / 50) * 1.03, 0);
});

test("little that got through once, on a busy machine, makes calls slower by less than a third", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    paced.tooFast(clock.now());
    await calls(paced, clock, 200, 100);
    paced.tooFast(clock.now());
    const before = await distance(paced, clock);
    await calls(paced, clock, 3, 900);
    paced.tooFast(clock.now());
    expect((await distance(paced, clock)) / before).toBeCloseTo(1.3, 1);
});

test("a speed that was found long ago doesn't bind the one that is found now", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    paced.tooFast(clock.now());
    await calls(paced, clock, 100, 100);
    paced.tooFast(clock.now());
    await calls(paced, clock, 30_000, 10);
    expect(await distance(paced, clock)).toBe(0);
    paced.tooFast(clock.now());
    expect(await distance(paced, clock)).toBeGreaterThan(10);
});

test("what began in the millisecond of a breach belongs to it, for good and for bad", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    const began = clock.now();
    paced.tooFast(began);
    paced.tooFast(began);
    await paced.turn();
    expect(clock.now() - began).toBe(1_000);
    const breach = clock.now();
    paced.tooFast(breach);
    paced.fine(breach);
    clock.advance(1);
    paced.tooFast(clock.now());
    await paced.turn();
    // Three in a row, with nothing good in between.
    expect(clock.now() - breach).toBe(4_001);
});

test("a distance of less than a millisecond is none", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    paced.tooFast(clock.now());
    clock.advance(8_300);
    clock.slept.length = 0;
    for (let call = 0; call < 10; call++) await paced.turn();
    expect(clock.slept).toEqual([]);
});
