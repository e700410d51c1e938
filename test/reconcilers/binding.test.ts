// One step of a DeviceCredential at a time: what it leaves in the device's row and in the state, and what it says.

import { runtime } from "@pulumi/pulumi";
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { freshToken } from "../../sdk/reconcilers/credentialRow";
import { type DeviceCredentialInputs, type DeviceCredentialState, deviceCredential } from "../../sdk/reconcilers/deviceCredential";
import { Unfinished } from "../../sdk/reconcilers/reconciler";
import { revokedAttribute } from "../../sdk/reconcilers/revoked";
import { rollBack } from "../../sdk/reconcilers/rollback";
import { readLeaf } from "../../sdk/x509/leaf";
import { rootAuthority } from "../support/openssl";
import { daysFromNow, issue } from "../unit/mqtt/certificates";
import { type UnderTest, underTest } from "./support";

let under: UnderTest;
const warned: string[] = [];
beforeAll(async () => {
    under = await underTest();
});
beforeEach(() => void (warned.length = 0));
afterEach(() => under.emulator.faults.clear());
afterAll(() => under.stop());

const reconciler = () => deviceCredential(() => under.server, () => new Date(), text => warned.push(text));
const byHand = async (name: string) => (await under.thingsboard.createDevice({ name }, () => false)).id.id;
const row = async (deviceId: string) => (await under.thingsboard.credentials(deviceId))!;
const pem = () => issue("pump").certificatePem;
const idOf = (certificatePem: string) => readLeaf(certificatePem).credentialsId;
const put = async (deviceId: string, certificatePem: string) =>
    under.thingsboard.saveCredentials({ ...(await row(deviceId)), credentialsType: "X509_CERTIFICATE", credentialsId: "", credentialsValue: readLeaf(certificatePem).base64Der });

let count = 0;
const declare = (target: { deviceId?: string; deviceName?: string }, more: Partial<DeviceCredentialInputs> = {}): DeviceCredentialInputs => ({ ...target, certificatePem: pem(), declaredBy: `project/stack/binding-${++count}`, ...more });
const create = async (inputs: DeviceCredentialInputs) => {
    const { id, outs } = await reconciler().create(inputs);
    return { id, state: outs as DeviceCredentialState };
};
const update = async ({ id, state }: { id: string; state: DeviceCredentialState }, news: DeviceCredentialInputs) => (await reconciler().update(id, state, news)).outs as DeviceCredentialState;
const said = (run: Promise<unknown>) => run.then(() => "nothing", (error: unknown) => String(error));

test("each changed input is a difference, and none of them is where nothing changed", async () => {
    const deviceId = await byHand("differing");
    const declared = declare({ deviceId }, { onDelete: "revoke", onDrift: "repair", ignoreServerRotation: false });
    const { id, state } = await create(declared);
    const byName = { ...declared, deviceName: "differing", deviceId: undefined } as unknown as DeviceCredentialInputs;
    for (const same of [declared, byName, { ...declared, adopt: true }, { ...declared, certificatePem: declared.certificatePem.replaceAll("\n", "\r\n") }]) expect(await reconciler().diff(id, state, same)).toEqual({ changes: false });
    const changed: Partial<DeviceCredentialInputs>[] = [
        { onDelete: "keep" },
        { onDrift: "fail" },
        { ignoreServerRotation: true },
        { certificatePem: pem() },
        { certificatePem: runtime.unknownValue },
        { deviceId: "784f394c-42b6-11ef-983c-b7beff2784f9" },
        { changedElsewhere: { certificatePem: "an access token" } },
    ];
    for (const change of changed) expect(await reconciler().diff(id, state, { ...declared, ...change }), JSON.stringify(change)).toEqual({});
    expect(await reconciler().diff(id, state, { ...byName, deviceName: "another" })).toEqual({});
});

