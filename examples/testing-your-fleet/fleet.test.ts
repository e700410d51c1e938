// With Vitest: the fleet's functions, called by a program of the test's own.

import { type DevicePair, type ThingsBoardTest, startThingsBoard } from "pulumi-thingsboard/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pump } from "./fleet";

let thingsboard: ThingsBoardTest;
beforeAll(async () => {
    thingsboard = await startThingsBoard();
}, 60_000);
afterAll(() => thingsboard.stop());

const pumps = (...names: string[]) => () => Object.fromEntries(names.map(name => [name, pump(name, "Hall 3")]));

test("each pump publishes as itself", { timeout: 120_000 }, async () => {
    const { outputs } = await thingsboard.up(pumps("pump-1", "pump-2"));
    expect(await thingsboard.devices()).toMatchObject([{ name: "pump-1", label: "Pump, Hall 3" }, { name: "pump-2" }]);

    expect(await thingsboard.publishAs("pump-1", outputs["pump-1"] as DevicePair, { temperature: 21 })).toMatchObject({ accepted: true });
    await expect.poll(() => thingsboard.telemetry("pump-1", "temperature")).toBe(21);
    expect(await thingsboard.telemetry("pump-2", "temperature")).toBeUndefined();
    await thingsboard.expectNoChanges();
});

test("what somebody changes by hand is put right", { timeout: 120_000 }, async () => {
    await thingsboard.up(pumps("pump-1", "pump-2"));
    const { id } = (await thingsboard.device("pump-1"))!;
    const row = await thingsboard.call<object>("GET", `/api/device/${id}/credentials`);
    await thingsboard.call("POST", "/api/device/credentials", { ...row, credentialsType: "ACCESS_TOKEN", credentialsId: "by-hand" });

    await expect(thingsboard.expectNoChanges()).rejects.toThrow("pump-1");
    await thingsboard.refresh();
    expect((await thingsboard.up()).changes).toMatchObject({ update: 2 }); // bound again, and checked
    expect(await thingsboard.credentials("pump-1")).toMatchObject({ type: "X509_CERTIFICATE" });
});

test("a pump that is taken out of the program is locked out", { timeout: 120_000 }, async () => {
    const { outputs } = await thingsboard.up(pumps("pump-1", "pump-2"));
    await thingsboard.up(pumps("pump-1"));
    expect(await thingsboard.device("pump-2")).toBeUndefined();
    expect(await thingsboard.publishAs("pump-2", outputs["pump-2"] as DevicePair)).toMatchObject({ accepted: false, cause: "device-gone" });
});

test("a full tenant is named in the error", { timeout: 120_000 }, async () => {
    thingsboard.emulator.setLimits({ maxDevices: 1 });
    await expect(thingsboard.up(pumps("pump-1", "pump-3"))).rejects.toThrow("the tenant has as many devices as it may have");
    thingsboard.emulator.setLimits({});
});
