// The reconciler of a batch against the emulator, without an engine.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { runtime } from "@pulumi/pulumi";
import { startEmulator, type Emulator } from "../../../sdk/emulator/index";
import type { FleetBatchInputs, FleetBatchState } from "../../../sdk/reconcilers/fleet/batch";
import { publishCheck } from "../../../sdk/mqtt/publishCheck";
import { fleetBatch } from "../../../sdk/reconcilers/fleetBatch";
import { Unfinished } from "../../../sdk/reconcilers/reconciler";
import { revoke } from "../../../sdk/reconcilers/revoke";
import { connect } from "../../../sdk/thingsboard/index";
import { toPem } from "../../../sdk/x509/leaf";
import { requestDer } from "../../../sdk/x509/request";
import { certificateRequest, rootAuthority, selfSigned } from "../../support/openssl";

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

const client = () => connect({ url: emulator.restUrl, credentials: { apiKey: emulator.apiKey } });

function reconciler(days = 0) {
    const { mqttsHost: host, mqttsPort: port, caPem } = emulator;
    const server = { thingsboard: client(), mqtt: { host, port, caPem }, restHost: "127.0.0.1", restVerified: true };
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

/** What preview would refuse. */
const refused = async (news: FleetBatchInputs, olds: Partial<FleetBatchInputs> = {}) => ((await reconciler().check(olds as FleetBatchInputs, news)).failures ?? []).map(({ reason }) => reason);

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

test.each([["revoke", "ACCESS_TOKEN"], ["delete", undefined], ["keep", "X509_CERTIFICATE"]] as const)("onRemove %s, for one device and for all", async (onRemove, holds) => {
    const members = [`remove-${onRemove}-1`, `remove-${onRemove}-2`];
    const held = async (name: string) => {
        const device = await client().deviceByName(name);
        return device && (await client().credentials(device.id.id))?.credentialsType;
    };
    const state = await kept(reconciler().create(inputs(members, {}, { onRemove })));
    const after = await kept(reconciler().update("id", state, inputs(members.slice(0, 1), {}, { onRemove })));
    expect([await held(members[0]!), await held(members[1]!)]).toEqual(["X509_CERTIFICATE", holds]);
    await reconciler().delete("id", after);
    expect(await held(members[0]!)).toBe(holds);
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

test("a lost answer after a run that was interrupted: the state names the certificate that the device has, and says that it is a new one", async () => {
    const state = await kept(reconciler().create(inputs(["gg-1"])));
    const wanted = inputs(["gg-1", "gg-2"]);
    // The engine is killed before it has heard of this.
    await reconciler().update("id", state, wanted);
    emulator.faults.set({ rest: [{ method: "POST", path: "/api/device-with-credentials", drop: "before", times: 1 }] });
    const after = await kept(reconciler().update("id", state, wanted));
    expect(after.reasons).toBeUndefined();
    expect((await reconciler().read("id", after)).props).not.toHaveProperty("drift");
    expect(said.join()).toContain("1 device that this fleet had made before has a new certificate");
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

const authority = rootAuthority("factory");
const csrOf = (subject: string, ...more: string[]) => {
    const { csrPem, privateKeyPem } = certificateRequest(subject, ...more);
    return { csr: requestDer(csrPem)!, csrPem, privateKeyPem };
};
const leafOf = (state: FleetBatchState, name: string) => new X509Certificate(toPem(state.devices[name]!.certificate));

test("a device that a successor has taken over is not deleted either", async () => {
    const wanted = inputs(["ii-1"], {}, { onRemove: "delete" });
    const first = await kept(reconciler().create(wanted));
    const second = await kept(reconciler().create(wanted));
    await reconciler().delete("id", first);
    expect((await client().deviceByName("ii-1"))?.id.id).toBe(second.devices["ii-1"]!.id);
    await reconciler().delete("id", second);
    expect(await client().deviceByName("ii-1")).toBeUndefined();
});

test("a device that keeps its key: its request is signed, and signed again for a renewal; with it the device connects", async () => {
    const { csr, privateKeyPem } = csrOf("/CN=j-1");
    const wanted = inputs(["j-1", "j-2"], { authority, details: { "j-1": { csr, label: "its own" } } }, { renewal: "immediate" });
    expect(await refused(wanted)).toEqual([]);
    const state = await kept(reconciler().create(wanted));
    expect(state.reasons).toBeUndefined();
    expect(Object.keys(state.keys)).toEqual(["j-2"]);
    await noChange(state, wanted);
    expect(await reconciler().read("id", state)).toMatchObject({ inputs: JSON.parse(JSON.stringify(wanted)) });
    const leaf = leafOf(state, "j-1");
    expect(leaf.subject).toBe("CN=j-1");
    expect(leaf.subjectAltName).toBeUndefined();
    expect(leaf.ca).toBe(false);
    expect(leaf.verify(new X509Certificate(authority.certificatePem).publicKey)).toBe(true);
    const { mqttsHost: host, mqttsPort: port, caPem } = emulator;
    expect(await publishCheck({ mode: "connect", host, port, caPem, certificatePem: leaf.toString(), privateKeyPem })).toMatchObject({ ok: true });

    const renewed = await kept(reconciler(336).update("id", state, wanted));
    expect(renewed.devices["j-1"]!.certificate).not.toBe(state.devices["j-1"]!.certificate);
    expect(leafOf(renewed, "j-1").checkPrivateKey(createPrivateKey(privateKeyPem))).toBe(true);

    const other = csrOf("/CN=j-1");
    const exchanged = await kept(reconciler().update("id", renewed, { ...wanted, details: { "j-1": { csr: other.csr, label: "its own" } } }));
    expect(leafOf(exchanged, "j-1").checkPrivateKey(createPrivateKey(other.privateKeyPem))).toBe(true);
    expect(exchanged.devices["j-2"]).toEqual(renewed.devices["j-2"]);

    const ours = inputs(["j-1", "j-2"], { authority }, { renewal: "immediate" });
    await reconciler().diff("id", exchanged, ours);
    expect(said.at(-1)).toContain("1 rebound, 1 unchanged (rebound: j-1)");
    expect(Object.keys((await kept(reconciler().update("id", exchanged, ours))).keys).sort()).toEqual(["j-1", "j-2"]);
});

test.each([
    ["another device's name", () => csrOf("/CN=k-2").csr, "it is for CN=k-2, and CN=k-1 was declared"],
    ["more than a name", () => csrOf("/CN=k-1/O=Acme").csr, "its subject has O=Acme, which was not declared"],
    ["an alternative name", () => csrOf("/CN=k-1", "-addext", "subjectAltName=DNS:k-2").csr, 'it asks for the alternative name dns "k-2"'],
    ["a changed request", () => Buffer.from(Buffer.from(csrOf("/CN=k-7").csr, "base64").toString("latin1").replace("k-7", "k-1"), "latin1").toString("base64"), "its signature does not fit its key"],
    ["a certificate", () => selfSigned("k-1"), "it is no certificate request that can be read"],
    ["a text", () => "hello", "it is no certificate request that can be read"],
])("a request that is refused in preview, naming the device: %s", async (_what, csr, reason) => {
    const good = csrOf("/CN=k-0").csr;
    expect(await refused(inputs(["k-0", "k-1"], { authority, details: { "k-0": { csr: good }, "k-1": { csr: csr() } } }))).toEqual([expect.stringContaining(`device "k-1": csrPem: ${reason}`)]);
});

test("a name that is longer than a common name may be: the request has its beginning", async () => {
    const name = `l-${"x".repeat(100)}`;
    const wanted = inputs([name], { authority, details: { [name]: { csr: csrOf(`/CN=${name.slice(0, 64)}`).csr } } });
    expect(await refused(wanted)).toEqual([]);
    expect(await kept(reconciler().create(wanted))).toMatchObject({ summary: { devices: 1 } });
});

test("a raised generation gives a new key, also where keys are kept; a lowered one is remembered and nothing else", async () => {
    const declare = (generation: number) => inputs(["m-1", "m-2"], { details: { "m-1": { generation } } }, { rotationPolicy: "never" });
    const state = await kept(reconciler().create(declare(1)));
    await reconciler().diff("id", state, declare(2));
    expect(said.at(-1)).toBe('fleet "pumps", batch 1 of 1: 1 reissued, 1 unchanged (reissued: m-1)');
    const raised = await kept(reconciler().update("id", state, declare(2)));
    expect(raised.keys["m-1"]).not.toBe(state.keys["m-1"]);
    expect(raised.devices["m-2"]).toEqual(state.devices["m-2"]);
    await noChange(raised, declare(2));
    const lowered = await kept(reconciler().update("id", raised, declare(1)));
    expect(lowered.devices).toEqual(raised.devices);
    await noChange(lowered, declare(1));
});

test("a device profile by name: given to each device, exchanged, and never founded by a slip of the pen", async () => {
    const { profileData, type: kind, transportType } = (await client().deviceProfile((await client().defaultDeviceProfile()).id.id))!;
    for (const name of ["pump", "valve"]) await client().createDeviceProfile({ name, type: kind, transportType, provisionType: "DISABLED", profileData }, () => false);
    const type = async () => (await client().deviceByName("t-1"))?.type;
    const state = await kept(reconciler().create(inputs(["t-1"], {}, { deviceProfile: "pump" })));
    expect(await type()).toBe("pump");
    const changed = await kept(reconciler().update("id", state, inputs(["t-1"], {}, { deviceProfile: "valve" })));
    expect(await type()).toBe("valve");
    expect(changed.devices).toEqual(state.devices);
    await expect(kept(reconciler().update("id", changed, inputs(["t-1", "t-2"], {}, { deviceProfile: "valves" })))).rejects.toThrow('device profile "valves" does not exist on this ThingsBoard');
});

test("a fleet in a profile under which devices enrol by themselves is warned of it, with a declared profile and without", async () => {
    const { profileData, type: kind, transportType } = (await client().deviceProfile((await client().defaultDeviceProfile()).id.id))!;
    const provisionConfiguration = { type: "X509_CERTIFICATE_CHAIN", provisionDeviceSecret: rootAuthority("Root").certificatePem, certificateRegExPattern: "(.*)", allowCreateNewDevicesByX509Certificate: true } as const;
    await client().createDeviceProfile({ name: "enrolling", type: kind, transportType, provisionType: "X509_CERTIFICATE_CHAIN", profileData: { ...profileData, provisionConfiguration } }, () => false);
    await kept(reconciler().create(inputs(["v-1", "v-2"], {}, { deviceProfile: "enrolling" })));
    expect(said.join()).toContain('device profile "enrolling" has the X.509 chain strategy: whoever holds a key of its authority can take over any device in it');
    await kept(reconciler().create(inputs(["v-3"])));
    expect(said.filter(line => line.includes("v-3") || line.includes('profile "default"'))).toEqual([]);
});

test("a fleet whose device profile was renamed can still give up its devices, some of them and all", async () => {
    const { profileData, type: kind, transportType } = (await client().deviceProfile((await client().defaultDeviceProfile()).id.id))!;
    const profile = await client().createDeviceProfile({ name: "fan", type: kind, transportType, provisionType: "DISABLED", profileData }, () => false);
    const state = await kept(reconciler().create(inputs(["u-1", "u-2"], {}, { deviceProfile: "fan" })));
    await client().saveDeviceProfile({ ...profile, name: "ventilator" });
    const less = await kept(reconciler().update("id", state, inputs(["u-1"], {}, { deviceProfile: "fan" })));
    expect(Object.keys(less.devices)).toEqual(["u-1"]);
    await reconciler().delete("id", less);
    for (const name of ["u-1", "u-2"]) expect((await client().credentials((await client().deviceByName(name))!.id.id))?.credentialsType).toBe("ACCESS_TOKEN");
});

test("a device that was deleted elsewhere is made again, also when it is issued anew", async () => {
    const state = await kept(reconciler().create(inputs(["n-1"])));
    await client().deleteDevice(state.devices["n-1"]!.id);
    const after = await kept(reconciler().update("id", state, inputs(["n-1"], { details: { "n-1": { generation: 2 } } })));
    expect(after.reasons).toBeUndefined();
    expect(after.devices["n-1"]!.id).not.toBe(state.devices["n-1"]!.id);
});

test("attributes that change with a renewal arrive with it", async () => {
    const declare = (site: string) => inputs(["o-1"], { details: { "o-1": { attributes: { site } } } }, { renewal: "immediate" });
    const state = await kept(reconciler().create(declare("north")));
    const after = await kept(reconciler(336).update("id", state, declare("south")));
    expect(after.devices["o-1"]!.certificate).not.toBe(state.devices["o-1"]!.certificate);
    expect(await reconciler().read("id", after)).not.toHaveProperty("inputs.drift");
});

const pace = { now: () => Date.now(), sleep: async () => undefined };

test("a device that was revoked by hand: preview says so, up names the way out and binds nothing, a new generation is bound", async () => {
    const declare = (generation = 1, settings = {}) => inputs(["p-1", "p-2"], { details: { "p-1": { generation } } }, settings);
    const state = await kept(reconciler().create(declare()));
    await revoke(client(), "p-1", pace);

    const { inputs: found, props } = (await reconciler().read("id", state)) as { inputs: FleetBatchInputs; props: FleetBatchState };
    expect(found.revoked).toEqual({ "p-1": expect.stringMatching(/^20\d\d-/) });
    expect(found.drift).toBeUndefined();
    expect(await reconciler().diff("id", props, declare())).toEqual({});
    expect(said.at(-1)).toContain('1 revoked, 1 unchanged (revoked: p-1); a revoked certificate is never bound again: set generation: 2 on the device');

    const after = await kept(reconciler().update("id", props, declare()));
    expect(after.reasons?.join()).toMatch(/device "p-1": its certificate was revoked on 20.* and is never bound again: set generation: 2/);
    expect(after.devices).toEqual(state.devices);
    // Neither the next preview nor a renewal that keeps the key forgets it.
    await reconciler(336).diff("id", after, declare(1, { renewal: "immediate", rotationPolicy: "never" }));
    expect(said.at(-1)).toContain("1 renewed, 1 revoked, 0 unchanged (renewed: p-2; revoked: p-1)");
    const strict = { onDrift: "fail" } as const;
    expect(await refused(declare(1, strict), found)).toEqual([expect.stringContaining('device "p-1": its certificate was revoked')]);
    expect(await refused(declare(2, strict), found)).toEqual([]);

    const reissued = await kept(reconciler().update("id", props, declare(2)));
    expect(reissued.reasons).toBeUndefined();
    expect(reissued.revoked).toBeUndefined();
    expect(await reconciler().read("id", reissued)).not.toHaveProperty("inputs.revoked");
    await noChange(reissued, declare(2));
});

test("a renewal is no way around a revocation that no refresh has seen", async () => {
    const wanted = inputs(["s-1", "s-2"], {}, { renewal: "immediate", rotationPolicy: "never" });
    const state = await kept(reconciler().create(wanted));
    await revoke(client(), "s-1", pace);
    const after = await kept(reconciler(336).update("id", state, wanted));
    expect(after.reasons?.join()).toContain('device "s-1": its certificate was revoked');
    expect(after.devices["s-1"]).toEqual(state.devices["s-1"]);
    expect(after.devices["s-2"]!.certificate).not.toBe(state.devices["s-2"]!.certificate);
});

test("a check that connects alone leaves no telemetry, and finds who is refused", async () => {
    const wanted = inputs(["q-1"], {}, { publishCheck: "all", checkMode: "connect" });
    const state = await kept(reconciler().create(wanted));
    expect(state.reasons).toBeUndefined();
    const { id } = state.devices["q-1"]!;
    expect((await client().attributes(id, "SERVER_SCOPE", ["lastConnectTime"]))?.[0]?.value).toBeGreaterThan(0);
    expect((await client().latestTelemetry(id, ["pulumiPublishCheck"]))?.["pulumiPublishCheck"]?.value ?? null).toBeNull();
    emulator.faults.set({ mqtt: { connack: 0x87, times: 4 } });
    const refused = await kept(reconciler().create(inputs(["q-2"], {}, { publishCheck: "all", checkMode: "connect" })));
    expect(refused.reasons?.join()).toContain('device "q-2": publish check: ');
    expect(refused.devices).toHaveProperty("q-2");
});

test("what a fleet does not offer is refused in words", async () => {
    const reasons = async (settings: object) => (await refused(inputs(["r-1"], {}, settings))).join();
    expect(await reasons({ checkMode: "observe" })).toContain('fleet "pumps": publishCheck.mode is "observe", which a fleet does not offer');
    expect(await reasons({ checkMode: "ping" })).toContain('checkMode is "ping": expected "publish" or "connect"');
    expect(await reasons({ maxRenewalsPerUp: 0 })).toContain("maxRenewalsPerUp is 0: expected a whole number above 0");
    expect(await reasons({ renewal: "staged" })).toContain('renewal is "staged", which a fleet does not offer: use "immediate" with maxRenewalsPerUp');
});
