import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DeviceCredentialInputs, type DeviceCredentialState, deviceCredential } from "../../sdk/reconcilers/deviceCredential";
import { Unfinished } from "../../sdk/reconcilers/reconciler";
import { readLeaf } from "../../sdk/x509/leaf";
import { issue } from "../unit/mqtt/certificates";
import { type UnderTest, expectLawful, expectPatient, maybe, underTest, fresh, someName, wire } from "./support";

let under: UnderTest;
beforeAll(async () => {
    under = await underTest();
});
afterAll(() => under.stop());

const reconciler = () => deviceCredential(() => under.server, () => new Date(), () => undefined);
const byHand = async (name: string) => (await under.thingsboard.createDevice({ name }, () => false)).id.id;
const row = async (deviceId: string) => (await under.thingsboard.credentials(deviceId))!;
const declare = (deviceId: string, stack = "stack", certificatePem = issue("pump").certificatePem): DeviceCredentialInputs => ({ deviceId, certificatePem, declaredBy: `project/${stack}/${randomUUID()}` });
const bound = async (inputs: DeviceCredentialInputs) => {
    const { id, outs } = await reconciler().create(inputs);
    return { id, state: outs as DeviceCredentialState };
};

/** As a device's certificate may be handed over: with other text around it, and with other line ends. */
const spelling = fc.constantFrom<(pem: string) => string>(
    pem => pem,
    pem => pem.replaceAll("\n", "\r\n"),
    pem => `\nSubject: CN=pump\n${pem}\n\n`,
);

const inputs = fc.record({
    name: someName,
    spell: spelling,
    target: fc.constantFrom("deviceId", "deviceName", "both"),
    adopt: maybe(fc.boolean()),
    onDelete: maybe(fc.constantFrom("revoke", "keep")),
    onDrift: maybe(fc.constantFrom("repair", "fail")),
});

test("whatever is declared is unchanged right afterwards, after a read, and after an update", async () => {
    await fc.assert(
        fc.asyncProperty(inputs, async ({ spell, target, ...tried }) => {
            const { name, declaredBy: _by, ...rest } = fresh(tried);
            const deviceId = await byHand(name);
            const targets = { deviceId: { deviceId }, deviceName: { deviceName: name }, both: { deviceId, deviceName: name } };
            await expectLawful(reconciler(), wire({ ...declare(deviceId, "stack", spell(issue("pump").certificatePem)), deviceId: undefined, ...targets[target], ...rest }) as unknown as DeviceCredentialInputs);
            expect((await row(deviceId)).credentialsType).toBe(rest.onDelete === "keep" ? "X509_CERTIFICATE" : "ACCESS_TOKEN");
            await under.thingsboard.deleteDevice(deviceId);
        }),
        { numRuns: 40 },
    );
});

test("what is not known yet is no failure and no replacement, at any depth", async () => {
    const declared = { ...declare(await byHand("patient")), deviceName: "patient", adopt: false, onDelete: "revoke", onDrift: "repair" } as const;
    const { state } = await bound(declared);
    await expectPatient(reconciler(), state, declared);
});

test("state whose optional fields are missing is read, updated and deleted", async () => {
    const deviceId = await byHand("old state");
    const declared = declare(deviceId);
    const { id, state } = await bound(declared);
    const { stateVersion, certificatePem, targetInputs, credentialsId, rowVersion, bindingRevision, boundAt, declaredBy } = state;
    const old: DeviceCredentialState = { stateVersion, deviceId, certificatePem, targetInputs, credentialsId, rowVersion, bindingRevision, boundAt, declaredBy };
    expect(await reconciler().diff(id, old, declared)).toEqual({ changes: false });
    expect(await reconciler().read(id, old)).toMatchObject({ id, inputs: declared });
    await reconciler().update(id, old, { ...declared, onDrift: "fail" });
    await reconciler().delete(id, old);
    expect((await row(deviceId)).credentialsType).toBe("ACCESS_TOKEN");
});

test("LwM2M credentials are taken over only with adopt", async () => {
    const deviceId = await byHand("speaks LwM2M");
    const lwm2m = JSON.stringify({ client: { securityConfigClientMode: "NO_SEC", endpoint: "urn:imei:1" }, bootstrap: {} });
    const held = await under.thingsboard.saveCredentials({ ...(await row(deviceId)), credentialsType: "LWM2M_CREDENTIALS", credentialsId: "", credentialsValue: lwm2m });
    const declared = declare(deviceId);
    await expect(reconciler().create(declared)).rejects.toThrow(/device "speaks LwM2M" was not made by this stack and holds LwM2M credentials.*set adopt: true/);
    expect(await row(deviceId)).toEqual(held);
    await bound({ ...declared, adopt: true });
    expect((await row(deviceId)).credentialsId).toBe(readLeaf(declared.certificatePem).credentialsId);
});

