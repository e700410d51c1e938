// One step of a Device at a time: what it leaves on the server and in the state, and what it says.

import { runtime } from "@pulumi/pulumi";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type DeviceInputs, type DeviceState, device } from "../../sdk/reconcilers/device";
import { markOf } from "../../sdk/reconcilers/ownership";
import type { Unfinished } from "../../sdk/reconcilers/reconciler";
import { type UnderTest, underTest } from "./support";

let under: UnderTest;
const warned: string[] = [];
beforeAll(async () => {
    under = await underTest();
});
beforeEach(() => void (warned.length = 0));
afterEach(() => under.emulator.faults.clear());
afterAll(() => under.stop());

const reconciler = () => device(() => under.server, text => warned.push(text));
const declare = (name: string, more: Partial<DeviceInputs> = {}, stack = "stack"): DeviceInputs => ({ name, ...more, declaredBy: `project/${stack}/${name}` });
const create = async (inputs: DeviceInputs) => {
    const { id, outs } = await reconciler().create(inputs);
    return { id, state: outs as DeviceState };
};
const found = (name: string) => under.thingsboard.deviceByName(name);
const byHand = async (name: string, more: object = {}) => (await under.thingsboard.createDevice({ name, ...more }, () => false)).id.id;
const said = (run: Promise<unknown>) => run.then(() => "nothing", (error: unknown) => String(error));
const nowhere = "784f394c-42b6-11ef-983c-b7beff2784f9";

test("each changed input is a difference, and adopt alone is none", async () => {
    const declared = declare("differing", { label: "a", gateway: false, deviceProfile: "default", attributes: { a: 1 }, additionalInfo: { b: 1 }, onDelete: "delete", onDrift: "repair" });
    const { id, state } = await create(declared);
    const diff = (change: Partial<DeviceInputs>) => reconciler().diff(id, state, { ...declared, ...change });
    expect(await diff({})).toEqual({ changes: false });
    expect(await diff({ adopt: true, declaredBy: "project/stack/renamed" })).toEqual({ changes: false });
    const changes: Partial<DeviceInputs>[] = [
        { name: "another" },
        { label: "b" },
        { gateway: true },
        { deviceProfile: "other" },
        { attributes: { a: 2 } },
        { additionalInfo: {} },
        { onDelete: "keep" },
        { onDrift: "fail" },
        { customer: "Acme" },
        { owner: "Acme" },
        { groups: ["Pumps"] },
        { changedElsewhere: { label: '"b"' } },
        { attributes: { a: runtime.unknownValue } },
    ];
    for (const change of changes) expect(await diff(change), JSON.stringify(change)).toEqual({});
});

test("adopt in preview: tells of what is taken over, with its profile, label and owner, and what becomes of it", async () => {
    const lines = async (inputs: DeviceInputs, olds: Partial<DeviceInputs> = {}) => {
        warned.length = 0;
        await reconciler().check(olds as DeviceInputs, inputs);
        return [...warned];
    };
    const id = await byHand("found");
    const sentence = `device "found" exists already (id ${id}, profile "default"): it is taken over, and kept on destroy`;
    expect(await lines(declare("found", { adopt: true }))).toEqual([sentence]);
    expect(await lines(declare("found", { adopt: true, onDelete: "delete" }))).toEqual([sentence.replace("kept on destroy", "deleted with its telemetry on destroy")]);
    expect(await lines(declare("found"))).toEqual([]);
    expect(await lines(declare("found", { adopt: false }))).toEqual([]);
    expect(await lines(declare("found", { adopt: true }), { declaredBy: "project/stack/found" })).toEqual([]);
    expect(await lines(declare("found", { adopt: true, onDelete: "burn" as "keep" }))).toEqual([]);
    expect(await lines(declare("not there", { adopt: true }))).toEqual([]);
    expect(await lines({ ...declare("x", { adopt: true }), name: runtime.unknownValue })).toEqual([]);
    const theirs = await create(declare("theirs", { label: "of hall 7" }, "other"));
    expect(await lines(declare("theirs", { adopt: true }))).toEqual([`device "theirs" exists already (id ${theirs.id}, profile "default", label "of hall 7"), and belongs to project/other/theirs (project/stack/resource): it is taken over, and kept on destroy`]);
    expect(await lines(declare("theirs", { adopt: true }, "other"))).toEqual([]);
});

