// Whatever is declared one after the other, whatever fails meanwhile, and whatever others do: the next update without a failure
// is all it takes, what a refresh forgets is still seen to be undone, and what somebody else has put there is left alone.

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshToken } from "../../sdk/reconcilers/credentialRow";
import { type DeviceInputs, type DeviceState, device } from "../../sdk/reconcilers/device";
import { type DeviceCredentialInputs, type DeviceCredentialState, deviceCredential } from "../../sdk/reconcilers/deviceCredential";
import { type Reconciler, Unfinished } from "../../sdk/reconcilers/reconciler";
import { type DeviceCredentials, nobody } from "../../sdk/thingsboard/model";
import { readLeaf } from "../../sdk/x509/leaf";
import { logIn } from "../emulator/support";
import { runs, soak } from "../support/seed";
import { issue } from "../unit/mqtt/certificates";
import { type UnderTest, underTest, wire } from "./support";

let under: UnderTest;
beforeAll(async () => {
    under = await underTest();
});
afterAll(() => under.stop());

/** What the engine keeps of one resource. */
interface Kept<State> {
    readonly id: string;
    readonly state: State;
    /** The last run had failed half-way: the next one calls `update` whatever `diff` says. A refresh forgets it. */
    readonly unfinished: boolean;
}

/** As `pulumi up` does it; what a failed run leaves is what it had before, or what the error carries. */
async function up<Inputs extends object, State extends object>(reconciler: Reconciler<Inputs, State>, before: Kept<State> | undefined, declared: Inputs): Promise<Kept<State> | undefined> {
    const news = wire(declared);
    try {
        if (!before) {
            const { id, outs } = await reconciler.create(news);
            return { id, state: wire(outs as State), unfinished: false };
        }
        if (!before.unfinished && (await reconciler.diff(before.id, before.state, news)).changes === false) return before;
        const { outs } = await reconciler.update(before.id, before.state, news);
        return { ...before, state: wire(outs as State), unfinished: false };
    } catch (error) {
        if (error instanceof Unfinished) return { id: error.id, state: wire(error.properties as State), unfinished: true };
        return before;
    }
}

async function refresh<Inputs extends object, State extends object>(reconciler: Reconciler<Inputs, State>, before: Kept<State> | undefined): Promise<Kept<State> | undefined> {
    const seen = before && (await reconciler.read(before.id, before.state));
    return seen && "props" in seen ? { id: seen.id, state: wire(seen.props), unfinished: false } : undefined;
}

/** One of the calls of a run, or some in a row, are refused. */
const fault = fc.record({ skip: fc.nat({ max: 12 }), times: fc.constantFrom(1, 1, 2, 20), status: fc.constantFrom(400, 403) });

const row = async (deviceId: string) => (await under.thingsboard.credentials(deviceId))!;
const [ours, theirs] = [["one", "two"], ["three"]].map(names => names.map(name => issue(name).certificatePem)) as [string[], string[]];
const places = ["first", "second"] as const;

