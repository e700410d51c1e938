import fc from "fast-check";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type DeviceInputs, type DeviceState, device } from "../../sdk/reconcilers/device";
import { Unfinished } from "../../sdk/reconcilers/reconciler";
import { type Rest, logIn } from "../emulator/support";
import { type UnderTest, expectLawful, expectPatient, maybe, underTest, fresh, someAttributes, someJson, someKey, someName, someText } from "./support";

let under: UnderTest;
beforeAll(async () => {
    under = await underTest();
});
afterAll(() => under.stop());

const reconciler = () => device(() => under.server, () => undefined);

const inputs: fc.Arbitrary<Omit<DeviceInputs, "declaredBy">> = fc.record({
    name: someName,
    label: maybe(someText),
    gateway: maybe(fc.boolean()),
    attributes: maybe(someAttributes),
    additionalInfo: maybe(fc.dictionary(someKey, someJson, { maxKeys: 4 })),
    deviceProfile: maybe(fc.constant("default")),
    onDelete: maybe(fc.constant("delete" as const)),
    onDrift: maybe(fc.constantFrom("repair", "fail")),
}) as fc.Arbitrary<Omit<DeviceInputs, "declaredBy">>;

test("whatever is declared is unchanged right afterwards, after a read, and after an update", async () => {
    await fc.assert(fc.asyncProperty(inputs, declared => expectLawful(reconciler(), fresh(declared))), { numRuns: 60 });
    expect(under.emulator.status().devices).toBe(0);
});

test("what is not known yet is no failure and no replacement, at any depth", async () => {
    const declared: DeviceInputs = { name: "patient", label: "a", gateway: false, attributes: { a: { b: [1, { c: 2 }] } }, additionalInfo: { d: { e: 1 } }, deviceProfile: "default", onDelete: "delete", onDrift: "repair", declaredBy: "project/stack/patient" };
    const { id, outs } = await reconciler().create(declared);
    await expectPatient(reconciler(), outs!, declared);
    await reconciler().delete(id, outs!);
});

test("state whose optional fields are missing is read, updated and deleted", async () => {
    const declared: DeviceInputs = { name: "old state", declaredBy: "project/stack/old" };
    const { id, outs } = await reconciler().create(declared);
    const { stateVersion, name, deviceId, deviceProfileId, adopted, claim, declaredBy, setAttributes, setAdditionalInfo, setGroups } = outs!;
    const old = { stateVersion, name, deviceId, deviceProfileId, adopted, claim, declaredBy, setAttributes, setAdditionalInfo, setGroups };
    expect(await reconciler().diff(id, old, declared)).toEqual({ changes: false });
    const seen = await reconciler().read(id, old);
    expect(seen).toMatchObject({ id, inputs: declared });
    const { outs: updated } = await reconciler().update(id, old, { ...declared, label: "new" });
    expect(updated).toMatchObject({ label: "new" });
    await reconciler().delete(id, old);
    expect(await under.thingsboard.deviceById(id)).toBeUndefined();
});

test("a whole number that ThingsBoard would turn into text, and so into drift for ever, is refused", async () => {
    const failures = async (value: unknown) => (await reconciler().check({} as DeviceInputs, { name: "large", attributes: { serial: value }, declaredBy: "project/stack/large" })).failures!.map(({ reason }) => reason);
    expect(await failures(2 ** 63)).toEqual(['device "large": attributes.serial is a whole number beyond 64 bits, which ThingsBoard would keep as text: give it as text']);
    for (const value of [-(2 ** 62), 2 ** 53 + 2, 1.5e300 / 7e299, String(2 ** 63)]) expect(await failures(value)).toEqual([]);
});

test("an attribute that is null, which ThingsBoard does not store, and would be drift for ever, is refused", async () => {
    const { failures } = await reconciler().check({} as DeviceInputs, { name: "nothing", declaredBy: "project/stack/nothing", attributes: { site: null, hall: 3 } });
    expect(failures?.map(({ reason }) => reason)).toEqual(['device "nothing": attributes.site is null, which ThingsBoard does not store: leave the key out, or give a value']);
});

test("two who create the same device at once: one makes it, the other is told", async () => {
    const race = (stack: string) => reconciler().create({ name: "contested", declaredBy: `project/${stack}/contested` });
    const results = await Promise.allSettled(["one", "two", "three"].map(race));
    const won = results.filter(result => result.status === "fulfilled");
    expect(won).toHaveLength(1);
    for (const result of results) if (result.status === "rejected") expect(String(result.reason)).toContain("set adopt: true to take it over");
    await reconciler().delete(won[0]!.value.id, won[0]!.value.outs!);
});

test("writers at once: nobody's change is lost", async () => {
    const declared: DeviceInputs = { name: "busy", label: "one", declaredBy: "project/stack/busy" };
    const { id, outs } = await reconciler().create(declared);
    const somebody = async (index: number) => {
        for (let attempt = 0; attempt < 20; attempt++) {
            const found = (await under.thingsboard.deviceById(id))!;
            const done = await under.thingsboard.saveDevice({ ...found, additionalInfo: { ...found.additionalInfo, [`by${index}`]: true } }).catch(() => undefined);
            if (done) return;
        }
        throw new Error("never got through");
    };
    await Promise.all([reconciler().update(id, outs!, { ...declared, label: "two" }), somebody(1), somebody(2)]);
    expect(await under.thingsboard.deviceById(id)).toMatchObject({ label: "two", additionalInfo: { by1: true, by2: true } });
    await reconciler().delete(id, outs!);
});

