// A device on the real engine: created, changed, adopted, and left as found.

import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { failure, tb, testStack } from "./support/stack";
import { own } from "./support/live";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

const attributes = async (deviceId: string) => {
    const found = await server.call<{ key: string; value: unknown }[]>("GET", `/api/plugins/telemetry/DEVICE/${deviceId}/values/attributes/SERVER_SCOPE`);
    return Object.fromEntries(found.map(({ key, value }) => [key, value]));
};

test("what is declared is there, and nothing is to be done afterwards", async () => {
    const stack = await testStack(server, async () => {
        const device = new tb.Device("full", {
            name: own("full"),
            label: "Hall 3",
            gateway: true,
            attributes: { site: "north", floor: 2, nested: { a: [1, 2] } },
            additionalInfo: { description: "a pump" },
        });
        return { deviceId: device.deviceId, id: device.id };
    });
    const { outputs } = await stack.up();
    const device = (await server.deviceByName(own("full")))!;
    expect(outputs).toEqual({ deviceId: device.id.id, id: device.id.id });
    expect(device).toMatchObject({ label: "Hall 3", additionalInfo: { gateway: true, description: "a pump" } });
    expect(await attributes(device.id.id)).toMatchObject({ site: "north", floor: 2, nested: { a: [1, 2] } });
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 2 });
    await stack.destroy();
    expect(await server.deviceByName(own("full"))).toBeUndefined();
});

test("an update changes what is declared, takes back what was ours, and leaves what others set", async () => {
    const declare = (args: Partial<ConstructorParameters<typeof tb.Device>[1]>) => async () => void new tb.Device("d", { name: own("shared"), ...args });
    const stack = await testStack(server, declare({ label: "one", attributes: { a: 1, b: 2 }, additionalInfo: { mine: 1 } }));
    await stack.up();
    const device = (await server.deviceByName(own("shared")))!;
    await server.call("POST", "/api/device", { ...device, additionalInfo: { ...device.additionalInfo, theirs: "kept" } });
    await server.call("POST", `/api/plugins/telemetry/DEVICE/${device.id.id}/attributes/SERVER_SCOPE`, { theirs: true });
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 2 });

    stack.program = declare({ attributes: { a: 3 } });
    expect((await stack.up()).changes).toEqual({ same: 1, update: 1 });
    const after = (await server.deviceByName(own("shared")))!;
    expect(after.label).toBeNull();
    expect(after.additionalInfo).toMatchObject({ theirs: "kept" });
    expect(after.additionalInfo).not.toHaveProperty("mine");
    expect(await attributes(device.id.id)).toMatchObject({ a: 3, theirs: true });
    expect(await attributes(device.id.id)).not.toHaveProperty("b");
});

test("renamed, re-labelled, re-attributed elsewhere: shown per property, and put right", async () => {
    const stack = await testStack(server, async () => void new tb.Device("d", { name: own("drifts"), label: "right", attributes: { a: 1 } }));
    await stack.up();
    const device = (await server.deviceByName(own("drifts")))!;
    await server.call("POST", "/api/device", { ...device, name: own("drifted"), label: "wrong" });
    await server.call("POST", `/api/plugins/telemetry/DEVICE/${device.id.id}/attributes/SERVER_SCOPE`, { a: 2 });

    const { output, changes } = await stack.preview({ refresh: true });
    expect(changes).toMatchObject({ update: 1 });
    for (const text of [`"${own("drifted")}" => "${own("drifts")}"`, '"wrong" => "right"']) expect(output).toContain(text);
    expect(await failure(stack.preview({ refresh: true, expectNoChanges: true }))).toContain("no changes were expected");

    await stack.up({ refresh: true });
    expect(await server.deviceByName(own("drifts"))).toMatchObject({ id: device.id, label: "right" });
    expect(await attributes(device.id.id)).toMatchObject({ a: 1 });
});

