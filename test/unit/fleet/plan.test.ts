// What a batch is going to do: decided from state, inputs and time alone.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { FleetBatchInputs, FleetBatchState, FleetSettings } from "../../../sdk/reconcilers/fleet/batch";
import { planOf } from "../../../sdk/reconcilers/fleet/plan";
import { renewalShare } from "../../../sdk/reconcilers/fleet/renewalShare";
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
    fc.assert(fc.property(declared, wanted => void expect(planOf(stateOf(wanted), wanted, now)).toEqual({ work: new Map(), unchanged: wanted.members.length, due: [], waiting: [] })));
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
    expect(plan).toEqual({ work: new Map(), unchanged: 2, due: ["pump-1"], waiting: [] });
    expect(planned(wanted, plan)).toMatch(/^fleet "pumps", batch 4 of 32: 2 unchanged; 1 of their certificates will expire soon \(pump-1\): renewal is "report"/);
});

const dayAfter = (days: number) => new Date(now.getTime() + days * 86_400_000);

test("a bound on renewals is kept by all batches together, and all of it is used", () => {
    fc.assert(
        fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 128 }), fc.integer({ min: 0, max: 100_000 }), (maxRenewalsPerUp, batches, day) => {
            const shares = Array.from({ length: batches }, (_, batch) => renewalShare({ batch, batches, settings: { ...settings, maxRenewalsPerUp } }, dayAfter(day)));
            expect(shares.reduce((sum, share) => sum + share)).toBe(maxRenewalsPerUp);
            expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
        }),
    );
});

test("a bound of a quarter of the batches reaches all of them, however often somebody deploys", () => {
    for (let everyDays = 1; everyDays <= 31; everyDays++) {
        const reached = new Set<number>();
        for (let up = 0; up < 60; up++) {
            for (let batch = 0; batch < 32; batch++) if (renewalShare({ batch, batches: 32, settings: { ...settings, maxRenewalsPerUp: 8 } }, dayAfter(up * everyDays)) > 0) reached.add(batch);
        }
        expect(reached.size, `every ${everyDays} days`).toBe(32);
    }
});

test("within a day each batch has the same share", () => {
    const share = (batch: number, hours: number) => renewalShare({ batch, batches: 32, settings: { ...settings, maxRenewalsPerUp: 8 } }, new Date(Date.parse("2026-11-24T00:00:00Z") + hours * 3_600_000));
    for (let batch = 0; batch < 32; batch++) expect(new Set([0, 7.5, 12, 23.99].map(hours => share(batch, hours))).size).toBe(1);
});

test("the soonest to expire are renewed first, the others are named as waiting and come to their turn", () => {
    const wanted = inputs(Array.from({ length: 12 }, (_, i) => `pump-${String(i).padStart(2, "0")}`), { batch: 0, batches: 1, settings: { ...settings, maxRenewalsPerUp: 3 } });
    const state = stateOf(wanted, name => (name < "pump-10" ? 29 - Number(name.slice(5)) : 300));
    const plan = planOf(state, wanted, now);
    expect([...plan.work]).toEqual([["pump-07", "renewed"], ["pump-08", "renewed"], ["pump-09", "renewed"]]);
    expect(plan.waiting).toEqual(["pump-06", "pump-05", "pump-04", "pump-03", "pump-02", "pump-01", "pump-00"]);
    expect(planned(wanted, plan)).toBe(
        'fleet "pumps", batch 1 of 1: 3 renewed, 9 unchanged (renewed: pump-07, pump-08, pump-09); 7 more are due and left for a later "pulumi up" (pump-06, pump-05, pump-04, pump-03, pump-02 and 2 more): maxRenewalsPerUp is 3, divided among 1 batches',
    );
    const drift = { "pump-00": "was deleted" };
    expect(planOf({ ...state, drift }, wanted, now).work.get("pump-00")).toBe("repaired");
});

test("a generation that is raised issues anew, one that is lowered or left out does not", () => {
    const declare = (generation?: number) => inputs(["pump"], generation === undefined ? {} : { details: { pump: { generation } } });
    const work = (before?: number, after?: number) => planOf(stateOf(declare(before)), declare(after), now).work.get("pump");
    expect([work(undefined, 1), work(1), work(1, 1), work(3, 3)]).toEqual([undefined, undefined, undefined, undefined]);
    expect([work(undefined, 2), work(1, 2), work(3, 9)]).toEqual(["reissued", "reissued", "reissued"]);
    expect([work(3, 2), work(2)]).toEqual(["changed", "changed"]);
});

test("a revoked device is neither renewed nor repaired, but issued anew where that is asked for", () => {
    const wanted = inputs(["pump-1", "pump-2"]);
    const state = { ...stateOf(wanted, () => 3), revoked: { "pump-1": "2026-11-20T10:00:00.000Z" } };
    const plan = planOf(state, wanted, now);
    expect(Object.fromEntries(plan.work)).toEqual({ "pump-1": "revoked", "pump-2": "renewed" });
    expect(planned(wanted, plan)).toContain("1 revoked, 0 unchanged (renewed: pump-2; revoked: pump-1); a revoked certificate is never bound again: set generation: 2 on the device");
    expect(planOf(state, inputs(["pump-1", "pump-2"], { details: { "pump-1": { generation: 2 } } }), now).work.get("pump-1")).toBe("reissued");
});

