// The reconciler of a batch against the emulator, without an engine.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { runtime } from "@pulumi/pulumi";
import { startEmulator, type Emulator } from "../../../sdk/emulator/index";
import type { FleetBatchInputs, FleetBatchState } from "../../../sdk/reconcilers/fleet/batch";
import { fleetBatch } from "../../../sdk/reconcilers/fleetBatch";
import { Unfinished } from "../../../sdk/reconcilers/reconciler";
import { connect } from "../../../sdk/thingsboard/index";

let emulator: Emulator;
const said: string[] = [];
beforeAll(async () => {
    emulator = await startEmulator();
});
beforeEach(() => {
    emulator.faults.clear();
    said.length = 0;
});
afterAll(() => emulator.stop());

function reconciler(days = 0) {
    const { restUrl: url, apiKey, mqttsHost: host, mqttsPort: port, caPem } = emulator;
    const server = { thingsboard: connect({ url, credentials: { apiKey } }), mqtt: { host, port, caPem }, restHost: "127.0.0.1", restVerified: true };
    return fleetBatch(() => server, line => said.push(line), () => new Date(Date.now() + days * 86_400_000));
}

const inputs = (members: readonly string[], rest: Partial<FleetBatchInputs> = {}, settings: Partial<FleetBatchInputs["settings"]> = {}): FleetBatchInputs => ({
    fleet: "project/stack/pumps",
    batch: 0,
    batches: 1,
    members: [...members].sort(),
    settings: { algorithm: "EC_P256", validityDays: 365, renewBeforeDays: 30, renewalJitterDays: 0, rotationPolicy: "always", renewal: "report", publishCheck: "none", onRemove: "revoke", onDrift: "repair", adopt: false, ...settings },
    concurrency: 16,
    ...rest,
});

/** What the engine would keep of a create or update, finished or not. */
async function kept(run: Promise<{ outs?: FleetBatchState }>): Promise<FleetBatchState & { reasons?: readonly string[] }> {
    try {
        return (await run).outs!;
    } catch (error) {
        if (!(error instanceof Unfinished)) throw error;
        return { ...(JSON.parse(JSON.stringify(error.properties)) as FleetBatchState), reasons: error.reasons };
    }
}

const noChange = async (state: FleetBatchState, wanted: FleetBatchInputs) => expect(await reconciler().diff("id", state, wanted)).toEqual({ changes: false });

test("created, unchanged, read as it is, given up", async () => {
    const batch = reconciler();
    const wanted = inputs(["a-1", "a-2", "constructor"], { details: { "a-1": { label: "one", attributes: { site: "north", deep: { a: [1] } } } } });
    const state = await kept(batch.create(wanted));
    await noChange(state, wanted);
    await noChange(state, { ...wanted, concurrency: 3 });
    const read = await batch.read("id", state);
    expect(read).toEqual({ id: "id", inputs: JSON.parse(JSON.stringify(wanted)), props: JSON.parse(JSON.stringify(state)) });
    await batch.delete("id", state);
    expect(await kept(batch.create(wanted))).toMatchObject({ summary: { devices: 3 } });
});

test("one process, many names: a set-up that is changed alone is an update that touches no device", async () => {
    const wanted = inputs(["b-1"]);
    const state = await kept(reconciler().create(wanted));
    const changed = inputs(["b-1"], {}, { validityDays: 90, onRemove: "keep" });
    expect(await reconciler().diff("id", state, changed)).toEqual({});
    const after = await kept(reconciler().update("id", state, changed));
    expect(after.devices).toEqual(state.devices);
});

test("what is not known yet asks for nothing", async () => {
    const wanted = inputs(["c-1"]);
    const state = await kept(reconciler().create(wanted));
    const unknown = { ...wanted, details: { "c-1": { label: runtime.unknownValue } } };
    expect((await reconciler().check(wanted, unknown)).failures).toEqual([]);
    expect(await reconciler().diff("id", state, unknown)).toEqual({});
});

test("time alone renews, with a new key or the old one", async () => {
    for (const rotationPolicy of ["always", "never"] as const) {
        const wanted = inputs([`d-${rotationPolicy}`], {}, { renewal: "immediate", rotationPolicy });
        const state = await kept(reconciler().create(wanted));
        expect(await reconciler(334).diff("id", state, wanted)).toEqual({ changes: false });
        expect(await reconciler(336).diff("id", state, wanted)).toEqual({ changes: true });
        const after = await kept(reconciler(336).update("id", state, wanted));
        const name = wanted.members[0]!;
        expect(after.devices[name]!.certificate).not.toBe(state.devices[name]!.certificate);
        expect(after.keys[name] === state.keys[name]).toBe(rotationPolicy === "never");
    }
});

test("a removal that fails stays in the state and is made again", async () => {
    const state = await kept(reconciler().create(inputs(["e-1", "e-2"])));
    emulator.faults.set({ rest: [{ method: "GET", path: "/api/device/*/credentials", status: 403 }] });
    const half = await kept(reconciler().update("id", state, inputs(["e-1"])));
    expect(half.reasons?.join()).toContain('device "e-2"');
    expect(Object.keys(half.devices)).toEqual(["e-1", "e-2"]);
    emulator.faults.clear();
    const done = await kept(reconciler().update("id", half, inputs(["e-1"])));
    expect(Object.keys(done.devices)).toEqual(["e-1"]);
    expect(Object.keys(done.keys)).toEqual(["e-1"]);
    expect(done.failed).toBeUndefined();
});

test("a server that refuses everybody is asked a few times, not once a device", async () => {
    const members = Array.from({ length: 100 }, (_, i) => `f-${i}`);
    emulator.faults.set({ rest: [{ method: "POST", path: "/api/device-with-credentials", status: 403 }] });
    const state = await kept(reconciler().create(inputs(members)));
    const tried = Object.values(state.failed ?? {}).filter(reason => !reason.startsWith("not tried"));
    expect(tried.length).toBeLessThan(30);
    expect(Object.keys(state.failed ?? {})).toHaveLength(100);
    expect(state.reasons!.length).toBeLessThan(6);
    emulator.faults.clear();
    expect(await kept(reconciler().update("id", state, inputs(members)))).toMatchObject({ summary: { devices: 100, failed: 0 } });
});

test("a lost answer makes no second device, and the certificate is the one that was sent", async () => {
    emulator.faults.set({ rest: [{ method: "POST", path: "/api/device-with-credentials", drop: "after", times: 1 }] });
    const wanted = inputs(["g-1"], {}, { publishCheck: "all" });
    const state = await kept(reconciler().create(wanted));
    expect(state.reasons).toBeUndefined();
    await noChange(state, wanted);
});

test("a fleet of another name, or of another stack, is not taken over by accident", async () => {
    await kept(reconciler().create(inputs(["h-1"])));
    for (const fleet of ["project/stack/others", "project/other/pumps"]) {
        const refused = await kept(reconciler().create(inputs(["h-1"], { fleet })));
        expect(refused.reasons?.join()).toContain('device "h-1" exists already on this ThingsBoard and belongs to project/stack/pumps');
    }
});

test("a device that a successor has taken over is left alone", async () => {
    const first = await kept(reconciler().create(inputs(["i-1"])));
    const second = await kept(reconciler().create(inputs(["i-1"])));
    expect(said.join()).toContain("1 device that this fleet had made before has a new certificate");
    await reconciler().delete("id", first);
    const read = await reconciler().read("id", second);
    expect(read).not.toHaveProperty("inputs.drift");
});