test.for([["a server of today", {}], ["a server before 3.8", { version: "3.6" }]] as const)("%s: a predecessor does not revoke what its successor has bound, also after a refresh", async ([, options]) => {
    const outer = under;
    under = await underTest(options);
    try {
        const deviceId = await byHand("replaced");
        const declared = declare(deviceId);
        const old = await bound(declared);
        const successor = await bound(declare(deviceId, "stack", declared.certificatePem));
        const refreshed = (await reconciler().read(old.id, old.state)) as { props: DeviceCredentialState };
        await reconciler().delete(old.id, refreshed.props);
        expect((await row(deviceId)).credentialsId).toBe(old.state.credentialsId);
        await reconciler().delete(successor.id, successor.state);
        expect((await row(deviceId)).credentialsType).toBe("ACCESS_TOKEN");
    } finally {
        await under.stop();
        under = outer;
    }
});

test("a binding that another stack has taken over is left to it, also after a refresh", async () => {
    const deviceId = await byHand("migrated");
    const declared = declare(deviceId);
    const here = await bound(declared);
    await bound(declare(deviceId, "other", declared.certificatePem));
    const refreshed = (await reconciler().read(here.id, here.state)) as { props: DeviceCredentialState };
    await reconciler().delete(here.id, refreshed.props);
    expect((await row(deviceId)).credentialsType).toBe("X509_CERTIFICATE");
});

test("a row that somebody saved again as it was is still ours, and revoked in the end", async () => {
    const deviceId = await byHand("saved again");
    const { id, state } = await bound(declare(deviceId));
    await under.thingsboard.saveCredentials(await row(deviceId));
    const refreshed = (await reconciler().read(id, state)) as { props: DeviceCredentialState };
    expect(refreshed.props).toEqual(state);
    await reconciler().delete(id, state);
    expect((await row(deviceId)).credentialsType).toBe("ACCESS_TOKEN");
    expect(await under.thingsboard.attributes(deviceId, "SERVER_SCOPE", ["pulumiBinding"])).toEqual([]);
});

test("a release that got as far as the token only is finished by the next one", async () => {
    const deviceId = await byHand("half released");
    const { id, state } = await bound(declare(deviceId));
    under.emulator.faults.set({ rest: [{ method: "DELETE", path: "/api/plugins/*", status: 403 }] });
    await expect(reconciler().delete(id, state)).rejects.toThrow("403");
    under.emulator.faults.clear();
    expect((await row(deviceId)).credentialsType).toBe("ACCESS_TOKEN");
    await reconciler().delete(id, state);
    expect(await under.thingsboard.attributes(deviceId, "SERVER_SCOPE", ["pulumiBinding"])).toEqual([]);
});

test("a device that last connected at no time at all is as one that connected never", async () => {
    const deviceId = await byHand("timeless");
    await under.thingsboard.saveAttributes(deviceId, { lastConnectTime: 1e20 });
    await bound(declare(deviceId));
    expect((await row(deviceId)).credentialsType).toBe("X509_CERTIFICATE");
});

test("writers at once: what is bound in the end is somebody's whole, and a stale one does not overwrite it blindly", async () => {
    const deviceId = await byHand("contested");
    const pems = [1, 2, 3].map(index => issue(`pump ${index}`).certificatePem);
    const results = await Promise.allSettled(pems.map(pem => reconciler().create({ ...declare(deviceId, "stack", pem), adopt: true })));
    const states = results.flatMap(result => (result.status === "fulfilled" ? [result.value.outs as DeviceCredentialState] : []));
    const last = await row(deviceId);
    expect(states.map(({ credentialsId }) => credentialsId)).toContain(last.credentialsId);
    expect(new Set(states.map(({ rowVersion }) => rowVersion)).size).toBe(states.length);
    for (const result of results) if (result.status === "rejected") expect(String(result.reason)).toMatch(/was not made by this stack|changed/);
});

test("two stacks that bind a device at once: the loser leaves the winner's binding his, also where the row is saved again later", async () => {
    for (let round = 0; round < 12; round++) {
        const deviceId = await byHand(`contested ${round}`);
        const results = await Promise.allSettled(["one", "two", "three"].map(stack => bound(declare(deviceId, stack))));
        const won = results.flatMap(result => (result.status === "fulfilled" ? [result.value] : []));
        const winner = won.find(({ state }) => state.rowVersion === Math.max(...won.map(({ state }) => state.rowVersion ?? 0)))!;
        await under.thingsboard.saveCredentials(await row(deviceId));
        await reconciler().delete(winner.id, winner.state);
        expect((await row(deviceId)).credentialsType, `round ${round}`).toBe("ACCESS_TOKEN");
    }
});

