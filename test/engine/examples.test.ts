// Every example is a project that works: up, nothing to do, destroy.

import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import * as path from "node:path";
import { commandLine, repository } from "./support/commandLine";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

async function example(name: string, environment = server.environment) {
    const pulumi = commandLine(path.join(repository, "examples", name), environment);
    onTestFinished(async () => {
        await pulumi("destroy", "--yes", "--skip-preview").catch(() => undefined);
        pulumi.remove();
    });
    await pulumi.create();
    return pulumi;
}

test("fleet-in-a-loop", async () => {
    const pulumi = await example("fleet-in-a-loop");
    await pulumi("up", "--yes", "--skip-preview");
    for (const [name, label] of [["pump-101", "Intake"], ["pump-102", "Intake"], ["pump-201", "Return"]] as const) {
        const device = await server.deviceByName(name);
        expect(device).toMatchObject({ label });
        expect(await server.credentials(device!.id.id)).toMatchObject({ credentialsType: "X509_CERTIFICATE" });
    }
    await pulumi("preview", "--refresh", "--expect-no-changes");
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(await server.deviceByName("pump-101")).toBeUndefined();
});

test("two-servers", async () => {
    const other = await thingsBoard();
    onTestFinished(() => other.stop());
    const pulumi = await example("two-servers", {});
    for (const [which, { emulator }] of [["staging", server], ["production", other]] as const) {
        await pulumi("config", "set", `${which}Url`, emulator.restUrl);
        await pulumi("config", "set", "--secret", `${which}ApiKey`, emulator.apiKey);
        await pulumi("config", "set", "--path", `${which}Mqtt.host`, emulator.mqttsHost);
        await pulumi("config", "set", "--path", `${which}Mqtt.port`, String(emulator.mqttsPort));
        await pulumi("config", "set", "--path", `${which}Mqtt.caPem`, "--", emulator.caPem);
    }
    await pulumi("up", "--yes", "--skip-preview");
    expect(await server.deviceByName("pump-1")).toMatchObject({ label: "staging" });
    expect(await other.deviceByName("pump-1")).toMatchObject({ label: "production" });
    expect(pulumi.rawState()).not.toContain(server.emulator.apiKey);
    await pulumi("preview", "--refresh", "--expect-no-changes");
});

test("existing-devices", async () => {
    for (const name of ["old-1", "old-2"]) await server.call("POST", "/api/device", { name, label: "by hand" });
    const pulumi = await example("existing-devices");
    await pulumi("config", "set", "--path", "devices[0]", "old-1");
    await pulumi("config", "set", "--path", "devices[1]", "old-2");
    await pulumi("up", "--yes", "--skip-preview");
    const device = (await server.deviceByName("old-1"))!;
    expect(await server.credentials(device.id.id)).toMatchObject({ credentialsType: "X509_CERTIFICATE" });
    await pulumi("preview", "--refresh", "--expect-no-changes");
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(await server.deviceByName("old-1")).toMatchObject({ id: device.id, label: "by hand" });
    expect(await server.credentials(device.id.id)).toMatchObject({ credentialsType: "ACCESS_TOKEN" });
});
