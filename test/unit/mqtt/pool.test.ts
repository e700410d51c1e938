import fc from "fast-check";
import { expect, it } from "vitest";
import { createPool } from "../../../sdk/mqtt/pool";

it("runs no more than its limit at once, each task once, in the order in which they came", async () => {
    await fc.assert(
        fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 4 }), fc.array(fc.boolean(), { maxLength: 20 }), async (scheduler, limit, fates) => {
            const pool = createPool(limit);
            const begun: number[] = [];
            let running = 0, most = 0;
            const results = fates.map((succeeds, index) =>
                pool.run(async () => {
                    begun.push(index);
                    most = Math.max(most, ++running);
                    await scheduler.schedule(Promise.resolve());
                    running--;
                    if (!succeeds) throw new Error(String(index));
                    return index;
                }),
            );
            const settled = Promise.allSettled(results);
            await scheduler.waitFor(settled);
            expect(begun).toEqual(fates.map((_, index) => index));
            expect(most).toBe(Math.min(limit, fates.length));
            expect((await settled).map(({ status }) => status === "fulfilled")).toEqual(fates);
        }),
    );
});

it("lets nobody pass those who wait", async () => {
    const pool = createPool(1);
    const order: string[] = [];
    const first = pool.run(async () => void order.push("first"));
    const second = pool.run(async () => void order.push("second"));
    const late = first.then(() => pool.run(async () => void order.push("late")));
    await Promise.all([first, second, late]);
    expect(order).toEqual(["first", "second", "late"]);
});

it.each([0, -1, 1.5, Number.NaN])("rejects a limit of %d", limit => {
    expect(() => createPool(limit)).toThrow(RangeError);
});
