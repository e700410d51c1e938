// Answers that are JSON, and not what was asked for: said at once, and not stumbled over later.

import { expect, test } from "vitest";
import { client, device, deviceId, errorOf, serve } from "./support";

const id = (entityType: string) => ({ entityType, id: deviceId });
const credentials = { id: { id: deviceId }, deviceId: id("DEVICE"), credentialsType: "ACCESS_TOKEN", credentialsId: "x", credentialsValue: null, version: 1 };
const profile = { id: id("DEVICE_PROFILE"), name: "default", profileData: { transportConfiguration: { type: "DEFAULT" }, provisionConfiguration: { type: "DISABLED" } } };

type Client = ReturnType<typeof client>;
const reads: Readonly<Record<string, readonly [good: object, read: (client: Client) => Promise<unknown>]>> = {
    device: [device("pump"), client => client.deviceById(deviceId)],
    credentials: [credentials, client => client.credentials(deviceId)],
    profile: [profile, client => client.deviceProfile(deviceId)],
    telemetry: [{ a: [{ ts: 1, value: "x" }] }, client => client.latestTelemetry(deviceId, ["a"])],
};

test.each<[string, object]>([
    ["device", { name: 5 }],
    ["device", { additionalInfo: "text" }],
    ["device", { deviceProfileId: "x" }],
    ["device", { id: deviceId }],
    ["device", { version: "1" }],
    ["credentials", { credentialsType: "SOMETHING" }],
    ["credentials", { credentialsId: null }],
    ["credentials", { deviceId: undefined }],
    ["profile", { profileData: null }],
    ["profile", { profileData: { transportConfiguration: {} } }],
    ["telemetry", { a: [{ ts: 1e20, value: "x" }] }],
    ["telemetry", { a: [{ value: "x" }] }],
])("a %s with %j is not ThingsBoard's", async (what, wrong) => {
    const [good, read] = reads[what]!;
    const right = await serve(() => ({ body: good }));
    expect(await read(client(right.url))).toBeDefined();
    const server = await serve(() => ({ body: { ...good, ...wrong } }));
    expect(await errorOf(read(client(server.url)))).toMatchObject({ kind: "notThingsBoard", message: expect.stringContaining("something that isn't ThingsBoard's") });
});
