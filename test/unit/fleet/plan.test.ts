// What a batch is going to do: decided from state, inputs and time alone.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { FleetBatchInputs, FleetBatchState, FleetSettings } from "../../../sdk/reconcilers/fleet/batch";
import { planOf } from "../../../sdk/reconcilers/fleet/plan";
import { failures, planned } from "../../../sdk/reconcilers/fleet/words";

const now = new Date("2026-11-24T10:00:00Z");

const settings: FleetSettings = {
    algorithm: "EC_P256",
    validityDays: 365,
    renewBeforeDays: 30,
    renewalJitterDays: 0,
    rotationPolicy: "always",
    renewal: "immediate",
    publishCheck: "none",
    onRemove: "revoke",
    onDrift: "repair",
    adopt: false,
};

const inputs = (members: readonly string[], rest: Partial<FleetBatchInputs> = {}): FleetBatchInputs => ({ fleet: "project/stack/pumps", batch: 3, batches: 32, members, settings, concurrency: 64, ...rest });

/** As `up` leaves it, each certificate with so many days to go. */
function stateOf({ members, ...declared }: FleetBatchInputs, days: (name: string) => number = () => 365): FleetBatchState {
    const devices = Object.fromEntries(members.map(name => [name, { id: `id of ${name}`, version: 1, notAfter: new Date(now.getTime() + days(name) * 86_400_000).toISOString(), certificate: `MII${name}` }]));
    return { ...declared, stateVersion: 1, claim: "claim", devices, keys: Object.fromEntries(members.map(name => [name, "key"])), summary: { devices: members.length, failed: 0 } };
}

const names = fc.uniqueArray(fc.oneof(fc.string({ minLength: 1, maxLength: 20 }), fc.constantFrom("constructor", "__proto__", "toString")), { maxLength: 60 }).map(list => list.filter(name => name !== "__proto__").sort());
const details = (members: readonly string[]) => fc.dictionary(fc.constantFrom(...(members.length > 0 ? members : ["x"])), fc.record({ label: fc.string() }), { noNullPrototype: true });
const declared = names.chain(members => details(members).map(found => inputs(members, { details: found })));

test("what was just deployed needs nothing, whatever it is", () => {
    fc.assert(fc.property(declared, wanted => void expect(planOf(stateOf(wanted), wanted, now)).toEqual({ work: new Map(), unchanged: wanted.members.length, due: [] })));
});

test("every device is new, removed, or stays: nothing is done to those that stay", () => {
    fc.assert(
        fc.property(names, names, (before, after) => {
            const { work, unchanged } = planOf(stateOf(inputs(before)), inputs(after), now);
            for (const name of after) expect(work.get(name)).toBe(before.includes(name) ? undefined : "new");
            for (const name of before) expect(work.get(name)).toBe(after.includes(name) ? undefined : "removed");
            expect(unchanged).toBe(after.filter(name => before.includes(name)).length);
        }),
    );
});

test("renewal is monotone in time: what is due stays due", () => {
    const day = fc.integer({ min: -10, max: 400 });
    fc.assert(
        fc.property(day, day, fc.integer({ min: 0, max: 60 }), (one, other, renewalJitterDays) => {
            const wanted = inputs(["pump"], { settings: { ...settings, renewalJitterDays } });
            const due = (days: number) => planOf(stateOf(wanted, () => days), wanted, now).work.has("pump");
            const [sooner, later] = [Math.min(one, other), Math.max(one, other)];
            if (due(later)) expect(due(sooner)).toBe(true);
            expect(due(30)).toBe(true);
            expect(due(31 + renewalJitterDays)).toBe(false);
        }),
    );
});

test("each device of a fleet made in one day is early by days of its own", () => {
    const members = Array.from({ length: 1000 }, (_, i) => `pump-${i}`);
    const wanted = inputs(members, { settings: { ...settings, renewalJitterDays: 100 } });
    const due = planOf(stateOf(wanted, () => 30 + 90), wanted, now).work.size;
    expect(due).toBeGreaterThan(60);
    expect(due).toBeLessThan(140);
});

test("reported is not renewed", () => {
    const wanted = inputs(["pump-1", "pump-2"], { settings: { ...settings, renewal: "report" } });
    const plan = planOf(stateOf(wanted, name => (name === "pump-1" ? 3 : 300)), wanted, now);
    expect(plan).toEqual({ work: new Map(), unchanged: 2, due: ["pump-1"] });
    expect(planned(wanted, plan)).toMatch(/^fleet "pumps", batch 4 of 32: 2 unchanged; 1 of their certificates will expire soon \(pump-1\): renewal is "report"/);
});

test("a plan in words counts everything and names a few", () => {
    const before = inputs(Array.from({ length: 20 }, (_, i) => `old-${i}`));
    const after = inputs([...before.members.slice(0, 18), ...Array.from({ length: 8 }, (_, i) => `new-${i}`)]);
    const drift = { "old-1": "was deleted" };
    expect(planned(after, planOf({ ...stateOf(before), drift }, after, now))).toBe(
        'fleet "pumps", batch 4 of 32: 8 new, 1 repaired, 2 removed, 17 unchanged (new: new-0, new-1, new-2, new-3, new-4 and 3 more; repaired: old-1; removed: old-18, old-19)',
    );
    expect(planned(before, planOf(stateOf(before), before, now))).toBeUndefined();
});

test("failures are told once a reason", () => {
    const failed = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`pump-${i}`, `device "pump-${i}": cannot create the device: refused: ask`]));
    expect(failures({ ...failed, odd: 'device "odd" exists already' })).toEqual([
        "300 devices (pump-0, pump-1, pump-2, pump-3, pump-4 and 295 more): cannot create the device: refused: ask",
        'device "odd" exists already',
    ]);
});
