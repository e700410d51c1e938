// A certificate that another device holds: waited for where a resource of this program gives it up, or else told who has it.

import { afterAll, beforeAll, describe, test } from "vitest";
import { type DeviceCredentialInputs, type DeviceCredentialState, deviceCredential } from "../../sdk/reconcilers/deviceCredential";
import { Unfinished } from "../../sdk/reconcilers/reconciler";
import { readLeaf } from "../../sdk/x509/leaf";
import { issue } from "../unit/mqtt/certificates";
import { type UnderTest, underTest } from "./support";

let under: UnderTest;
beforeAll(async () => {
    under = await underTest();
});
afterAll(() => under.stop());

const reconciler = () => deviceCredential(() => under.server, () => new Date(), () => undefined);
const byHand = async (name: string) => (await under.thingsboard.createDevice({ name }, () => false)).id.id;
const row = async (deviceId: string) => (await under.thingsboard.credentials(deviceId))!;
const pem = (name: string) => issue(name).certificatePem;

interface Bound {
    readonly id: string;
    readonly state: DeviceCredentialState;
}
async function bound(name: string, certificatePem: string, declaredBy: string): Promise<Bound> {
    const { id, outs } = await reconciler().create({ deviceId: await byHand(name), certificatePem, declaredBy });
    return { id, state: outs as DeviceCredentialState };
}
const update = async ({ id, state }: Bound, news: DeviceCredentialInputs) => (await reconciler().update(id, state, news)).outs as DeviceCredentialState;
const inputsOf = ({ state: { deviceId, declaredBy } }: Bound, certificatePem: string): DeviceCredentialInputs => ({ deviceId, certificatePem, declaredBy });

