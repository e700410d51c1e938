// When a certificate falls due, and which of two pairs is bound: decided from state, inputs and time alone.

import { runtime } from "@pulumi/pulumi";
import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type ActivationState, activation, activePair } from "../../../sdk/reconcilers/activation";
import type { RenewalInputs, RenewalState } from "../../../sdk/reconcilers/renewal";

const day = 86_400_000;
const issued = Date.parse("2026-01-01T00:00:00Z");

let count = 0;
const declared = (rest: Partial<RenewalInputs> = {}): RenewalInputs => ({ certificate: "pump-1", afterDays: 100, jitterDays: 0, issuedFrom: "CN=pump-1", declaredBy: `project/stack/${count++}`, ...rest });

const of = (inputs: RenewalInputs, rest: Partial<RenewalState> = {}): RenewalState => ({ ...inputs, stateVersion: 1, generation: 1, since: issued, ...rest });

let renewal: typeof import("../../../sdk/reconcilers/renewal").renewal;
beforeEach(async () => {
    // What was renewed in this deployment is remembered by the module.
    vi.resetModules();
    ({ renewal } = await import("../../../sdk/reconcilers/renewal"));
});

/** So many days after the certificate was issued. */
const after = (days: number) => renewal(() => new Date(issued + days * day));
const due = async (state: RenewalState, news: RenewalInputs, days: number) => (await after(days).diff("id", state, news)).changes === true;

describe("renewal", () => {
    test("begins with generation 1, now; a second pair begins as a spare that was never given out", async () => {
        expect((await after(0).create(declared())).outs).toMatchObject({ generation: 1, since: issued });
        expect((await after(0).create(declared({ follows: issued }))).outs).toMatchObject({ generation: 1, since: 0 });
    });

    test("falls due to the millisecond, stays due, and counts anew from the issue", async () => {
        const inputs = declared();
        const state = of(inputs);
        expect(await after(100 - 1 / day).diff("id", state, inputs)).toEqual({ changes: false });
        expect(await due(state, inputs, 100)).toBe(true);
        expect(await due(state, inputs, 5_000)).toBe(true);
        const { outs } = await after(100).update("id", state, inputs);
        expect(outs).toEqual({ ...state, generation: 2, since: issued + 100 * day });
        expect(await due(outs!, inputs, 199.9)).toBe(false);
        expect(await due(outs!, inputs, 200)).toBe(true);
    });

    test("never comes where no days are given", async () => {
        const { afterDays: _never, ...inputs } = declared();
        expect(await after(36_500).diff("id", of(inputs), inputs)).toEqual({ changes: false });
    });

    test("is spread: earlier by less than the jitter, the same for a name each time, and not the same for all", async () => {
        const firstDay = async (certificate: string) => {
            const inputs = declared({ certificate, jitterDays: 10 });
            for (let days = 89; days <= 100; days++) if (await due(of(inputs), inputs, days)) return days;
            return undefined;
        };
        const days = await Promise.all(Array.from({ length: 200 }, (_, number) => firstDay(`pump-${number}`)));
        expect(days.every(found => found !== undefined && found > 90 && found <= 100)).toBe(true);
        expect(new Set(days).size).toBe(10);
        expect(await Promise.all(Array.from({ length: 200 }, (_, number) => firstDay(`pump-${number}`)))).toEqual(days);
    });

    test("other content is issued at once, and shows as the input that changed", async () => {
        const inputs = declared();
        const news = { ...inputs, issuedFrom: "CN=pump-1, O=Acme" };
        expect(await after(1).diff("id", of(inputs), news)).toEqual({});
        expect((await after(1).update("id", of(inputs), news)).outs).toEqual({ ...of(news), generation: 2, since: issued + day });
        const second = { ...news, follows: issued };
        expect((await after(1).update("id", of({ ...inputs, follows: issued }), second)).outs).toEqual({ ...of(second), generation: 2, since: 0 });
    });

    test("other settings are nothing to do, until something falls due by them", async () => {
        const inputs = declared();
        for (const change of [{ afterDays: 200 }, { jitterDays: 1 }, { maxPerUp: 3 }, { certificate: "pump-2" }]) {
            const news = { ...inputs, ...change };
            expect(await after(1).diff("id", of(inputs), news)).toEqual({ changes: false });
            expect((await after(1).update("id", of(inputs), news)).outs).toEqual(of(news));
        }
        expect(await due(of(inputs), { ...inputs, afterDays: 50 }, 60)).toBe(true);
        expect(await due(of(inputs), { ...inputs, afterDays: 200 }, 110)).toBe(false);
    });

    test("a second pair follows each issue of the first once", async () => {
        const inputs = declared({ follows: issued });
        const spare = of(inputs, { since: 0 });
        expect(await due(spare, inputs, 99.9)).toBe(false);
        expect(await due(spare, inputs, 100)).toBe(true);
        const { outs } = await after(100).update("id", spare, inputs);
        expect(outs).toMatchObject({ generation: 2, since: issued + 100 * day });
        expect(await due(outs!, inputs, 1_000)).toBe(false);
        const first = { ...inputs, follows: issued + 150 * day };
        expect(await after(249).diff("id", outs!, first)).toEqual({ changes: false });
        expect(await due(outs!, first, 250)).toBe(true);
    });

    test("what isn't known yet is no reason to issue", async () => {
        const inputs = declared();
        expect(await after(200).diff("id", of(inputs), { ...inputs, issuedFrom: runtime.unknownValue })).toEqual({});
        const second = declared({ follows: issued });
        expect(await after(200).diff("id", of(second, { since: 0 }), { ...second, follows: runtime.unknownValue as never })).toEqual({ changes: false });
    });

    test("no more of a program are renewed in one deployment than it says, and each asks as often as it likes", async () => {
        const all = Array.from({ length: 4 }, () => declared({ maxPerUp: 2 }));
        const ask = () => Promise.all(all.map(inputs => due(of(inputs), inputs, 100)));
        expect(await ask()).toEqual([true, true, false, false]);
        expect(await ask()).toEqual([true, true, false, false]);
        expect((await after(100).update("id", of(all[0]!), all[0]!)).outs).toMatchObject({ generation: 2 });
        expect((await after(100).update("id", of(all[3]!), all[3]!)).outs).toMatchObject({ generation: 1, since: issued });
    });

    test("read leaves the state alone, and knows nothing without one", async () => {
        const state = of(declared());
        expect(await after(0).read("id", state)).toEqual({ id: "id", props: state });
        expect(await after(0).read("id")).toEqual({});
    });
});

