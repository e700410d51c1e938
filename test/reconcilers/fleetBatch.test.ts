import fc from "fast-check";
import { afterAll, beforeAll, test } from "vitest";
import { type FleetBatchInputs, fleetBatch } from "../../sdk/reconcilers/fleetBatch";
import { readLeaf } from "../../sdk/x509/leaf";
import { keyAndCertificate } from "../support/openssl";
import { issue } from "../unit/mqtt/certificates";
import { type UnderTest, expectLawful, expectPatient, maybe, someAttributes, someName, someText, underTest, wire } from "./support";

let under: UnderTest;
beforeAll(async () => {
    under = await underTest();
});
afterAll(() => under.stop());

const reconciler = () => fleetBatch(() => under.server, () => undefined, () => new Date());

const settings = fc.record({
    deviceProfile: maybe(fc.constant("default")),
    algorithm: fc.constant("EC_P256"),
    validityDays: fc.integer({ min: 3, max: 5000 }),
    renewBeforeDays: fc.constantFrom(0, 1),
    renewalJitterDays: fc.constantFrom(0, 1),
    rotationPolicy: fc.constantFrom("always", "never"),
    renewal: fc.constantFrom("report", "immediate"),
    publishCheck: fc.constantFrom("none", "sample", "all"),
    onRemove: fc.constantFrom("revoke", "delete", "keep"),
    onDrift: fc.constantFrom("repair", "fail"),
    adopt: fc.boolean(),
});

const device = fc.record({ name: someName, label: maybe(someText), attributes: maybe(someAttributes), outside: fc.boolean() });

interface Declared {
    readonly devices: readonly { readonly name: string; readonly label?: string | undefined; readonly attributes?: object | undefined; readonly outside: boolean }[];
    readonly settings: object;
    readonly shard?: string | undefined;
    readonly authority?: object | undefined;
}

let count = 0;
/** As `DeviceFleet` hands it over: without what is empty. */
function batchOf({ devices, ...rest }: Declared): FleetBatchInputs {
    const named = devices.map(({ name, ...more }) => ({ ...more, name: `n${++count} ${name}`.trim() }));
    const details = named.flatMap(({ name, label, attributes, outside }) => {
        const found = wire({ label, attributes, ...(outside ? { certificate: readLeaf(issue("pump").certificatePem).base64Der } : {}) });
        return Object.keys(found).length === 0 ? [] : [[name, found] as const];
    });
    const members = named.map(({ name }) => name).sort();
    return wire({ fleet: `project/stack/fleet-${++count}`, batch: 0, batches: 1, members, ...(details.length === 0 ? {} : { details: Object.fromEntries(details) }), concurrency: 16, ...rest }) as unknown as FleetBatchInputs;
}

const { certificatePem, privateKeyPem } = keyAndCertificate("EC", "Root");
const authority = { certificatePem, privateKeyPem };

const batches = fc.record({
    devices: fc.array(device, { maxLength: 3 }),
    settings,
    shard: maybe(fc.constant("3/16")),
    authority: maybe(fc.constant(authority)),
});

test("whatever is declared is unchanged right afterwards, after a read, and after an update", async () => {
    await fc.assert(fc.asyncProperty(batches, declared => expectLawful(reconciler(), batchOf(declared))), { numRuns: 25 });
});

test("what is not known yet is no failure and no replacement, at any depth", async () => {
    const devices = [{ name: "a", label: "one", attributes: { site: { hall: [1] } }, outside: true }, { name: "b", outside: false }];
    const declared = batchOf({ devices, authority, settings: { deviceProfile: "default", algorithm: "EC_P256", validityDays: 90, renewBeforeDays: 30, renewalJitterDays: 1, rotationPolicy: "always", renewal: "report", publishCheck: "none", onRemove: "delete", onDrift: "repair", adopt: false } });
    const { id, outs } = await reconciler().create(declared);
    await expectPatient(reconciler(), outs!, declared, /^(fleet|batch|batches|members|members\.\d|settings|concurrency)$/);
    await reconciler().delete(id, outs!);
});
