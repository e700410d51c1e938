// Whatever is declared one after the other, whatever fails meanwhile, and whatever others do that a refresh has seen: the next
// update without a failure is all it takes.

import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../../sdk/emulator/index";
import type { DeviceDetails, FleetBatchInputs, FleetBatchState } from "../../../sdk/reconcilers/fleet/batch";
import { fleetBatch } from "../../../sdk/reconcilers/fleetBatch";
import { freshToken } from "../../../sdk/reconcilers/credentialRow";
import { Unfinished } from "../../../sdk/reconcilers/reconciler";
import { connect, type ThingsBoard } from "../../../sdk/thingsboard/index";
import { certificateId, readLeaf } from "../../../sdk/x509/leaf";
import { requestDer } from "../../../sdk/x509/request";
import { runs, soak } from "../../support/seed";
import { certificateRequest, rootAuthority, selfSigned } from "../../support/openssl";

let emulator: Emulator;
/** One for all runs: each keeps connections of its own, of which a long run would have too many. */
let thingsboard: ThingsBoard;
beforeAll(async () => {
    emulator = await startEmulator();
    thingsboard = connect({ url: emulator.restUrl, credentials: { apiKey: emulator.apiKey } });
});
afterAll(() => emulator.stop());

const names = ["a", "b", "constructor"] as const;
const authority = rootAuthority("factory");
/** By name, so that no two devices of a run want the same one. */
const certificates = new Map(names.map(name => [name, [selfSigned(name), selfSigned(name)].map(pem => readLeaf(pem).base64Der)]));
const requests = new Map(names.map(name => [name, [certificateRequest(`/CN=${name}`), certificateRequest(`/CN=${name}`)].map(({ csrPem }) => requestDer(csrPem)!)]));

const beyondName = (name: (typeof names)[number]) =>
    fc.record(
        {
            label: fc.constantFrom("one", "two"),
            attributes: fc.constantFrom({ site: "north" }, { site: "south", floor: 2 }),
            from: fc.oneof(
                fc.record({ generation: fc.integer({ min: 2, max: 3 }) }),
                fc.constantFrom(...certificates.get(name)!.map(certificate => ({ certificate }))),
                fc.constantFrom(...requests.get(name)!.map(csr => ({ csr }))),
            ),
        },
        { requiredKeys: [], noNullPrototype: true },
    ).map(({ from, ...rest }): DeviceDetails => ({ ...rest, ...from }));

const declared = fc.record({ members: fc.subarray([...names]), details: fc.record({ a: beyondName("a"), b: beyondName("b"), constructor: beyondName("constructor") }) });

/** One of the calls of a run, or some in a row, are refused. */
const fault = fc.record({ skip: fc.nat({ max: 20 }), times: fc.constantFrom(1, 1, 2, 30), status: fc.constantFrom(400, 403) });

/** What somebody at the web page may do to a device. */
const elsewhere = fc.record({ name: fc.constantFrom(...names), what: fc.constantFrom("delete", "token", "label", "rename") });

const steps = fc.array(fc.record({ wanted: declared, faults: fc.array(fault, { maxLength: 2 }), elsewhere: fc.option(elsewhere) }), { minLength: 1, maxLength: 4 });

function batch() {
    const server = { thingsboard, mqtt: { host: "127.0.0.1", port: emulator.mqttsPort, caPem: emulator.caPem }, restHost: "127.0.0.1", restVerified: true };
    return fleetBatch(() => server, () => undefined, () => new Date());
}

const settings = { algorithm: "EC_P256", validityDays: 365, renewBeforeDays: 30, renewalJitterDays: 0, rotationPolicy: "always", renewal: "report", publishCheck: "none", onRemove: "delete", onDrift: "repair", adopt: false } as const;

/** @param before what stays where the run ended before it had begun with any device */
async function kept(run: Promise<{ outs?: FleetBatchState }>, before?: FleetBatchState): Promise<FleetBatchState | undefined> {
    try {
        return (await run).outs!;
    } catch (error) {
        if (!(error instanceof Unfinished)) return before;
        return JSON.parse(JSON.stringify(error.properties)) as FleetBatchState;
    }
}

let run = 0;

test("declarations, failures and meddling in any order", async () => {
    await fc.assert(
        fc.asyncProperty(steps, async history => {
            emulator.faults.clear();
            await nobody();
            const common = { fleet: `project/stack/fleet-${run++}`, batch: 0, batches: 1, authority, settings, concurrency: 4 };
            let state: FleetBatchState | undefined;
            let inputs!: FleetBatchInputs;
            for (const { wanted, faults, elsewhere } of history) {
                const details = Object.fromEntries(wanted.members.flatMap(name => (Object.keys(wanted.details[name]).length === 0 ? [] : [[name, wanted.details[name]] as const])));
                inputs = { ...common, members: [...wanted.members].sort(), ...(Object.keys(details).length === 0 ? {} : { details }) };
                emulator.faults.set({ rest: faults });
                const before: FleetBatchState | undefined = state;
                state = await kept(before ? batch().update("id", before, inputs) : batch().create(inputs), before);
                emulator.faults.clear();
                if (state) wellFormed(state);
                if (!elsewhere) continue;
                await meddle(elsewhere);
                if (!state) continue;
                state = ((await batch().read("id", state)) as { props: FleetBatchState }).props;
            }
            const done = (await kept(state ? batch().update("id", state, inputs) : batch().create(inputs)))!;
            expect(done.failed).toBeUndefined();
            expect(Object.keys(done.devices).sort()).toEqual(inputs.members);
            wellFormed(done);
            expect(await batch().diff("id", done, inputs)).toEqual({ changes: false });
            expect(await batch().read("id", done)).toMatchObject({ inputs: JSON.parse(JSON.stringify(inputs)) });
            expect(await batch().read("id", done)).not.toHaveProperty("inputs.drift");
            await batch().delete("id", done);
        }),
        runs(30, 1_000),
    );
}, soak ? 10 * 60_000 : 60_000);

/** A run that failed leaves its devices. */
async function nobody(): Promise<void> {
    for (const name of [...names, "renamed"]) {
        const found = await thingsboard.deviceByName(name);
        if (found) await thingsboard.deleteDevice(found.id.id);
    }
}

async function meddle({ name, what }: { name: string; what: "delete" | "token" | "label" | "rename" }): Promise<void> {
    const device = await thingsboard.deviceByName(name);
    if (!device) return;
    if (what === "delete") await thingsboard.deleteDevice(device.id.id);
    if (what === "label") await thingsboard.saveDevice({ ...device, label: "theirs" });
    if (what === "rename" && !(await thingsboard.deviceByName("renamed"))) await thingsboard.saveDevice({ ...device, name: "renamed" });
    if (what === "token") await thingsboard.saveCredentials(freshToken((await thingsboard.credentials(device.id.id))!));
}

/** A key for each certificate that was made here, and for no other. */
function wellFormed({ devices, keys, details = {} }: FleetBatchState): void {
    for (const [name, { certificate }] of Object.entries(devices)) {
        const outside = certificates.get(name as (typeof names)[number])!.some(given => certificateId(given) === certificateId(certificate));
        const signed = Object.hasOwn(details, name) && details[name]!.csr !== undefined;
        expect(Object.hasOwn(keys, name)).toBe(!outside && !signed);
    }
    expect(Object.keys(keys).filter(name => !Object.hasOwn(devices, name))).toEqual([]);
}