test("attributes that were declared as a secret stay one when somebody changed them", async () => {
    const stack = await testStack(server, async () => {
        new tb.Device("d", { name: own("secretive"), attributes: pulumi.secret({ psk: "swordfish-1", site: "north" }), additionalInfo: pulumi.secret({ pin: "swordfish-2" }) });
    });
    const first = await stack.up();
    const device = (await server.deviceByName(own("secretive")))!;
    await server.call("POST", `/api/plugins/telemetry/DEVICE/${device.id.id}/attributes/SERVER_SCOPE`, { psk: "swordfish-3" });
    await server.call("POST", "/api/device", { ...device, additionalInfo: { ...device.additionalInfo, pin: "swordfish-4" } });

    const { output } = await stack.refresh();
    expect((await stack.resources()).find(({ type }) => type.endsWith(":Device"))!.inputs["changedElsewhere"]).toEqual({ attributes: "psk: another value", additionalInfo: "pin: another value" });
    const planned = await stack.preview();
    expect(planned.changes).toEqual({ same: 1, update: 1 });
    const mended = await stack.up();
    expect(await attributes(device.id.id)).toMatchObject({ psk: "swordfish-1", site: "north" });
    expect([first, planned, mended].map(({ output }) => output).join(output)).not.toContain("swordfish");
    expect(stack.rawState()).not.toContain("swordfish");
});

test("a device deleted elsewhere is created again", async () => {
    const stack = await testStack(server, async () => void new tb.Device("d", { name: own("deleted") }));
    await stack.up();
    const device = (await server.deviceByName(own("deleted")))!;
    await server.call("DELETE", `/api/device/${device.id.id}`);
    expect((await stack.preview({ refresh: true })).changes).toMatchObject({ create: 1 });
    await stack.up({ refresh: true });
    expect((await server.deviceByName(own("deleted")))!.id.id).not.toBe(device.id.id);
});

test("a name that exists is an error, or adopted and then kept", async () => {
    const { id } = await server.call<{ id: { id: string } }>("POST", "/api/device", { name: own("there-before"), label: "theirs" });
    const declare = (adopt: boolean) => async () => void new tb.Device("d", { name: own("there-before"), adopt });
    const stack = await testStack(server, declare(false));
    const text = await failure(stack.up());
    expect(text).toContain(`device "${own("there-before")}" exists already on this ThingsBoard: set adopt: true to take it over`);

    stack.program = declare(true);
    expect((await stack.preview()).output).toContain(`device "${own("there-before")}" exists already (id ${id.id}, profile "default", label "theirs"): it is taken over, and kept on destroy`);
    await stack.up();
    expect(await server.deviceByName(own("there-before"))).toMatchObject({ id, label: "theirs" });
    await stack.destroy();
    const left = (await server.deviceByName(own("there-before")))!;
    expect(left.id).toEqual(id);
    expect(left.additionalInfo ?? {}).not.toHaveProperty("pulumi");
});

test("a logical rename, with an alias and without, and --target-replace keep the device", async () => {
    const declare = (name: string, ...aliases: string[]) => async () => ({ urn: new tb.Device(name, { name: own("kept") }, { aliases: aliases.map(name => ({ name })) }).urn });
    const stack = await testStack(server, declare("one"));
    const urn = (await stack.up()).outputs["urn"] as string;
    const { id } = (await server.deviceByName(own("kept")))!;
    stack.program = declare("two");
    expect((await stack.up()).changes).toMatchObject({ create: 1, delete: 1 });
    expect(await server.deviceByName(own("kept"))).toMatchObject({ id });
    await stack.up({ replace: [urn.replace(/one$/, "two")] });
    expect(await server.deviceByName(own("kept"))).toMatchObject({ id });
    stack.program = declare("three", "two");
    expect((await stack.up()).changes).toEqual({ same: 2 });
    expect(await server.deviceByName(own("kept"))).toMatchObject({ id });
    await stack.destroy();
    expect(await server.deviceByName(own("kept"))).toBeUndefined();
});

test("a device profile that does not exist is named, and not made", async () => {
    const stack = await testStack(server, async () => void new tb.Device("d", { name: own("profiled"), deviceProfile: own("pmup") }));
    expect(await failure(stack.up())).toContain(`device profile "${own("pmup")}" does not exist on this ThingsBoard`);
    const profiles = await server.call<{ data: { name: string }[] }>("GET", "/api/deviceProfileInfos?pageSize=100&page=0");
    expect(profiles.data.map(({ name }) => name)).not.toContain(own("pmup"));
    expect(await server.deviceByName(own("profiled"))).toBeUndefined();
});

