// Every example is a project that works: up, nothing to do, destroy.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { example, named } from "./support/example";
import { own } from "./support/live";
import { type ThingsBoardUnderTest, emulatedThingsBoard, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

test("fleet-in-a-loop", async () => {
    const pulumi = await example("fleet-in-a-loop", server.environment);
    await pulumi("up", "--yes", "--skip-preview");
    for (const [name, label] of [["pump-101", "Intake"], ["pump-102", "Intake"], ["pump-201", "Return"]] as const) {
        const device = await server.deviceByName(named(name));
        expect(device).toMatchObject({ label });
        expect(await server.credentials(device!.id.id)).toMatchObject({ credentialsType: "X509_CERTIFICATE" });
    }
    await pulumi("preview", "--refresh", "--expect-no-changes");
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(await server.deviceByName(named("pump-101"))).toBeUndefined();
});

test("fleet", async () => {
    const pulumi = await example("fleet", server.environment);
    await pulumi("up", "--yes", "--skip-preview");
    expect(await pulumi.outputs()).toMatchObject({ summary: { devices: 6, failed: 0 } });
    const device = await server.deviceByName(named("pump-203"));
    expect(await server.credentials(device!.id.id)).toMatchObject({ credentialsType: "X509_CERTIFICATE" });
    await pulumi("preview", "--refresh", "--expect-no-changes");
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(await server.deviceByName(named("pump-203"))).toBeUndefined();
});

test("two-servers", async () => {
    const other = await emulatedThingsBoard();
    onTestFinished(() => other.stop());
    // The example leaves the authority of REST to the system.
    const pulumi = await example("two-servers", trusting(server.provider.caPem));
    for (const [which, { provider, mqtts }] of [["staging", server], ["production", other]] as const) {
        await pulumi("config", "set", `${which}Url`, provider.url);
        await pulumi("config", "set", "--secret", `${which}ApiKey`, provider.apiKey ?? (await newApiKey()));
        await pulumi("config", "set", "--path", `${which}Mqtt.host`, mqtts.host);
        await pulumi("config", "set", "--path", `${which}Mqtt.port`, String(mqtts.port));
        if (mqtts.caPem !== "") await pulumi("config", "set", "--path", `${which}Mqtt.caPem`, "--", mqtts.caPem);
    }
    await pulumi("up", "--yes", "--skip-preview");
    expect(await server.deviceByName(named("pump-1"))).toMatchObject({ label: "staging" });
    expect(await other.deviceByName(named("pump-1"))).toMatchObject({ label: "production" });
    expect(pulumi.rawState()).not.toContain(other.provider.apiKey);
    await pulumi("preview", "--refresh", "--expect-no-changes");
});

function trusting(caPem: string | undefined): Record<string, string> {
    if (caPem === undefined) return {};
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-ca-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(path.join(folder, "ca.pem"), caPem);
    return { NODE_EXTRA_CA_CERTS: path.join(folder, "ca.pem") };
}

/** For a server that is used with user and password. The key goes when the run is swept. */
async function newApiKey(): Promise<string> {
    const { id } = await server.call<{ id: { id: string } }>("GET", "/api/auth/user");
    const wanted = { userId: { entityType: "USER", id: id.id }, description: own("two-servers"), expirationTime: 0, enabled: true };
    return (await server.call<{ value: string }>("POST", "/api/apiKey", wanted)).value;
}

test("existing-devices", async () => {
    const [first, second] = [own("old-1"), own("old-2")];
    for (const name of [first, second]) await server.call("POST", "/api/device", { name, label: "by hand" });
    const pulumi = await example("existing-devices", server.environment);
    await pulumi("config", "set", "--path", "devices[0]", first);
    await pulumi("config", "set", "--path", "devices[1]", second);
    await pulumi("up", "--yes", "--skip-preview");
    const device = (await server.deviceByName(first))!;
    expect(await server.credentials(device.id.id)).toMatchObject({ credentialsType: "X509_CERTIFICATE" });
    await pulumi("preview", "--refresh", "--expect-no-changes");
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(await server.deviceByName(first)).toMatchObject({ id: device.id, label: "by hand" });
    expect(await server.credentials(device.id.id)).toMatchObject({ credentialsType: "ACCESS_TOKEN" });
});
