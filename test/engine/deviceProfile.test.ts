// The life of a device profile on the real engine: made, adopted, changed elsewhere, in use, gone.

import { afterAll, beforeAll, expect, test } from "vitest";
import { rootAuthority } from "../support/openssl";
import { emulated, own } from "./support/live";
import { type Program, failure, tb, testStack } from "./support/stack";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

interface Profile {
    readonly id: { readonly id: string };
    readonly name: string;
    readonly description: string | null;
    readonly default: boolean;
    readonly transportType: string;
    readonly provisionType: string;
    readonly defaultRuleChainId: { readonly id: string } | null;
    readonly defaultDashboardId: { readonly id: string } | null;
    readonly profileData: { readonly transportConfiguration: Record<string, unknown>; readonly provisionConfiguration: Record<string, unknown> };
}

async function profile(name: string): Promise<Profile | undefined> {
    const { data } = await server.call<{ data: Profile[] }>("GET", "/api/deviceProfiles?pageSize=100&page=0");
    return data.find(found => found.name === name);
}
const pattern = "(.*)\\.factory\\.example";

// It makes a profile the default one, which is not to be done to somebody's server.
emulated.test("up makes it, changes by hand are drift that up mends, destroy leaves nothing and the former default", async () => {
    const { certificatePem } = rootAuthority("Pumps root");
    await server.call("POST", "/api/dashboard", { title: "Pumps" });
    const declare = (more: Partial<import("pulumi-thingsboard").DeviceProfileArgs>): Program => async () => {
        const made = new tb.DeviceProfile("pumps", { name: "pumps", description: "All pumps", x509Chain: { certificatePem, commonNamePattern: pattern }, ...more });
        return { id: made.deviceProfileId };
    };
    const stack = await testStack(server, declare({ transport: "MQTT", mqtt: { telemetryTopic: "pumps/telemetry" }, ruleChain: "Root Rule Chain", dashboard: "Pumps", default: true }));
    const { outputs } = await stack.up();
    const made = (await profile("pumps"))!;
    expect(made.id.id).toBe(outputs["id"]);
    expect(made).toMatchObject({
        transportType: "MQTT",
        provisionType: "X509_CERTIFICATE_CHAIN",
        default: true,
        profileData: {
            transportConfiguration: { deviceTelemetryTopic: "pumps/telemetry", deviceAttributesTopic: "v1/devices/me/attributes" },
            provisionConfiguration: { certificateRegExPattern: pattern, allowCreateNewDevicesByX509Certificate: true },
        },
    });
    expect([made.defaultRuleChainId, made.defaultDashboardId]).not.toContain(null);
    expect(made.description).toMatch(/^All pumps\n\nManaged by Pulumi: fleet\/[\w-]+\/pumps \([0-9a-f-]{36}\)$/);
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 2 });

    const { provisionConfiguration } = made.profileData;
    await server.call("POST", "/api/deviceProfile", {
        ...made,
        description: "mine now",
        defaultDashboardId: null,
        profileData: { ...made.profileData, provisionConfiguration: { ...provisionConfiguration, certificateRegExPattern: "(.*)" } },
    });
    const drift = await stack.preview({ refresh: true });
    expect(drift.changes).toMatchObject({ update: 1 });
    for (const shown of ['"mine now", was "All pumps"', `pattern (.*), was ${pattern}`, '"", was "Pumps"']) expect(drift.output.replaceAll('\\"', '"').replaceAll("\\\\", "\\")).toContain(shown);
    await stack.up({ refresh: true });
    expect(await profile("pumps")).toMatchObject({ description: made.description, defaultDashboardId: made.defaultDashboardId, profileData: { provisionConfiguration: { certificateRegExPattern: pattern } } });

    stack.program = declare({ name: "all pumps" });
    await stack.up();
    expect(await profile("all pumps")).toMatchObject({ id: made.id, transportType: "DEFAULT", default: false, defaultDashboardId: null, defaultRuleChainId: null });
    expect(await profile("default")).toMatchObject({ default: true });

    await stack.destroy();
    expect(await profile("all pumps")).toBeUndefined();
});

test("one that devices use is not deleted, and the error counts them", async () => {
    const stack = await testStack(server, async () => void new tb.DeviceProfile("used", { name: own("used") }));
    await stack.up();
    const id = (await profile(own("used")))!.id;
    const device = await server.call<{ id: { id: string } }>("POST", "/api/device", { name: own("user-1"), deviceProfileId: { entityType: "DEVICE_PROFILE", id: id.id } });
    expect(await failure(stack.destroy())).toContain(`device profile "${own("used")}" is still used by 1 device, so ThingsBoard does not delete it`);
    await server.call("DELETE", `/api/device/${device.id.id}`);
    await stack.destroy();
    expect(await profile(own("used"))).toBeUndefined();
});

test("one of that name is an error or adopted; a device takes its profile as a resource; a logical rename keeps both", async () => {
    await server.call("POST", "/api/deviceProfile", { name: own("by hand"), description: "theirs", type: "DEFAULT", transportType: "DEFAULT", provisionType: "DISABLED", profileData: { configuration: { type: "DEFAULT" }, transportConfiguration: { type: "DEFAULT" }, provisionConfiguration: { type: "DISABLED" } } });
    const declare = (name: string, adopt: boolean): Program => async () => {
        const deviceProfile = new tb.DeviceProfile(name, { name: own("by hand"), adopt });
        new tb.Device("profiled", { name: own("profiled"), deviceProfile });
    };
    const stack = await testStack(server, declare("one", false));
    expect(await failure(stack.up())).toContain(`device profile "${own("by hand")}" exists already on this ThingsBoard: set adopt: true`);
    stack.program = declare("one", true);
    await stack.up();
    expect(await server.deviceByName(own("profiled"))).toMatchObject({ type: own("by hand") });
    stack.program = declare("two", true);
    expect((await stack.up()).changes).toMatchObject({ create: 1, delete: 1 });
    expect((await profile(own("by hand")))?.description).toMatch(/^theirs\n\nAdopted by Pulumi: fleet\/[\w-]+\/two /);
    await stack.destroy();
    expect(await profile(own("by hand"))).toMatchObject({ description: "theirs" });
});

test("what can't work is said in preview, and what only the server knows in up", async () => {
    const x509Chain = { certificatePem: rootAuthority("Used twice").certificatePem, commonNamePattern: pattern };
    const stack = await testStack(server, async () => {
        new tb.DeviceProfile("first", { name: own("first"), x509Chain });
        new tb.DeviceProfile("second", { name: own("second"), x509Chain });
    });
    expect(await failure(stack.preview())).toMatch(/resource '(first|second)' has a problem: .*the authority "CN=Used twice" is also in the profile of/);

    stack.program = async () => void new tb.DeviceProfile("first", { name: own("first"), x509Chain });
    await stack.up();
    const other = await testStack(server, async () => {
        new tb.DeviceProfile("other", { name: own("other"), x509Chain });
    });
    expect(await failure(other.up())).toContain("a CA can be in one device profile of the whole server");
    other.program = async () => void new tb.DeviceProfile("other", { name: own("other"), ruleChain: "Nowhere" });
    expect(await failure(other.up())).toContain(`device profile "${own("other")}": rule chain "Nowhere" does not exist on this ThingsBoard`);
});