const steps = fc.array(
    fc.record({
        place: fc.constantFrom(...places),
        which: fc.nat({ max: ours.length - 1 }),
        onDelete: fc.constantFrom(undefined, "revoke", "keep"),
        fault: fc.option(fault),
        elsewhere: fc.option(fc.record({ place: fc.constantFrom(...places), what: fc.constantFrom("token", "certificate", "again") })),
        refreshed: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
);

let run = 0;
/** Milliseconds. */
const timeout = soak ? 10 * 60_000 : 30_000;

test("a DeviceCredential: declarations, failures and meddling in any order", { timeout }, async () => {
    const reconciler = deviceCredential(() => under.server, () => new Date(), () => undefined);
    await fc.assert(
        fc.asyncProperty(fc.constantFrom("id", "name", "both"), steps, async (by, history) => {
            const round = ++run;
            const ids = Object.fromEntries(await Promise.all(places.map(async place => [place, (await under.thingsboard.createDevice({ name: `${place} ${round}` }, () => false)).id.id] as const))) as Record<(typeof places)[number], string>;
            const put = new Map<string, DeviceCredentials>();
            let kept: Kept<DeviceCredentialState> | undefined;
            let declared!: DeviceCredentialInputs;
            try {
                for (const { place, which, onDelete, fault, elsewhere, refreshed } of history) {
                    const certificatePem = ours[which]!;
                    const target = { ...(by === "name" ? {} : { deviceId: ids[place] }), ...(by === "id" ? {} : { deviceName: `${place} ${round}` }) };
                    declared = { ...target, certificatePem, ...(onDelete === undefined ? {} : { onDelete }), adopt: true, declaredBy: `project/stack/${round}` };
                    under.emulator.faults.set(fault ? { rest: [fault] } : {});
                    kept = await up(reconciler, kept, declared);
                    under.emulator.faults.clear();
                    if ((await row(ids[place])).version !== put.get(ids[place])?.version) put.delete(ids[place]);
                    for (const [id, left] of put) expect(await row(id)).toEqual(left);
                    if (elsewhere) {
                        const id = ids[elsewhere.place];
                        const found = await row(id);
                        const theirOwn = { ...found, credentialsType: "X509_CERTIFICATE", credentialsId: "", credentialsValue: readLeaf(theirs[0]!).base64Der } as const;
                        const free = elsewhere.what !== "certificate" || (await Promise.all(places.map(place => row(ids[place])))).every(({ credentialsId }) => credentialsId !== readLeaf(theirs[0]!).credentialsId);
                        const saved = free && (await under.thingsboard.saveCredentials(elsewhere.what === "again" ? found : elsewhere.what === "token" ? freshToken(found) : theirOwn));
                        if (saved && (elsewhere.what !== "again" || put.has(id))) put.set(id, saved);
                    }
                    if (refreshed) kept = await refresh(reconciler, kept);
                }
                kept = (await up(reconciler, kept, declared))!;
                expect(kept.unfinished).toBe(false);
                const { credentialsId } = readLeaf(declared.certificatePem);
                // What nobody has looked at since may have been changed by hand.
                kept = (await up(reconciler, await refresh(reconciler, kept), declared))!;
                expect(await row(kept.state.deviceId)).toMatchObject({ credentialsType: "X509_CERTIFICATE", credentialsId });
                expect(await reconciler.diff(kept.id, kept.state, declared)).toEqual({ changes: false });
                expect(await reconciler.read(kept.id, kept.state)).toEqual({ id: kept.id, inputs: declared, props: kept.state });
                const other = Object.values(ids).find(id => id !== kept!.state.deviceId)!;
                expect(await row(other)).toMatchObject(put.get(other) ?? { credentialsType: "ACCESS_TOKEN" });
                await reconciler.delete(kept.id, kept.state);
                expect((await row(kept.state.deviceId)).credentialsType).toBe(declared.onDelete === "keep" ? "X509_CERTIFICATE" : "ACCESS_TOKEN");
            } finally {
                under.emulator.faults.clear();
                for (const id of Object.values(ids)) await under.thingsboard.deleteDevice(id);
            }
        }),
        runs(60, 3_000),
    );
});

const customers = ["Acme", "Other"] as const;

const declarations = fc.array(
    fc.record({
        declared: fc.record(
            {
                label: fc.constantFrom("one", "two"),
                gateway: fc.boolean(),
                deviceProfile: fc.constant("default"),
                customer: fc.constantFrom(...customers),
                attributes: fc.constantFrom({ site: "north" }, { site: "south", floor: 2 }, {}),
                additionalInfo: fc.constantFrom({ note: "n" }, { note: "m", more: { of: [1] } }, {}),
                onDelete: fc.constantFrom("delete", "keep"),
            },
            { requiredKeys: [], noNullPrototype: true },
        ),
        fault: fc.option(fault),
        elsewhere: fc.option(fc.constantFrom("label", "rename", "attribute", "no attributes", "gateway", "note", "customer", "nobody's", "gone"), { freq: 1 }),
        refreshed: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
);

/** To declare none of them, and not to declare them, is the same to `diff`: what was declared first may stay in the state. */
const withoutEmpty = (inputs: object): object => Object.fromEntries(Object.entries(inputs).filter(([, value]) => JSON.stringify(value) !== "{}"));

test("a Device: declarations, failures and meddling in any order", { timeout }, async () => {
    const reconciler = device(() => under.server, () => undefined);
    const rest = await logIn(under.emulator, under.emulator.username, under.emulator.password);
    const customerIds = await Promise.all(customers.map(async title => ((await rest("POST", "/api/customer", { title })).body as { id: { id: string } }).id.id));
    await fc.assert(
        fc.asyncProperty(declarations, async history => {
            const round = ++run;
            const name = `converging ${round}`;
            let kept: Kept<DeviceState> | undefined;
            let wanted!: DeviceInputs;
            const found = async () => (await under.thingsboard.deviceByName(name)) ?? (await under.thingsboard.deviceByName(`${name} renamed`));
            try {
                for (const { declared, fault, elsewhere, refreshed } of history) {
                    wanted = { name, ...(declared as Partial<DeviceInputs>), declaredBy: `project/stack/${round}` };
                    under.emulator.faults.set(fault ? { rest: [fault] } : {});
                    kept = await up(reconciler, kept, wanted);
                    under.emulator.faults.clear();
                    const there = await found();
                    if (there) {
                        const { id } = there.id;
                        const info = there.additionalInfo ?? {};
                        if (elsewhere === "label") await under.thingsboard.saveDevice({ ...there, label: "theirs" });
                        if (elsewhere === "rename") await under.thingsboard.saveDevice({ ...there, name: `${name} renamed` });
                        if (elsewhere === "gateway") await under.thingsboard.saveDevice({ ...there, additionalInfo: { ...info, gateway: info["gateway"] !== true } });
                        if (elsewhere === "note") await under.thingsboard.saveDevice({ ...there, additionalInfo: { ...info, note: "theirs" } });
                        if (elsewhere === "attribute") await under.thingsboard.saveAttributes(id, { site: "theirs" });
                        if (elsewhere === "no attributes") await under.thingsboard.deleteAttributes(id, ["site", "floor"]);
                        if (elsewhere === "customer") await under.thingsboard.assignToCustomer(id, customerIds[1]!);
                        if (elsewhere === "nobody's") await under.thingsboard.unassignFromCustomer(id);
                        if (elsewhere === "gone") await under.thingsboard.deleteDevice(id);
                    }
                    if (refreshed || elsewhere === "gone") kept = await refresh(reconciler, kept);
                }
                kept = (await up(reconciler, await refresh(reconciler, kept), wanted))!;
                expect(kept.unfinished).toBe(false);
                expect(await reconciler.diff(kept.id, kept.state, wanted)).toEqual({ changes: false });
                const read = await reconciler.read(kept.id, kept.state);
                if (!("inputs" in read)) throw new Error("it is gone");
                expect({ ...read, inputs: withoutEmpty(read.inputs) }).toEqual({ id: kept.id, inputs: withoutEmpty(wanted), props: kept.state });
                const there = (await under.thingsboard.deviceById(kept.id))!;
                const { pulumi: _mark, ...info } = there.additionalInfo ?? {};
                const attributes = Object.fromEntries(((await under.thingsboard.attributes(kept.id, "SERVER_SCOPE", ["site", "floor"])) ?? []).map(({ key, value }) => [key, value]));
                const customer = wanted.customer === undefined ? nobody : customerIds[customers.indexOf(wanted.customer as "Acme")];
                const seen = { name: there.name, label: there.label ?? "", customer: there.customerId?.id, info, attributes };
                const declared = { label: wanted.label, info: { ...wanted.additionalInfo, ...(wanted.gateway === undefined ? {} : { gateway: wanted.gateway }) }, attributes: wanted.attributes ?? {} };
                // What nobody else has touched is gone when it is no longer declared.
                if (history.every(({ elsewhere }) => elsewhere === null)) expect(seen).toEqual({ ...declared, name, label: wanted.label ?? "", customer });
                expect(seen).toMatchObject(wire({ ...declared, name, customer: wanted.customer && customer }));
                await reconciler.delete(kept.id, kept.state);
                const left = await under.thingsboard.deviceById(kept.id);
                expect(left?.additionalInfo?.["pulumi"], "of what is kept, the mark is gone").toBeUndefined();
                expect(left === undefined).toBe(wanted.onDelete !== "keep");
            } finally {
                under.emulator.faults.clear();
                const left = await found();
                if (left) await under.thingsboard.deleteDevice(left.id.id);
            }
        }),
        runs(60, 3_000),
    );
});
