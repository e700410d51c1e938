// What is noted on a device, whoever wrote it, and writes that meet others'.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type DeviceCredentialState, deviceCredential } from "../../sdk/reconcilers/deviceCredential";
import { revokedAttribute, revokedIn } from "../../sdk/reconcilers/revoked";
import { rollBack } from "../../sdk/reconcilers/rollback";
import { saveDevice } from "../../sdk/reconcilers/save";
import { isApiError } from "../../sdk/thingsboard";
import { keyId, readLeaf } from "../../sdk/x509/leaf";
import { issue } from "../unit/mqtt/certificates";
import { type UnderTest, underTest } from "./support";

let under: UnderTest;
beforeAll(async () => {
    under = await underTest();
});
afterEach(() => under.emulator.faults.clear());
afterAll(() => under.stop());

const reconciler = () => deviceCredential(() => under.server, () => new Date(), () => undefined);
const byHand = async (name: string) => (await under.thingsboard.createDevice({ name }, () => false)).id.id;
const row = async (deviceId: string) => (await under.thingsboard.credentials(deviceId))!;
const pem = () => issue("pump").certificatePem;
let count = 0;
const bound = async (deviceId: string, certificatePem = pem(), stack = "stack") => {
    const { id, outs } = await reconciler().create({ deviceId, certificatePem, declaredBy: `project/${stack}/notes-${++count}` });
    return { id, state: outs as DeviceCredentialState };
};
const refused = (run: Promise<unknown>) => run.then(() => "nothing", (error: unknown) => String(error));

test("a note of a binding that is none makes nobody the owner", async () => {
    const deviceId = await byHand("noted oddly");
    const { state } = await bound(deviceId);
    const { declaredBy, credentialsId } = state;
    for (const note of ["text", 5, [], {}, { declaredBy, credentialsId }, { id: 5, declaredBy, credentialsId }, { id: "i", declaredBy: 5, credentialsId }, { id: "i", declaredBy }]) {
        await under.thingsboard.saveAttributes(deviceId, { pulumiBinding: note });
        expect(await refused(bound(deviceId)), JSON.stringify(note)).toContain("was not made by this stack and holds another certificate");
    }
    expect((await row(deviceId)).credentialsId).toBe(credentialsId);
});

test("of notes of revocation counts what is text", () => {
    expect([null, "text", 5, undefined].map(revokedIn)).toEqual([{}, {}, {}, {}]);
    expect(revokedIn({ a: "2026-01-01", b: true, c: null })).toEqual({ a: "2026-01-01" });
});

test("a check goes back neither to a certificate nor to a key that was revoked, and to nothing where the device holds another one by now", async () => {
    const deviceId = await byHand("going back");
    const before = pem();
    const { base64Der, credentialsId } = readLeaf(before);
    const { state } = await bound(deviceId);
    const back = (from = state.credentialsId) => rollBack(under.thingsboard, { deviceId, from, toPem: before });
    for (const name of [credentialsId, `key:${keyId(base64Der)!}`]) {
        await under.thingsboard.saveAttributes(deviceId, { [revokedAttribute]: { [name]: "2026-01-01T00:00:00.000Z" } });
        expect(await back(), name).toBe("revoked");
    }
    await under.thingsboard.saveAttributes(deviceId, { [revokedAttribute]: { somethingElse: "2026-01-01T00:00:00.000Z" } });
    expect(await back("of before")).toBe("changed");
    expect((await row(deviceId)).version).toBe(state.rowVersion);
    expect(await back()).toBe("bound");
    expect((await row(deviceId)).credentialsId).toBe(credentialsId);
});

test("who is overtaken decides anew, five times at most", async () => {
    const overtaken = (times: number) => under.emulator.faults.set({ rest: [{ method: "POST", path: "/api/device/credentials", status: 409, times }] });
    const deviceId = await byHand("overtaken");
    overtaken(4);
    const { state } = await bound(deviceId);
    expect(await row(deviceId)).toMatchObject({ credentialsId: state.credentialsId, version: state.rowVersion });
    const other = await byHand("overtaken always");
    overtaken(5);
    const error: unknown = await bound(other).catch((reason: unknown) => reason);
    expect(isApiError(error, "versionConflict"), String(error)).toBe(true);
    expect((await row(other)).credentialsType).toBe("ACCESS_TOKEN");
});

test("what is deleted between reading and writing is told as deleted", async () => {
    const deviceId = await byHand("deleted between");
    under.emulator.faults.set({ rest: [{ method: "POST", path: "/api/device/credentials", status: 404 }] });
    expect(await refused(bound(deviceId))).toContain('device "deleted between" was deleted while its certificate was being bound');
});

test("a device that is as it should be is not written", async () => {
    const deviceId = await byHand("as it is");
    const { version } = (await under.thingsboard.deviceById(deviceId))!;
    expect(await saveDevice(under.thingsboard, deviceId, found => ({ ...found }))).toMatchObject({ version });
    expect((await under.thingsboard.deviceById(deviceId))!.version).toBe(version);
});