test("a profile and a customer by name", async () => {
    await server.call("POST", "/api/device", { name: own("profile-maker"), type: own("pump") });
    await server.call("POST", "/api/customer", { title: own("Acme") });
    const stack = await testStack(server, async () => void new tb.Device("d", { name: own("assigned"), deviceProfile: own("pump"), customer: own("Acme") }));
    await stack.up();
    const { id } = (await server.deviceByName(own("assigned")))!;
    expect(await server.call("GET", `/api/device/info/${id.id}`)).toMatchObject({ customerTitle: own("Acme"), deviceProfileName: own("pump") });
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 2 });
    await server.call("DELETE", `/api/customer/device/${id.id}`);
    const { deviceProfileId } = await server.call<{ deviceProfileId: object }>("POST", "/api/device", { name: own("elsewhere"), type: own("other") });
    await server.call("POST", "/api/device", { ...(await server.deviceByName(own("assigned"))), deviceProfileId });
    const preview = await stack.preview({ refresh: true });
    expect(preview.changes).toMatchObject({ update: 1 });
    expect(preview.output).toContain(`"${own("other")}" => "${own("pump")}"`);
    await stack.up({ refresh: true });
    expect(await server.call("GET", `/api/device/info/${id.id}`)).toMatchObject({ customerTitle: own("Acme"), deviceProfileName: own("pump") });
});

test("changing a label or the name previews exactly one update, with everything that hangs on the device", async () => {
    const declare = (label: string, name = own("labelled")) => async () => {
        const device = new tb.Device("d", { name, label });
        const certificate = new tb.DeviceCertificate("d", { commonName: own("labelled") });
        const credential = new tb.DeviceCredential("d", { device, certificate });
        new tb.PublishCheck("d", { credential, certificate });
    };
    const stack = await testStack(server, declare("one"));
    await stack.up();
    stack.program = declare("two");
    expect((await stack.preview()).changes).toEqual({ same: 7, update: 1 });
    expect((await stack.up()).changes).toEqual({ same: 7, update: 1 });

    const { id } = (await server.deviceByName(own("labelled")))!;
    const row = await server.credentials(id.id);
    stack.program = declare("two", own("renamed in the program"));
    await stack.up();
    expect(await server.deviceByName(own("renamed in the program"))).toMatchObject({ id });
    expect(await server.credentials(id.id)).toEqual(row);
});

test.each([
    [{ name: "  " }, "name is blank"],
    [{ name: "<b>x</b>" }, "ThingsBoard refuses what looks like HTML"],
    [{ name: "x".repeat(256) }, "name has 256 characters: ThingsBoard takes at most 255"],
    [{ name: "reserved", attributes: { active: true } }, 'device "reserved": attributes has the key "active", which ThingsBoard writes itself'],
    [{ name: "notes", attributes: { pulumiRevoked: {} } }, 'device "notes": attributes has the key "pulumiRevoked", where this package notes what was bound and what was revoked: choose another'],
    [{ name: "both", customer: "a", owner: "b" }, "exclude each other"],
    [{ name: "marked", additionalInfo: { pulumi: 1 } }, "where this package keeps its ownership mark"],
    [{ name: "odd", onDelete: "destroy" as "delete" }, 'onDelete is "destroy": expected "delete" or "keep"'],
])("what ThingsBoard would refuse, or store and misread, is said in preview (%#)", async (args, sentence) => {
    const stack = await testStack(server, async () => void new tb.Device("d", args));
    const text = await failure(stack.preview());
    expect(text).toContain(sentence);
    expect(text).not.toMatch(/^\s+at /m);
});

test("the same name declared twice is said in preview", async () => {
    const stack = await testStack(server, async () => {
        new tb.Device("one", { name: own("twice") });
        new tb.Device("two", { name: own("twice") });
    });
    expect(await failure(stack.preview())).toContain(`device "${own("twice")}": it is declared twice in this program`);
});