test("an update of inputs that are no part of the binding leaves the row alone, and the device's session with it", async () => {
    const deviceId = await byHand("left alone");
    const declared = declare({ deviceId });
    const bound = await create(declared);
    const state = await update(bound, { ...declared, onDelete: "keep" });
    expect((await row(deviceId)).version).toBe(bound.state.rowVersion);
    expect(state).toEqual({ ...bound.state, onDelete: "keep" });
    // Where somebody else has bound it since, it is bound again.
    await create({ ...declare({ deviceId }), certificatePem: declared.certificatePem, declaredBy: "project/other/x" });
    const again = await update({ id: bound.id, state }, declared);
    expect(again.rowVersion).toBe((await row(deviceId)).version);
    expect(again.rowVersion).toBeGreaterThan(bound.state.rowVersion!);
    expect(again.bindingRevision).toBeGreaterThan(bound.state.bindingRevision);
    await put(deviceId, pem());
    await update({ id: bound.id, state: again }, { ...declared, onDelete: "revoke" });
    expect((await row(deviceId)).credentialsId).toBe(bound.state.credentialsId);
});

test("a binding whose note somebody deleted is still ours as long as the row is as we left it", async () => {
    const deviceId = await byHand("note deleted");
    const { id, state } = await create(declare({ deviceId }));
    await under.thingsboard.deleteAttributes(deviceId, ["pulumiBinding"]);
    await reconciler().delete(id, state);
    expect((await row(deviceId)).credentialsType).toBe("ACCESS_TOKEN");
});

test("without note, and saved again by somebody, it is nobody's: left alone", async () => {
    const deviceId = await byHand("nobody's");
    const { id, state } = await create(declare({ deviceId }));
    await under.thingsboard.deleteAttributes(deviceId, ["pulumiBinding"]);
    await under.thingsboard.saveCredentials(await row(deviceId));
    await reconciler().delete(id, state);
    expect((await row(deviceId)).credentialsId).toBe(state.credentialsId);
});

test("a row that holds another's certificate under the version that we know is left alone", async () => {
    const deviceId = await byHand("restored");
    const { id, state } = await create(declare({ deviceId }));
    const theirs = await put(deviceId, pem());
    // As after a restored backup, where versions begin again.
    await reconciler().delete(id, { ...state, rowVersion: theirs.version! });
    expect(await row(deviceId)).toEqual(theirs);
});

test("the certificate that a renewal replaced is kept in the state until it is none of ours any more; put back by a check, it is revoked with the rest", async () => {
    const deviceId = await byHand("renewed");
    const first = declare({ deviceId });
    const bound = await create(first);
    expect(bound.state).not.toHaveProperty("replacedCertificatePem");
    const second = { ...first, certificatePem: pem() };
    const renewed = await update(bound, second);
    expect(renewed.replacedCertificatePem).toBe(first.certificatePem);
    // Bound again after drift: still the one of before, not what the drift had put there.
    await put(deviceId, pem());
    const drifted = ((await reconciler().read(bound.id, renewed)) as { props: DeviceCredentialState }).props;
    const mended = await update({ id: bound.id, state: drifted }, second);
    expect(mended.replacedCertificatePem).toBe(first.certificatePem);
    // Other inputs don't touch it.
    expect((await update({ id: bound.id, state: mended }, { ...second, onDrift: "fail" })).replacedCertificatePem).toBe(first.certificatePem);
    expect(await rollBack(under.thingsboard, { deviceId, from: mended.credentialsId, toPem: first.certificatePem })).toBe("bound");
    await reconciler().delete(bound.id, mended);
    expect((await row(deviceId)).credentialsType).toBe("ACCESS_TOKEN");

    const other = await create(declare({ deviceId: await byHand("renewed after drift") }));
    const found = { ...other.state, certificatePem: pem() };
    expect(await update({ id: other.id, state: found }, declare({ deviceId: other.state.deviceId }))).not.toHaveProperty("replacedCertificatePem");
});