test("a look-up goes by name or by id, also of a device that is called like an id, and holds nothing that is ours", async () => {
    const id = await byHand("looked up", { label: "hall 7" });
    const named = await byHand(nowhere);
    const look = (nameOrId: string) => reconciler().read(nameOrId, { declaredBy: "project/stack/get" } as DeviceState);
    const state = { name: "looked up", label: "hall 7", deviceProfile: "default", deviceId: id, deviceProfileId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, adopted: true, declaredBy: "project/stack/get" };
    expect(await look("looked up")).toEqual({ id, props: state });
    expect(await look(id)).toEqual({ id, props: state });
    expect(await look(nowhere)).toMatchObject({ id: named, props: { name: nowhere } });
    expect((await look(nowhere)).props).not.toHaveProperty("label");
    expect(await said(look("nobody"))).toContain('device "nobody" does not exist on this ThingsBoard: correct the name or id, or declare the device');
});

test("drift says what was found and what there was; of attributes and additional information the keys alone", async () => {
    const declared = declare("drifting", { label: "a", gateway: true, deviceProfile: "default", attributes: { password: "first", same: 1, gone: 2 }, additionalInfo: { note: "secret note", kept: 1 } });
    const { id, state } = await create(declared);
    const there = (await found("drifting"))!;
    await under.thingsboard.saveDevice({ ...there, label: "b", additionalInfo: { ...there.additionalInfo, gateway: false, note: "their note" } });
    await under.thingsboard.saveAttributes(id, { password: "second" });
    await under.thingsboard.deleteAttributes(id, ["gone"]);
    const first = (await reconciler().read(id, state)) as { inputs: DeviceInputs; props: DeviceState };
    expect(first.inputs).toMatchObject({ label: "b", gateway: false, deviceProfile: "default", attributes: { password: "second", same: 1 }, additionalInfo: { note: "their note", kept: 1 } });
    const { changedElsewhere } = first.inputs;
    expect(changedElsewhere).toEqual({ label: '"b"', gateway: "false", attributes: "password: another value, gone: absent", additionalInfo: "note: another value" });
    expect(JSON.stringify(changedElsewhere)).not.toMatch(/first|second|secret/);
    expect(first.props.expected).toEqual({ label: "a", gateway: true, attributes: declared.attributes, additionalInfo: declared.additionalInfo });
    // Another refresh still knows what there was, and finds nothing where all was put right by hand.
    expect(await reconciler().read(id, first.props)).toEqual(first);
    await under.thingsboard.saveDevice({ ...(await found("drifting"))!, label: "a", additionalInfo: there.additionalInfo! });
    await under.thingsboard.saveAttributes(id, { password: "first", gone: 2 });
    expect(await reconciler().read(id, first.props)).toEqual({ id, inputs: declared, props: state });
    await under.thingsboard.deleteDevice(id);
    expect(await reconciler().read(id, state)).toEqual({});
});

test("what is no longer declared is taken back, what others have put there stays", async () => {
    const { id, state } = await create(declare("taken back", { label: "a", gateway: true, attributes: { ours: 1, both: 1 }, additionalInfo: { ours: 1, both: 1 } }));
    const there = (await found("taken back"))!;
    await under.thingsboard.saveDevice({ ...there, additionalInfo: { ...there.additionalInfo, theirs: 1 } });
    await under.thingsboard.saveAttributes(id, { theirs: 1 });
    const { outs } = await reconciler().update(id, state, declare("taken back", { attributes: { both: 2 }, additionalInfo: { both: 2 } }));
    expect(outs).toMatchObject({ setAttributes: ["both"], setAdditionalInfo: ["both"], adopted: false, claim: state.claim });
    const after = (await found("taken back"))!;
    expect(after).toMatchObject({ label: null });
    expect(after.additionalInfo).toEqual({ both: 2, theirs: 1, pulumi: expect.anything() as unknown });
    const attributes = await under.thingsboard.attributes(id, "SERVER_SCOPE", ["ours", "both", "theirs"]);
    expect(Object.fromEntries(attributes!.map(({ key, value }) => [key, value]))).toEqual({ both: 2, theirs: 1 });
});

test("a label by hand of a device that declares none is nobody's to take away", async () => {
    const { id, state } = await create(declare("labelled by hand"));
    await under.thingsboard.saveDevice({ ...(await found("labelled by hand"))!, label: "theirs" });
    expect(await reconciler().read(id, state)).toMatchObject({ inputs: declare("labelled by hand") });
    await reconciler().update(id, state, declare("labelled by hand", { gateway: true }));
    expect(await found("labelled by hand")).toMatchObject({ label: "theirs", additionalInfo: { gateway: true } });
});

