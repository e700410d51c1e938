// A device's batch and shard hang on its name alone.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { batchOf, membersOf, parseShard, shardOf } from "../../../sdk/resources/fleetMembership";
import { fleetMembership } from "../../../sdk/reconcilers/fleetMembership";

const name = fc.string({ minLength: 1, maxLength: 255, unit: "grapheme" });
const fleet = fc.uniqueArray(name, { minLength: 1, maxLength: 200 });

const batches = (names: readonly string[], count: number) => {
    const members = Array.from({ length: count }, (): string[] => []);
    for (const device of names) members[batchOf(device, count)]!.push(device);
    return members.map(those => those.sort());
};

test("growth from 1 to 20,000 devices moves none", () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `pump-${i}`);
    const home = new Map(names.map(device => [device, batchOf(device, 32)]));
    for (const size of [1, 10, 100, 1_000, 20_000]) {
        batches(names.slice(0, size), 32).forEach((members, batch) => expect(members.every(device => home.get(device) === batch)).toBe(true));
    }
});

test("one more or one less touches one batch", () => {
    fc.assert(
        fc.property(fleet, name, fc.integer({ min: 1, max: 64 }), (names, one, count) => {
            fc.pre(!names.includes(one));
            const [without, and] = [batches(names, count), batches([...names, one], count)];
            expect(without.filter((members, i) => JSON.stringify(members) !== JSON.stringify(and[i]))).toHaveLength(1);
        }),
    );
});

test("batches and shards are about equally full, and independent of each other", () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `device-${i}`);
    const shard = names.filter(device => shardOf(device, 16) === 3);
    expect(Math.abs(shard.length - 1250)).toBeLessThan(200);
    for (const members of batches(shard, 16)) expect(Math.abs(members.length - shard.length / 16)).toBeLessThan(45);
});

test("these places are for ever: a device must not move with a release", () => {
    expect(["pump-1", "pump-2", "Größe 7", "泵-3"].map(device => [batchOf(device, 32), shardOf(device, 16)])).toEqual(places);
});
const places: number[][] = [[25,14],[11,4],[21,9],[11,14]];

test("a shard is index and count, the first being 0", () => {
    expect(parseShard("3/16")).toEqual({ index: 3, count: 16 });
    for (const text of ["16/16", "3", "-1/4", "a/b", "3/16 ", ""]) expect(parseShard(text)).toBeUndefined();
});

const check = async (before: readonly string[], now: readonly string[], rest: object = {}, olds: object = {}) => {
    const common = { fleet: "project/stack/pumps", batches: 32, onRemove: "revoke" } as const;
    const { failures = [] } = await fleetMembership().check({ ...common, members: membersOf(before), ...olds }, { ...common, members: membersOf(now), ...rest });
    return failures.map(({ reason }) => reason).join("\n");
};

test("twenty devices, or a tenth where that is more, may go at once", async () => {
    const names = (count: number) => Array.from({ length: count }, (_, i) => `pump-${i}`);
    expect(await check(names(50), names(30))).toBe("");
    expect(await check(names(50), names(29))).toContain('fleet "pumps": 21 of its 50 devices are no longer declared, and maxRemovals is 20');
    expect(await check(names(1000), names(900))).toBe("");
    expect(await check(names(1000), names(899))).toContain("maxRemovals is 100");
    expect(await check(names(1000), [], { maxRemovals: 1000 })).toBe("");
    expect(await check(names(10), names(9), { maxRemovals: 0 })).toContain("set maxRemovals to 1");
    expect(await check([], names(20_000))).toBe("");
});

test("another number of batches, and another shard, are refused with the way to go on", async () => {
    expect(await check(["a"], ["a"], { batches: 64 })).toContain("Set batches back to 32");
    expect(await check(["a"], ["a"], { shard: "1/8" }, { shard: "1/4" })).toContain("this is shard 1/8, and the fleet in this stack was made as shard 1/4");
    expect(await check(["a"], ["a"], { shard: "1/8" })).toContain("was made as no shard");
});

test.each([["revoke", "their certificates will be refused from then on"], ["delete", "they will be deleted with their telemetry"], ["keep", "they will stay on ThingsBoard as they are"]])("onRemove %s: %s", async (onRemove, consequence) => {
    expect(await check(Array.from({ length: 50 }, (_, i) => `pump-${i}`), [], { onRemove })).toContain(`set maxRemovals to 50; ${consequence}`);
});

test("the list is no part of the state, and never a change", async () => {
    const inputs = { fleet: "project/stack/pumps", batches: 32, onRemove: "revoke", members: membersOf(["a", "b"]) } as const;
    const { id, outs } = await fleetMembership().create(inputs);
    expect(outs).toEqual({ stateVersion: 1, fleet: "project/stack/pumps" });
    const news = { ...inputs, members: membersOf(["a"]) };
    expect(await fleetMembership().diff(id, outs!, news)).toEqual({ changes: false });
    expect((await fleetMembership().update(id, outs!, news)).outs).toEqual(outs);
    expect(await fleetMembership().read(id, outs)).toEqual({ id, props: outs });
    expect(await fleetMembership().read(id)).toEqual({});
    expect((await fleetMembership().check(inputs, inputs)).inputs).toEqual(inputs);
});