test("a server before 3.8 numbers no rows: the binding's own number rises", async () => {
    const old = await underTest({ version: "3.6" });
    onTestFinished(() => old.stop());
    const ours = deviceCredential(() => old.server, () => new Date(), () => undefined);
    const deviceId = (await old.thingsboard.createDevice({ name: "old" }, () => false)).id.id;
    const declared = declare({ deviceId });
    const { id, outs } = await ours.create(declared);
    const state = outs as DeviceCredentialState;
    expect(state).toMatchObject({ rowVersion: null, bindingRevision: 1 });
    const { outs: next } = await ours.update(id, state, { ...declared, certificatePem: pem() });
    expect(next).toMatchObject({ rowVersion: null, bindingRevision: 2 });
    await ours.delete(id, next!);
    expect((await old.thingsboard.credentials(deviceId))!.credentialsType).toBe("ACCESS_TOKEN");
});

test("the time of the binding is the server's", async () => {
    under.emulator.faults.set({ clockOffset: 3_600_000 });
    const { state } = await create(declare({ deviceId: await byHand("ahead") }));
    expect(Math.abs(state.boundAt - Date.now() - 3_600_000)).toBeLessThan(10_000);
});

test("a device that is not there is said by the way in which it was named", async () => {
    const missing = "784f394c-42b6-11ef-983c-b7beff2784f9";
    expect(await said(reconciler().create(declare({ deviceId: missing })))).toContain(`device "${missing}": ThingsBoard has no device of id ${missing}: declare it with Device, or correct deviceId`);
    expect(await said(reconciler().create(declare({ deviceName: "missing" })))).toContain('device "missing": ThingsBoard has no device of this name: declare it with Device, or correct deviceName');
});

test("a device that is deleted meanwhile, and a call that is refused, are told by the device's name", async () => {
    const deviceId = await byHand("by its name");
    under.emulator.faults.set({ rest: [{ method: "GET", path: "/api/device/*/credentials", status: 404 }] });
    expect(await said(reconciler().create(declare({ deviceId })))).toContain('device "by its name" was deleted while its certificate was being bound: run "pulumi up" again');
    under.emulator.faults.set({ rest: [{ method: "POST", path: "/api/device/credentials", status: 403 }] });
    expect(await said(reconciler().create(declare({ deviceId })))).toContain('device "by its name": cannot bind the certificate');
    under.emulator.faults.clear();
    const bound = await create(declare({ deviceId: await byHand("where it was") }));
    under.emulator.faults.set({ rest: [{ method: "GET", path: `/api/device/${deviceId}/credentials`, status: 403 }] });
    expect(await said(update(bound, declare({ deviceId })))).toContain('device "by its name": cannot read the credentials');
});

test("two resources that name one device, by its id and by its name, are told apart in the same run", async () => {
    const deviceId = await byHand("named twice");
    const [one, two] = [declare({ deviceId }), declare({ deviceName: "named twice" })];
    for (const inputs of [one, two]) expect((await reconciler().check({} as DeviceCredentialInputs, inputs)).failures).toEqual([]);
    await create(one);
    expect(await said(reconciler().create(two))).toContain(`device "named twice": two resources of this program bind a certificate to it, also ${one.declaredBy}: a device has one credential`);
});

test("a move that must not be leaves the old binding untouched: a device in use, one on which the certificate was revoked", async () => {
    const from = await byHand("stays put");
    const bound = await create(declare({ deviceId: from }));
    const [used, revoked] = [await byHand("in use"), await byHand("revoked there")];
    await put(used, pem());
    await under.thingsboard.saveAttributes(revoked, { [revokedAttribute]: { [bound.state.credentialsId]: "2026-01-01T00:00:00.000Z" } });
    const sentences = [[used, "was not made by this stack and holds another certificate"], [revoked, "this certificate was revoked on 2026-01-01T00:00:00.000Z"]] as const;
    for (const [deviceId, sentence] of sentences) {
        expect(await said(update(bound, { ...declare({ deviceId }), certificatePem: bound.state.certificatePem }))).toContain(sentence);
        expect(await row(from)).toMatchObject({ credentialsId: bound.state.credentialsId, version: bound.state.rowVersion });
    }
});

