import { describe, expect, it } from "vitest";
import { type Clock, type Connectivity, observe } from "../../../sdk/mqtt/observe";

/** Time passes only while somebody sleeps, and whoever sleeps shortest wakes first. */
function testClock(): Clock & { at: number } {
    const sleeping: { until: number; wake: () => void }[] = [];
    const clock = {
        at: 0,
        now: () => clock.at,
        sleep: (ms: number, signal?: AbortSignal) =>
            new Promise<void>(resolve => {
                const sleeper = { until: clock.at + ms, wake: resolve };
                sleeping.push(sleeper);
                signal?.addEventListener("abort", () => (sleeping.splice(sleeping.indexOf(sleeper), 1), resolve()));
                setImmediate(wakeNext);
            }),
    };
    function wakeNext(): void {
        const next = sleeping.sort((a, b) => a.until - b.until).shift();
        if (!next) return;
        clock.at = Math.max(clock.at, next.until);
        next.wake();
    }
    return clock;
}

describe("observe", () => {
    it("ends at the first connection after the binding", async () => {
        const clock = testClock();
        const poll = async (): Promise<Connectivity> => (clock.at < 5000 ? { lastConnectTime: 900, active: true } : { lastConnectTime: 1500, active: false });
        expect(await observe(poll, { since: 1000, timeoutSeconds: 60 }, clock)).toEqual({
            connected: true, connectedAt: 1500, waitedMs: 6000, last: { lastConnectTime: 1500, active: false },
        });
    });

    it("does not count a connection from before, nor from the very moment", async () => {
        const observed = await observe(async () => ({ lastConnectTime: 1000 }), { since: 1000, timeoutSeconds: 10, intervalSeconds: 3 }, testClock());
        expect(observed).toEqual({ connected: false, waitedMs: 10_000, last: { lastConnectTime: 1000 } });
    });

    it("says nothing about a device that was never seen", async () => {
        expect(await observe(async () => ({}), { since: 0, timeoutSeconds: 4 }, testClock())).toEqual({ connected: false, waitedMs: 4000, last: {} });
    });

    it("leaves a poll behind that hangs", async () => {
        expect(await observe(() => new Promise(() => undefined), { since: 0, timeoutSeconds: 7 }, testClock())).toEqual({ connected: false, waitedMs: 7000 });
    });

    it("passes errors on", async () => {
        await expect(observe(() => Promise.reject(new Error("the device was deleted")), { since: 0, timeoutSeconds: 7 }, testClock())).rejects.toThrow("the device was deleted");
    });

    it("looks once even without time, and leaves no timer behind", async () => {
        expect(await observe(async () => ({ lastConnectTime: 2 }), { since: 1, timeoutSeconds: 3600 })).toMatchObject({ connected: true });
        expect(process.getActiveResourcesInfo().filter(kind => kind === "Timeout").length).toBeLessThan(5);
    });
});