describe("the pair that is bound", () => {
    const at = (days: number) => new Date(issued + days * day);
    const pair = (since: readonly [number, number], days: number) => activePair({ since: [issued + since[0] * day, issued + since[1] * day], leadDays: 20, validityDays: 365 }, at(days));

    test("is the older one until the device has had the newer one for its time", () => {
        expect(pair([0, 300], 319.9)).toBe(0);
        expect(pair([0, 300], 320)).toBe(1);
        expect(pair([600, 300], 619.9)).toBe(1);
        expect(pair([600, 300], 620)).toBe(0);
    });

    test("is the newer one at once where the older one has expired", () => {
        expect(pair([0, 360], 364.9)).toBe(0);
        expect(pair([0, 360], 365)).toBe(1);
    });

    test("is the first one as long as there is no second", () => {
        expect(activePair({ since: [issued, 0], leadDays: 20, validityDays: 365 }, at(0))).toBe(0);
        expect(activePair({ since: [issued, 0], leadDays: 20, validityDays: 365 }, at(500))).toBe(0);
    });

    test("is part of the state: preview shows that it changes, and an update changes it", async () => {
        const inputs = { since: [issued, issued + 300 * day], leadDays: 20, validityDays: 365 } as const;
        const { outs } = await activation(() => at(300)).create(inputs);
        const state = outs as ActivationState;
        expect(state).toEqual({ ...inputs, stateVersion: 1, active: 0 });
        expect(await activation(() => at(319.9)).diff("id", state, inputs)).toEqual({ changes: false });
        expect(await activation(() => at(320)).diff("id", state, inputs)).toEqual({ changes: true });
        expect((await activation(() => at(320)).update("id", state, inputs)).outs).toEqual({ ...state, active: 1 });
        // In preview, while the next pair is being made.
        expect(await activation(() => at(320)).diff("id", state, { ...inputs, since: runtime.unknownValue as never })).toEqual({ changes: false });
        expect(await activation(() => at(0)).read("id", state)).toEqual({ id: "id", props: state });
        expect(await activation(() => at(0)).read("id")).toEqual({});
    });

    test("changes once, as time goes by", () => {
        const days = fc.integer({ min: 0, max: 400 });
        fc.assert(
            fc.property(days, days, (one, other) => {
                const seen = Array.from({ length: 900 }, (_, at) => pair([one, other], at));
                const changes = seen.filter((active, at) => at > 0 && active !== seen[at - 1]);
                expect(changes.length).toBeLessThanOrEqual(1);
                expect(seen.at(-1)).toBe(other > one ? 1 : 0);
            }),
            { numRuns: 50 },
        );
    });
});
