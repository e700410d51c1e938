// What Pulumi itself offers beside preview, up, refresh and destroy, where this package has a hand in it. The whole list, with
// what was tried by hand, is in docs/pulumi-features.md.

import { afterAll, beforeAll, expect, test } from "vitest";
import { scratchProject } from "./support/commandLine";
import { own } from "./support/live";
import { failure, tb, testStack } from "./support/stack";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

test("a stack that is renamed takes its devices, fleets and profiles along", async () => {
    const names = { one: own("renamed-1"), inFleet: own("renamed-2"), profile: own("renamed") };
    const program = `
        const profile = new tb.DeviceProfile("profile", { name: "${names.profile}" });
        const device = new tb.Device("one", { name: "${names.one}", deviceProfile: profile });
        new tb.DeviceFleet("fleet", { devices: ["${names.inFleet}"], deviceProfile: profile, batches: 1, publishCheck: "none", onRemove: "delete" });
        exports.urn = device.urn;`;
    const pulumi = await scratchProject("features", program, server.environment);
    await pulumi("up", "--yes", "--skip-preview");
    const marks = async () => {
        const devices = await Promise.all([names.one, names.inFleet].map(name => server.deviceByName(name)));
        const { data } = await server.call<{ data: { description: string | null }[] }>("GET", `/api/deviceProfiles?pageSize=10&page=0&textSearch=${names.profile}`);
        for (const device of devices) if (device) expect(device.type).toBe(names.profile);
        return { ids: devices.map(device => device?.id.id), of: [...devices.map(device => (device?.additionalInfo?.["pulumi"] as { declaredBy: string } | undefined)?.declaredBy), /by Pulumi: (\S+)/.exec(data[0]?.description ?? "")?.[1]] };
    };
    const before = await marks();

    const renamed = `${pulumi.environment["PULUMI_STACK"]}-now`;
    await pulumi("stack", "rename", renamed);
    pulumi.environment["PULUMI_STACK"] = renamed;
    await pulumi("up", "--yes", "--skip-preview");
    expect(await marks()).toEqual({ ids: before.ids, of: ["one", "fleet", "profile"].map(resource => `features/${renamed}/${resource}`) });
    // A replacement finds its own device by the mark.
    await pulumi("up", "--yes", "--skip-preview", "--replace", JSON.parse(await pulumi("stack", "output", "--json", "urn")) as string);
    expect((await marks()).ids).toEqual(before.ids);
    await pulumi("destroy", "--yes", "--skip-preview");
    expect((await marks()).ids).toEqual([undefined, undefined]);
});

test("the options import and id are refused in preview, in a sentence that says what takes their place", async () => {
    const id = "784f394c-42b6-11ef-983c-b7beff2784f9";
    const stack = await testStack(server, async () => void new tb.Device("pump-1", { name: own("imported") }, { import: id }));
    expect(await failure(stack.preview())).toContain('Device "pump-1" has the option import, which dynamic resources can\'t follow: take it out, and set adopt: true');
    stack.program = async () => void new tb.ServerChain("chain", {}, { id });
    expect(await failure(stack.preview())).toContain('ServerChain "chain" has the option id, which dynamic resources can\'t follow: take it out, since there is nothing of it on ThingsBoard');
});

test("another renewal setting previews no new key and certificate before they are due", async () => {
    const declare = (renewal: "report" | "immediate", renewBeforeDays: number) => async () => void new tb.DeviceCertificate("pump-1", { commonName: "pump-1", renewal, renewBeforeDays });
    const stack = await testStack(server, declare("report", 30));
    await stack.up();
    stack.program = declare("immediate", 60);
    expect((await stack.preview()).changes).toEqual({ same: 5 });
    stack.setEnvironment("THINGSBOARD_CLOCK_OFFSET_DAYS", "310");
    expect((await stack.preview()).changes).toMatchObject({ update: 1, replace: 2 });
});