test("a certificate or a request from outside that is another one is bound anew, and so is one of our own in its place", () => {
    const ours = stateOf(inputs(["pump"]));
    const outside = (more: object) => ({ ...stateOf(inputs(["pump"], { details: { pump: more } })), keys: {} });
    const work = (before: FleetBatchState, more: object) => planOf(before, inputs(["pump"], { details: { pump: more } }), now).work.get("pump");
    expect(work(ours, { certificate: "MIIother" })).toBe("rebound");
    expect(work(outside({ certificate: "MIIpump" }), { certificate: "MIIpump" })).toBeUndefined();
    expect(work(outside({ certificate: "MIIpump" }), { certificate: "MIIother" })).toBe("rebound");
    expect(work(outside({ certificate: "MIIpump" }), {})).toBe("rebound");
    expect(work(ours, { csr: "MIIrequest" })).toBe("rebound");
    expect(work(outside({ csr: "MIIrequest" }), { csr: "MIIrequest" })).toBeUndefined();
    expect(work(outside({ csr: "MIIrequest" }), { csr: "MIIother" })).toBe("rebound");
    expect(work(outside({ csr: "MIIrequest" }), {})).toBe("rebound");
});

test("what is due is no news where another certificate comes anyway, and a certificate from outside is not ours to renew", () => {
    const settings2 = { ...settings, renewal: "report" } as const;
    const due = (before: Partial<FleetBatchInputs>, after: Partial<FleetBatchInputs>, revoked = {}) =>
        planOf({ ...stateOf(inputs(["pump"], before), () => 3), revoked }, inputs(["pump"], { settings: settings2, ...after }), now).due;
    expect(due({}, {})).toEqual(["pump"]);
    expect(due({}, { details: { pump: { generation: 2 } } })).toEqual([]);
    expect(due({}, { details: { pump: { csr: "MIIother" } } })).toEqual([]);
    expect(due({}, {}, { pump: "2026-11-20" })).toEqual([]);
    expect(due({ details: { pump: { certificate: "MIIpump" } } }, { details: { pump: { certificate: "MIIpump" } } })).toEqual([]);
    expect(due({}, { details: { pump: { label: "new" } } })).toEqual(["pump"]);
});

test("a label, attributes or a profile that differ are a change; a profile that is not declared is none; what failed is tried again", () => {
    const work = (before: Partial<FleetBatchInputs>, after: Partial<FleetBatchInputs>, more: Partial<FleetBatchState> = {}) => planOf({ ...stateOf(inputs(["pump"], before)), ...more }, inputs(["pump"], after), now).work.get("pump");
    const labelled = (label: string) => ({ details: { pump: { label } } });
    const attributed = (site: string) => ({ details: { pump: { attributes: { site } } } });
    const profiled = (deviceProfile: string) => ({ settings: { ...settings, deviceProfile } });
    for (const [one, other] of [[labelled("a"), labelled("b")], [attributed("a"), attributed("b")]] as const) {
        expect([work(one, other), work({}, other), work(one, {}), work(one, one)]).toEqual(["changed", "changed", "changed", undefined]);
    }
    expect([work(profiled("a"), profiled("b")), work({}, profiled("b")), work(profiled("a"), {}), work(profiled("a"), profiled("a"))]).toEqual(["changed", "changed", undefined, undefined]);
    expect(work({}, {}, { failed: { pump: "no" } })).toBe("retried");
    expect(work({}, labelled("b"), { failed: { pump: "no" } })).toBe("changed");
});

test("devices that expire at the same time are renewed by name", () => {
    const wanted = inputs(["c", "a", "b"], { batch: 0, batches: 1, settings: { ...settings, maxRenewalsPerUp: 2 } });
    expect(planOf(stateOf(wanted, () => 3), wanted, now)).toMatchObject({ waiting: ["c"], unchanged: 1 });
    const days: Record<string, number> = { a: 20, b: 5, c: 12, d: 5, e: 12 };
    const mixed = { ...wanted, members: Object.keys(days), settings: { ...settings, maxRenewalsPerUp: 1 } };
    expect(planOf(stateOf(mixed, name => days[name]!), mixed, now)).toMatchObject({ work: new Map([["b", "renewed"]]), waiting: ["d", "c", "e", "a"] });
    const other = { ...wanted, settings: { ...settings, maxRenewalsPerUp: 3 } };
    expect(planOf(stateOf(other, () => 3), other, now).waiting).toEqual([]);
    expect(planned(wanted, planOf(stateOf(wanted, () => 3), wanted, now))).toContain("1 more is due and left for a later");
});

test("whoever has a revoked certificate is told what to give instead", () => {
    const told = (details?: object) => planned(inputs(["pump"], details ? { details: { pump: details } } : {}), { work: new Map([["pump", "revoked"]]), unchanged: 0, due: [], waiting: [] });
    expect(told()).toContain("set generation: 2 on the device");
    expect(told({ generation: 4 })).toContain("set generation: 5 on the device");
    expect(told({ certificate: "MII" })).toContain("give it another certificatePem");
    expect(told({ csr: "MII" })).toContain("give it a request for another key");
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
    expect(failures({ one: "the server is down" })).toEqual(['device "one": the server is down']);
    expect(failures({ a: 'taken by device "a"', b: 'taken by device "b"' })).toEqual(["2 devices (a, b): taken by the device"]);
});

test("more than twenty reasons are too many to read", () => {
    const failed = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`pump-${i}`, `reason ${i}`]));
    expect(failures(failed(20))).toHaveLength(20);
    expect(failures(failed(23)).slice(19)).toEqual(['device "pump-19": reason 19', 'and 3 more reasons, which are in the state of this batch ("failed")']);
});