// Each waits for three seconds.
describe.concurrent("a certificate that is taken", () => {
    test("two devices swap theirs in one run", async ({ expect }) => {
        const [first, second] = [pem("swap"), pem("swap")];
        const [one, two] = [await bound("swap 1", first, "project/stack/swap-1"), await bound("swap 2", second, "project/stack/swap-2")];
        await reconciler().check(one.state, inputsOf(one, second));
        await reconciler().check(two.state, inputsOf(two, first));
        const [after] = await Promise.all([update(one, inputsOf(one, second)), update(two, inputsOf(two, first))]);
        expect(after.credentialsId).toBe(two.state.credentialsId);
        expect([(await row(one.state.deviceId)).credentialsId, (await row(two.state.deviceId)).credentialsId]).toEqual([two.state.credentialsId, one.state.credentialsId]);
    });

    test("one that its holder has still to give up: told whom it waits for, with what is left behind, and finished by the next run", async ({ expect }) => {
        const [first, second] = [pem("waiting"), pem("waiting")];
        const [one, two] = [await bound("waiting 1", first, "project/stack/waiting-1"), await bound("waiting 2", second, "project/stack/waiting-2")];
        await reconciler().check(one.state, inputsOf(one, second));
        await reconciler().check(two.state, inputsOf(two, pem("waiting")));
        const error = await update(one, inputsOf(one, second)).catch((reason: unknown) => reason);
        expect(String(error)).toContain('device "waiting 1" waits for a certificate that project/stack/waiting-2 has still to give up: run "pulumi up" again');
        expect(error).toBeInstanceOf(Unfinished);
        const left = (error as Unfinished).properties as DeviceCredentialState;
        // It has let go of its own, so that the other one could have it.
        expect(left).toMatchObject({ certificatePem: "(ACCESS_TOKEN)", credentialsId: one.state.credentialsId, deviceId: one.state.deviceId });
        expect((await row(one.state.deviceId)).credentialsType).toBe("ACCESS_TOKEN");
        await reconciler().delete(two.id, two.state);
        expect(await update({ id: one.id, state: left }, inputsOf(one, second))).toMatchObject({ credentialsId: two.state.credentialsId });
    });

    test("a new resource that waits in vain leaves nothing behind", async ({ expect }) => {
        const certificatePem = pem("in vain");
        const two = await bound("in vain 2", certificatePem, "project/stack/vain-2");
        await reconciler().check(two.state, inputsOf(two, pem("in vain")));
        const one = await byHand("in vain 1");
        const error = await reconciler().create({ deviceId: one, certificatePem, declaredBy: "project/stack/vain-1" }).catch((reason: unknown) => reason);
        expect(String(error)).toContain('device "in vain 1" waits for a certificate that project/stack/vain-2 has still to give up');
        expect(error).not.toBeInstanceOf(Unfinished);
        expect((await row(one)).credentialsType).toBe("ACCESS_TOKEN");
    });

    test("one that its own resource held when the run began is not waited for by letting go of it", async ({ expect }) => {
        const certificatePem = pem("own");
        const one = await bound("own 1", pem("own"), "project/stack/own-1");
        await bound("own 2", certificatePem, "project/other/own-2");
        await reconciler().check({ ...one.state, certificatePem }, inputsOf(one, certificatePem));
        await update(one, inputsOf(one, certificatePem)).catch(() => undefined);
        expect((await row(one.state.deviceId)).credentialsId).toBe(one.state.credentialsId);
    });

    test.for([
        ["this stack's resource, which takes an alias", "project/stack/holder/of it", 'by project/stack/holder/of it (project/stack/resource), and a certificate identifies one device: if the program no longer declares the DeviceCredential that holds it', 'aliases: [{ name: "holder/of it" }]'],
        ["another stack's", "project/other/holder", "by project/other/holder (project/stack/resource), and a certificate identifies one device: issue one for each", ""],
        ["somebody's, bound by hand", undefined, ", and a certificate identifies one device: issue one for each", ""],
    ] as const)("named after its holder, %s, is told with the holder", async ([what, declaredBy, sentence, remedy], { expect }) => {
        const holder = `holder of ${what}`;
        const certificatePem = pem(holder);
        if (declaredBy !== undefined) await bound(holder, certificatePem, declaredBy);
        else {
            const id = await byHand(holder);
            await under.thingsboard.saveCredentials({ ...(await row(id)), credentialsType: "X509_CERTIFICATE", credentialsId: "", credentialsValue: readLeaf(certificatePem).base64Der });
        }
        const error = await bound(`wants ${holder}`, certificatePem, `project/stack/wants ${what}`).catch((reason: unknown) => String(reason));
        expect(error).toContain(`device "wants ${holder}": its certificate is bound to device "${holder}"${declaredBy === undefined ? "" : " "}${sentence}`);
        expect(error).toContain(remedy);
        if (remedy === "") expect(error).not.toContain("aliases");
    });

    test("named after a device that doesn't hold it, or after none, is told without a holder", async ({ expect }) => {
        await byHand("innocent");
        const failures = ["innocent", "nobody at all"].map(async name => {
            const certificatePem = pem(name);
            await bound(`holds that of ${name}`, certificatePem, `project/stack/holds ${name}`);
            return bound(`wants that of ${name}`, certificatePem, `project/stack/wants that of ${name}`).catch((reason: unknown) => String(reason));
        });
        for (const failure of await Promise.all(failures)) expect(failure).toMatch(/its certificate is already bound to another device of this ThingsBoard \(perhaps of another tenant\).*aliases: \[\{ name: "…" \}\]/);
    });

    test("one that another resource of this program declares as well is told with that one's device", async ({ expect }) => {
        const certificatePem = pem("declared twice");
        const two = await bound("declared twice 2", certificatePem, "project/stack/declared-twice-2");
        await reconciler().check({} as DeviceCredentialInputs, { deviceName: "declared twice 2", certificatePem, declaredBy: two.state.declaredBy });
        const failure = await bound("declared twice 1", certificatePem, "project/stack/declared-twice-1").catch((reason: unknown) => String(reason));
        expect(failure).toContain('device "declared twice 1": its certificate is already bound to device "declared twice 2" of this program, and a certificate identifies one device: issue one for each');
    });
});