test.each([
    ["made by the stack", false, undefined, false],
    ["made by the stack, to be kept", false, "keep", true],
    ["adopted", true, undefined, true],
    ["adopted, to be deleted", true, "delete", false],
] as const)("on destroy, one that was %s", async (what, adopted, onDelete, kept) => {
    if (adopted) await byHand(what);
    const { id, state } = await create(declare(what, { ...(adopted ? { adopt: true } : {}), ...(onDelete === undefined ? {} : { onDelete }) }));
    expect(state.adopted).toBe(adopted);
    await reconciler().delete(id, state);
    const left = await found(what);
    expect(left !== undefined).toBe(kept);
    expect(left && markOf(left)).toBeUndefined();
    await reconciler().delete(id, state);
});

test("a successor of the same stack inherits whether the device was adopted", async () => {
    for (const adopted of [true, false]) {
        const name = `inherited ${adopted}`;
        if (adopted) await byHand(name);
        await create(declare(name, { adopt: true }));
        const { state } = await create({ ...declare(name), declaredBy: "project/stack/successor" });
        expect(state.adopted).toBe(adopted);
        expect(markOf((await found(name))!)).toEqual({ declaredBy: "project/stack/successor", claim: state.claim, adopted });
    }
});

test("a device profile that is not there founds none, and no device", async () => {
    const sentence = 'device "profiled": device profile "pmup" does not exist on this ThingsBoard: create it first, or correct deviceProfile';
    expect(await said(create(declare("profiled", { deviceProfile: "pmup" })))).toContain(sentence);
    expect(await found("profiled")).toBeUndefined();
    expect(await under.thingsboard.deviceProfileByName("pmup")).toBeUndefined();
});

test("what is deleted meanwhile is told as deleted", async () => {
    const { id, state } = await create(declare("deleted meanwhile"));
    await under.thingsboard.deleteDevice(id);
    expect(await said(reconciler().update(id, state, declare("deleted meanwhile", { label: "x" })))).toContain('device "deleted meanwhile" was deleted on ThingsBoard: run "pulumi up --refresh", which creates it again');
    await reconciler().delete(id, state);
    await byHand("adopted too late");
    under.emulator.faults.set({ rest: [{ method: "GET", path: "/api/device/*", status: 404 }] });
    expect(await said(create(declare("adopted too late", { adopt: true })))).toContain('device "adopted too late" was deleted while it was being adopted: run "pulumi up" again');
});

test("one whose mark somebody removed is still what the state names, and one that is marked by somebody else is not", async () => {
    const { id, state } = await create(declare("unmarked"));
    await under.thingsboard.saveDevice({ ...(await found("unmarked"))!, additionalInfo: {} });
    const { outs } = await reconciler().update(id, state, declare("unmarked", { label: "x" }));
    expect(markOf((await found("unmarked"))!)).toEqual({ declaredBy: "project/stack/unmarked", claim: state.claim, adopted: false });
    const theirs = { declaredBy: "project/other/x", claim: "theirs", adopted: true };
    await under.thingsboard.saveDevice({ ...(await found("unmarked"))!, additionalInfo: { pulumi: theirs } });
    expect(await said(reconciler().update(id, outs!, declare("unmarked", { label: "y" })))).toContain("was adopted by project/other/x");
    for (const onDelete of ["delete", "keep"] as const) {
        await reconciler().delete(id, { ...outs!, onDelete });
        expect(markOf((await found("unmarked"))!)).toEqual(theirs);
    }
});

test("a call that is refused half-way leaves what is there in the state, and what is still to do", async () => {
    const declared = declare("half-way", { attributes: { a: 1 }, label: "l" });
    under.emulator.faults.set({ rest: [{ method: "POST", path: "/api/plugins/*", status: 403 }] });
    const error = (await create(declared).catch((reason: unknown) => reason)) as Unfinished;
    under.emulator.faults.clear();
    expect(error.message).toContain('device "half-way": cannot');
    expect(error.properties).toMatchObject({ deviceId: error.id, label: "l", attributes: {}, setAttributes: ["a"], declaredBy: declared.declaredBy });
    // What was perhaps reached is taken back where it is no longer declared.
    await under.thingsboard.saveAttributes(error.id, { a: 1 });
    await reconciler().update(error.id, error.properties as DeviceState, declare("half-way", { label: "l" }));
    expect(await under.thingsboard.attributes(error.id, "SERVER_SCOPE", ["a"])).toEqual([]);
});