test("what somebody else has claimed is neither changed nor deleted, and what is there is nobody's for the asking", async () => {
    const declared = { name: "ours", declaredBy: "project/stack/ours" };
    const first = await reconciler().create(declared);
    // The same resource under another logical name, as the engine makes it before it deletes the first.
    const successor = await reconciler().create({ ...declared, declaredBy: "project/stack/renamed" });
    expect(successor.id).toBe(first.id);
    await reconciler().delete(first.id, first.outs!);
    expect(await under.thingsboard.deviceById(first.id)).toBeDefined();

    const theirs = await reconciler().create({ ...declared, declaredBy: "project/other/theirs", adopt: true });
    await expect(reconciler().update(successor.id, successor.outs!, { ...declared, label: "ours" })).rejects.toThrow('device "ours" was adopted by project/other/theirs (project/stack/resource) meanwhile');
    await reconciler().delete(successor.id, successor.outs!);
    expect(await under.thingsboard.deviceById(first.id)).toMatchObject({ name: "ours", label: null });
    await reconciler().delete(theirs.id, theirs.outs!);
    // Without a mark by now, and with a history that is somebody's.
    await expect(reconciler().create(declared)).rejects.toThrow('device "ours" exists already on this ThingsBoard: set adopt: true to take it over');
});

const call = async (rest: Rest, method: string, path: string, body?: unknown) => (await rest(method, path, body)).body as { readonly id: { readonly id: string }; readonly ownerId: unknown; readonly totalElements: number };

test("goes to a customer, to another one, and back to nobody; what somebody else did shows", async () => {
    const rest = await logIn(under.emulator, under.emulator.username, under.emulator.password);
    const [acme, other] = await Promise.all(["Acme", "Other"].map(title => call(rest, "POST", "/api/customer", { title })));
    const declared = { name: "assigned", customer: "Acme", declaredBy: "project/stack/assigned" };
    const held = async (id: string) => (await under.thingsboard.deviceById(id))!.customerId?.id;
    await expect(reconciler().create({ ...declared, customer: "Nobody" })).rejects.toThrow('device "assigned": customer "Nobody" does not exist on this ThingsBoard: create it first, or correct customer');
    expect(await under.thingsboard.deviceByName("assigned")).toBeUndefined();
    const { id, outs } = await reconciler().create(declared);
    expect(await held(id)).toBe(acme!.id.id);
    const moved = { ...declared, customer: "Other" };
    expect(await reconciler().diff(id, outs!, moved)).toEqual({});
    const { outs: second } = await reconciler().update(id, outs!, moved);
    expect(await held(id)).toBe(other!.id.id);
    await under.thingsboard.assignToCustomer(id, acme!.id.id);
    expect(await reconciler().read(id, second)).toMatchObject({ inputs: { customer: "Acme" } });
    await under.thingsboard.unassignFromCustomer(id);
    expect(await reconciler().read(id, second)).toMatchObject({ inputs: { customer: "" } });
    await under.thingsboard.assignToCustomer(id, other!.id.id);
    const { customer: _none, ...alone } = declared;
    const { outs: third } = await reconciler().update(id, second!, alone);
    expect(await held(id)).toBe("13814000-1dd2-11b2-8080-808080808080");
    await reconciler().delete(id, third!);
});

test("Professional Edition: goes to an owner and into groups, out of those that are no longer declared, and a group that isn't there is told", async () => {
    const professional = await underTest({ edition: "PE" });
    onTestFinished(() => professional.stop());
    const rest = await logIn(professional.emulator, professional.emulator.username, professional.emulator.password);
    const { id: ownerId } = await call(rest, "POST", "/api/customer", { title: "Acme" });
    const group = async (name: string, more: object = {}) => (await call(rest, "POST", "/api/entityGroup", { name, type: "DEVICE", ...more })).id.id;
    const groups = { pumps: await group("Pumps", { ownerId }), north: await group("North", { ownerId }), ours: await group("Ours") };
    const members = async () => Object.fromEntries(await Promise.all(Object.entries(groups).map(async ([name, groupId]) => [name, (await call(rest, "GET", `/api/entityGroup/${groupId}/devices?pageSize=10&page=0`)).totalElements])));
    const owned = async (id: string) => (await call(rest, "GET", `/api/device/${id}`)).ownerId;

    const reconciler = device(() => professional.server, () => undefined);
    const declared: DeviceInputs = { name: "owned", owner: "Acme", groups: ["Pumps"], declaredBy: "project/stack/owned" };
    await expect(reconciler.create({ ...declared, owner: "Nobody" })).rejects.toThrow('customer "Nobody" does not exist on this ThingsBoard: create it first, or correct owner');
    const { id, outs } = await reconciler.create(declared);
    expect([await owned(id), await members()]).toEqual([ownerId, { pumps: 1, north: 0, ours: 0 }]);
    expect(await reconciler.diff(id, outs!, declared)).toEqual({ changes: false });

    const elsewhere = { ...declared, groups: ["North"] };
    const { outs: second } = await reconciler.update(id, outs!, elsewhere);
    expect(await members()).toEqual({ pumps: 0, north: 1, ours: 0 });
    expect(await reconciler.diff(id, second!, { ...elsewhere, groups: ["North", "Pumps"] })).toEqual({});

    const missing = await reconciler.update(id, second!, { ...elsewhere, groups: ["North", "South"] }).catch((error: unknown) => error);
    expect(missing).toBeInstanceOf(Unfinished);
    expect(String(missing)).toContain('device "owned": its owner has no device group "South": create it first, or correct groups');

    const { outs: third } = await reconciler.update(id, (missing as Unfinished).properties as DeviceState, { ...declared, owner: "tenant", groups: ["Ours"] });
    expect([await owned(id), await members()]).toEqual([expect.objectContaining({ entityType: "TENANT" }), { pumps: 0, north: 0, ours: 1 }]);
    await reconciler.delete(id, third!);
});
