// How the distance between calls grows and melts, to the millisecond; and who is next.

import { expect, test } from "vitest";
import { pace, places } from "../../../sdk/thingsboard/limits";
import { testClock } from "./support";

test("a good answer ends the doubling of pauses, not the distance", async () => {
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
    paced.fine();
    expect(await breach()).toBe(1_000);
    const began = clock.now();
    await paced.turn();
    // 50, 100, 200, melted by 2 % once, doubled again.
    expect(clock.now() - began).toBe(392);
});

test("the distance between calls grows to two seconds and no further", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    for (let breach = 0; breach < 20; breach++) {
        clock.advance(1);
        paced.tooFast(clock.now());
    }
    await paced.turn();
    const began = clock.now();
    await paced.turn();
    expect(clock.now() - began).toBe(2_000);
});

test("a call that began before the last breach says nothing new, but its Retry-After counts", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    const began = clock.now();
    clock.advance(10);
    paced.tooFast(began);
    clock.advance(10);
    paced.tooFast(began, 9_000);
    await paced.turn();
    expect(clock.now() - began).toBe(9_020);
    const next = clock.now();
    await paced.turn();
    expect(clock.now() - next).toBe(50);
});

test("a shorter Retry-After doesn't shorten the pause", async () => {
    const clock = testClock();
    const paced = pace([], clock);
    const began = clock.now();
    paced.tooFast(began, 7_000);
    paced.tooFast(began, 10);
    await paced.turn();
    expect(clock.now() - began).toBe(7_000);
});

test("a place that is given back is taken by the next in line, also among deletes", async () => {
    const gate = places();
    const order: number[] = [];
    const tight = { concurrency: 1, deleteConcurrency: 1 };
    const first = await gate.take("other", tight);
    const rest = (["delete", "other", "delete", "other"] as const).map((lane, number) => gate.take(lane, tight).then(giveBack => (order.push(number), giveBack())));
    first();
    await Promise.all(rest);
    expect(order).toEqual([0, 1, 2, 3]);
});