test("a move whose way back is shut too says both", async () => {
    const [from, to] = [await byHand("no way back"), await byHand("no way there")];
    const bound = await create(declare({ deviceId: from }));
    under.emulator.faults.set({ rest: [{ method: "POST", path: "/api/device/credentials", skip: 1, status: 403 }] });
    const error = await update(bound, { ...declare({ deviceId: to }), certificatePem: bound.state.certificatePem }).catch((reason: unknown) => reason);
    expect(error).not.toBeInstanceOf(Unfinished);
    expect(String(error)).toMatch(/device "no way there": cannot bind.*; and the old binding could not be put back: device "no way back": cannot bind/);
    under.emulator.faults.clear();
    // The old device was deleted meanwhile: there is nothing to put back.
    const other = await create(declare({ deviceId: await byHand("soon gone") }));
    under.emulator.faults.set({ rest: [{ method: "POST", path: "/api/device/credentials", skip: 1, times: 1, status: 403 }, { method: "GET", path: `/api/device/${other.state.deviceId}`, status: 404 }] });
    expect(await said(update(other, { ...declare({ deviceId: to }), certificatePem: other.state.certificatePem }))).toMatch(/^(?!.*put back).*device "no way there": cannot bind/);
});

test("what a refresh finds: a token, another certificate, text that is none, nothing", async () => {
    const deviceId = await byHand("refreshed");
    const { id, state } = await create(declare({ deviceId }));
    const found = async () => (await reconciler().read(id, state)) as { inputs: DeviceCredentialInputs; props: DeviceCredentialState };
    const other = issue("somebody").certificatePem;
    await put(deviceId, other);
    expect((await found()).inputs).toMatchObject({ changedElsewhere: { certificatePem: expect.stringMatching(/^the certificate "CN=somebody" \(SHA-256 [0-9A-F:]+, expires 20/) as string } });
    expect(idOf((await found()).inputs.certificatePem)).toBe(idOf(other));
    await under.thingsboard.saveCredentials({ ...(await row(deviceId)), credentialsType: "X509_CERTIFICATE", credentialsId: "", credentialsValue: "hello" });
    expect((await found()).inputs).toMatchObject({ changedElsewhere: { certificatePem: "X.509 credentials that hold no certificate" } });
    await under.thingsboard.saveCredentials({ ...(await row(deviceId)), credentialsType: "MQTT_BASIC", credentialsId: "", credentialsValue: JSON.stringify({ clientId: "c", userName: "u", password: "p" }) });
    expect((await found()).inputs).toMatchObject({ certificatePem: "(MQTT_BASIC)", changedElsewhere: { certificatePem: expect.stringContaining("MQTT basic credentials") as string } });
    await under.thingsboard.saveCredentials(freshToken(await row(deviceId)));
    const { props, inputs } = await found();
    expect(inputs).toMatchObject({ certificatePem: "(ACCESS_TOKEN)", changedElsewhere: { certificatePem: "an access token" } });
    // The credential that we bound stays in the state, whatever is found.
    expect(props).toEqual({ ...state, certificatePem: "(ACCESS_TOKEN)", changedElsewhere: inputs.changedElsewhere });
    expect(inputs).not.toHaveProperty("revoked");
    await under.thingsboard.deleteDevice(deviceId);
    expect(await found()).toEqual({});
});

test("a certificate that was revoked by its id alone says nothing of its key, and one whose key is unknown is revoked all the same", async () => {
    const deviceId = await byHand("revoked by id");
    const { id, state } = await create(declare({ deviceId }));
    await under.thingsboard.saveAttributes(deviceId, { [revokedAttribute]: { [state.credentialsId]: "2026-01-01T00:00:00.000Z" } });
    await under.thingsboard.saveCredentials(freshToken(await row(deviceId)));
    const { inputs, props } = (await reconciler().read(id, state)) as { inputs: DeviceCredentialInputs; props: DeviceCredentialState };
    expect(inputs.revoked).toEqual({ credentialsId: state.credentialsId, on: "2026-01-01T00:00:00.000Z" });
    expect(await reconciler().read(id, { ...props, revoked: undefined } as unknown as DeviceCredentialState)).toMatchObject({ inputs: { revoked: { credentialsId: state.credentialsId } } });
});

test("a leaf that ThingsBoard itself bound is drift only where that wasn't asked for, and the profile allows it; such a profile is warned of, once asked for it is not", async () => {
    const { profileData, type, transportType } = (await under.thingsboard.deviceProfile((await under.thingsboard.defaultDeviceProfile()).id.id))!;
    const provisionConfiguration = { type: "X509_CERTIFICATE_CHAIN", provisionDeviceSecret: rootAuthority("Root").certificatePem, certificateRegExPattern: "(.*)", allowCreateNewDevicesByX509Certificate: true } as const;
    const profile = await under.thingsboard.createDeviceProfile({ name: "chain", type, transportType, provisionType: "X509_CERTIFICATE_CHAIN", profileData: { ...profileData, provisionConfiguration } }, () => false);
    const inChain = async (name: string) => (await under.thingsboard.createDevice({ name, deviceProfileId: profile.id }, () => false)).id.id;
    const [chain, plain] = [await inChain("in chain"), await byHand("not in chain")];
    const drift = async (deviceId: string, ignoreServerRotation?: boolean) => {
        const { id, state } = await create(declare({ deviceId }, { adopt: true, ...(ignoreServerRotation === undefined ? {} : { ignoreServerRotation }) }));
        await put(deviceId, pem());
        const seen = (await reconciler().read(id, state)) as { inputs: DeviceCredentialInputs; props: DeviceCredentialState };
        if (!("changedElsewhere" in seen.inputs)) expect(seen).toMatchObject({ id, inputs: { certificatePem: state.certificatePem }, props: state });
        return "changedElsewhere" in seen.inputs;
    };
    expect(await drift(chain, true)).toBe(false);
    expect(warned).toEqual([]);
    expect([await drift(plain, true), await drift(chain, false), await drift(chain)]).toEqual([true, true, true]);
    expect(warned).toEqual(Array(2).fill(expect.stringContaining('device profile "chain" has the X.509 chain strategy')));
    // A token is not what ThingsBoard binds.
    const { id, state } = await create(declare({ deviceId: chain }, { adopt: true, ignoreServerRotation: true }));
    await under.thingsboard.saveCredentials(freshToken(await row(chain)));
    expect(await reconciler().read(id, state)).toMatchObject({ inputs: { certificatePem: "(ACCESS_TOKEN)" } });
});

test("preview warns of a certificate that ends soon, and tells of what adopt replaces: where it is new, asked for, without failure and known", async () => {
    const deviceId = await byHand("to be adopted");
    const held = (await put(deviceId, pem())).credentialsId;
    const lines = async (more: Partial<DeviceCredentialInputs>, olds: Partial<DeviceCredentialInputs> = {}) => {
        warned.length = 0;
        await reconciler().check(olds as DeviceCredentialInputs, declare({ deviceId }, more));
        return [...warned];
    };
    expect(await lines({ adopt: true })).toEqual([`device "to be adopted" holds another certificate (credentialsId ${held}): it is replaced, which cuts off whoever uses it`]);
    const used = await byHand("a token in use");
    await under.thingsboard.saveAttributes(used, { lastConnectTime: Date.UTC(2026, 0, 1) });
    expect(await lines({ adopt: true, deviceId: used })).toEqual(['device "a token in use" holds an access token with which it last connected on 2026-01-01T00:00:00.000Z: it is replaced, which cuts off whoever uses it']);
    expect(await lines({})).toEqual([]);
    expect(await lines({ adopt: false })).toEqual([]);
    expect(await lines({ adopt: true }, { declaredBy: "project/stack/before" })).toEqual([]);
    expect(await lines({ adopt: true, onDelete: "burn" as "keep" })).toEqual([]);
    expect(await lines({ adopt: true, certificatePem: runtime.unknownValue })).toEqual([]);
    expect(await lines({ adopt: true, deviceId: await byHand("free") })).toEqual([]);
    expect(await lines({ adopt: true, deviceId: "784f394c-42b6-11ef-983c-b7beff2784f9" })).toEqual([]);
    expect(await lines({ certificatePem: issue("late", { notBefore: daysFromNow(-300), notAfter: daysFromNow(2) }).certificatePem })).toEqual([expect.stringMatching(/its certificate expires on/)]);
});