test("what a run had bound whose state was lost is this stack's own still; another stack's, or somebody's, needs adopt", async () => {
    const deviceId = await byHand("state lost");
    await bound(declare(deviceId));
    await expect(bound(declare(deviceId, "other"))).rejects.toThrow("set adopt: true");
    const { state } = await bound(declare(deviceId));
    expect((await row(deviceId)).credentialsId).toBe(state.credentialsId);
    await under.thingsboard.saveCredentials({ ...(await row(deviceId)), credentialsId: "", credentialsValue: readLeaf(issue("somebody").certificatePem).base64Der });
    await expect(bound(declare(deviceId))).rejects.toThrow("set adopt: true");
});

test("a move that is refused half-way puts the old binding back, and is finished by the next update", async () => {
    const [from, to] = [await byHand("half-way from"), await byHand("half-way to")];
    const { id, state } = await bound(declare(from));
    const news = { ...declare(to, "stack", state.certificatePem), declaredBy: state.declaredBy };
    // The old device has been released by then, and the new one is about to be bound.
    under.emulator.faults.set({ rest: [{ method: "POST", path: `/api/plugins/telemetry/DEVICE/${to}/*`, status: 403 }] });
    const broken = await reconciler().update(id, state, news).then(() => undefined, (error: unknown) => error);
    under.emulator.faults.clear();
    expect(broken).toBeInstanceOf(Unfinished);
    expect([(await row(from)).credentialsId, (await row(to)).credentialsType]).toEqual([state.credentialsId, "ACCESS_TOKEN"]);
    // As the program had declared it, so that a refresh shows nothing else.
    expect(await reconciler().read(id, (broken as Unfinished).properties as DeviceCredentialState)).toMatchObject({ inputs: { deviceId: from } });
    expect(await reconciler().read(id, (broken as Unfinished).properties as DeviceCredentialState)).not.toHaveProperty("inputs.deviceName");
    await reconciler().update(id, (broken as Unfinished).properties as DeviceCredentialState, news);
    expect([(await row(from)).credentialsType, (await row(to)).credentialsId]).toEqual(["ACCESS_TOKEN", state.credentialsId]);
});

test("a move that is refused half-way leaves a device alone that somebody else had taken over meanwhile", async () => {
    const [from, to] = [await byHand("taken from"), await byHand("taken to")];
    const { id, state } = await bound(declare(from));
    const theirs = await bound({ ...declare(from, "other"), adopt: true });
    under.emulator.faults.set({ rest: [{ method: "POST", path: `/api/plugins/telemetry/DEVICE/${to}/*`, status: 403 }] });
    const broken = await reconciler().update(id, state, { ...declare(to, "stack", state.certificatePem), declaredBy: state.declaredBy }).catch((error: unknown) => error);
    under.emulator.faults.clear();
    expect(String(broken)).toContain("403");
    expect(await row(from)).toMatchObject({ credentialsId: theirs.state.credentialsId, version: theirs.state.rowVersion });
    await reconciler().delete(theirs.id, theirs.state);
    expect((await row(from)).credentialsType).toBe("ACCESS_TOKEN");
});

test.concurrent.for([
    ["from a device that is to have another one", "stack", { another: true }, true],
    ["not from a device where it is to stay", "stack", { credentialsId: "its own" }, false],
    ["not from a device whose wish is not known", "stack", {}, false],
    ["not from a device to which another stack has bound it", "other", { another: true }, false],
] as const)("one change at a time, a certificate is taken %s", async ([, stack, wish, taken], { expect, task }) => {
    const [one, two] = [await byHand(`${task.id} one`), await byHand(`${task.id} two`)];
    const mine = await bound(declare(one));
    const theirs = await bound(declare(two, stack));
    const wanted = { ...mine.state, ...declare(one, "stack", theirs.state.certificatePem), declaredBy: mine.state.declaredBy };
    const known = "credentialsId" in wish ? { credentialsId: theirs.state.credentialsId } : wish;
    const checked = await reconciler().check(mine.state, { ...wanted, others: [{ declaredBy: `project/stack/${two}`, deviceId: two, ...known }, "unknown"] });
    expect(checked).toMatchObject({ failures: [] });
    expect(checked.inputs).not.toHaveProperty("others");
    const result = await reconciler().update(mine.id, mine.state, wanted).then(() => "bound", (error: unknown) => String(error));
    expect(result).toMatch(taken ? /^bound$/ : /its certificate is already bound to another device/);
    expect([(await row(one)).credentialsId, (await row(two)).credentialsType]).toEqual(taken ? [theirs.state.credentialsId, "ACCESS_TOKEN"] : [mine.state.credentialsId, "X509_CERTIFICATE"]);
});
