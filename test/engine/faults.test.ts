// Faults at random while the real engine deploys: what `test/faults` does a thousand times without it, a few times with it.
// THINGSBOARD_SEED repeats a run; `npm run test:soak -- faults` makes more of them.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import fc from "fast-check";
import { expect, onTestFinished } from "vitest";
import { type Emulator, startEmulator } from "../../sdk/emulator/index";
import { type Trouble, trouble } from "../faults/faults";
import { seed, soak } from "../support/seed";
import { emulated } from "./support/live";
import { type StateResource, StackFailure, type TestStack, tb, testStack } from "./support/stack";
import { type RemoteDevice, type ThingsBoardUnderTest, emulatedThingsBoard } from "./support/thingsboard";

const deployments = soak ? 30 : 1;

interface Acts {
    readonly create: Trouble;
    readonly change: Trouble;
    readonly destroy: Trouble;
    readonly recovery: "up" | "up --refresh";
}

/** Each repetition costs the engine's real seconds: fewer faults than without it. */
const short = trouble.map(({ rest, mqtt, blow, blowAfter }) => ({
    rest: rest.slice(0, 3).map(fault => ({ ...fault, times: Math.min(2, fault.times ?? 2) })),
    ...(mqtt === undefined ? {} : { mqtt: { ...mqtt, times: 1 } }),
    blow,
    blowAfter: 2_000 + blowAfter * 20,
}));
const acts: fc.Arbitrary<Acts> = fc.record({ create: short, change: short, destroy: short, recovery: fc.constantFrom("up", "up --refresh") });

console.log(`random faults with the engine: ${deployments} deployments, seed ${seed}`);

emulated.test.for(fc.sample(acts, { seed, numRuns: deployments }).map((plan, index) => [index, plan] as const))("deployment %i", { timeout: 10 * 60_000 }, async ([, plan]) => {
    const dir = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
    const server = await emulatedThingsBoard({ dir });
    let { emulator } = server;
    onTestFinished(async () => {
        await emulator.stop();
        await server.stop().catch(() => undefined);
        rmSync(dir, { recursive: true, force: true });
    });
    await server.call("POST", "/api/device", { name: "adopted", label: "theirs" });
    let changed = false;
    const program = async () => {
        const one = new tb.Device("one", { name: "one", label: changed ? "after" : "before", attributes: { site: "north" } });
        const certificate = new tb.DeviceCertificate("one", { commonName: "one", organization: changed ? "after" : "before" });
        const credential = new tb.DeviceCredential("one", { device: one, certificate });
        new tb.PublishCheck("one", { credential, certificate, timeout: 5, rollback: false });
        const adopted = new tb.Device("adopted", { name: "adopted", adopt: true, label: changed ? "ours" : "theirs" });
        new tb.DeviceCredential("adopted", { device: adopted, certificate: new tb.DeviceCertificate("adopted", { commonName: "adopted" }), adopt: true });
        new tb.DeviceFleet("fleet", { devices: ["f-1", "f-2", "f-3", changed ? "f-5" : "f-4"], batches: 2, publishCheck: "none", onRemove: "delete" });
    };
    const stack = await testStack(server, program);
    stack.setEnvironment("THINGSBOARD_TIMEOUT", "1");

    async function troubled({ rest, mqtt, blow, blowAfter }: Trouble, run: () => Promise<unknown>): Promise<void> {
        emulator.faults.set({ rest, ...(mqtt === undefined ? {} : { mqtt }) });
        let over = false;
        const struck = new Promise(wake => setTimeout(wake, blowAfter)).then(async () => {
            if (over) return;
            if (blow === "all tokens expire") emulator.expireTokens();
            if (blow === "the server restarts") emulator = await restarted(emulator, dir);
            if (blow === "the log-in is revoked for a while") emulator.faults.set({ rest: [{ status: 401, path: "/api/*evice*", duration: 1_000 }] });
        });
        await run().catch((error: unknown) => {
            if (!(error instanceof StackFailure)) throw error;
            expect(error.message).not.toMatch(/TypeError|RangeError|Cannot read propert/);
        });
        over = true;
        await struck;
        emulator.faults.clear();
    }
    const recovered = () => stack.up(plan.recovery === "up" ? {} : { refresh: true });

    await troubled(plan.create, () => stack.up());
    await recovered();
    await expectAgreement(server, stack, ["adopted", "f-1", "f-2", "f-3", "f-4", "one"]);
    changed = true;
    await troubled(plan.change, () => stack.up());
    await recovered();
    await expectAgreement(server, stack, ["adopted", "f-1", "f-2", "f-3", "f-5", "one"]);
    await troubled(plan.destroy, () => stack.destroy());
    await stack.destroy();
    expect(await stack.resources()).toEqual([]);
    const left = await devices(server);
    expect(left.map(({ name }) => name)).toEqual(["adopted"]);
    expect(left[0]!.additionalInfo ?? {}).not.toHaveProperty("pulumi");
    expect((await server.credentials(left[0]!.id.id)).credentialsType).toBe("ACCESS_TOKEN");
});

async function restarted(emulator: Emulator, dir: string): Promise<Emulator> {
    const { restUrl, mqttsPort, mqttPort, faults } = emulator;
    const { current } = faults;
    await emulator.stop();
    return startEmulator({ dir, restPort: Number(new URL(restUrl).port), mqttsPort, mqttPort, faults: current });
}

const devices = async (server: ThingsBoardUnderTest): Promise<RemoteDevice[]> =>
    (await server.call<{ data: RemoteDevice[] }>("GET", "/api/tenant/devices?pageSize=1000&page=0&sortProperty=name&sortOrder=ASC")).data.filter(({ name }) => /^(one|adopted|f-\d)$/.test(name));

/** Nothing is left to do, nothing is there twice or left over, and each row is the one that the state names. */
async function expectAgreement(server: ThingsBoardUnderTest, stack: TestStack, names: readonly string[]): Promise<void> {
    await stack.preview({ refresh: true, expectNoChanges: true });
    const there = await devices(server);
    expect(there.map(({ name }) => name)).toEqual(names);
    const state = await stack.resources();
    const of = (type: string): Readonly<Record<string, any>>[] => state.filter(({ type: full }: StateResource) => full === `pulumi-nodejs:dynamic/thingsboard:${type}`).map(({ outputs }) => outputs);
    const batches = of("FleetBatch").flatMap(({ devices }) => Object.entries(devices as Record<string, { id: string; version: number }>));
    const known = [...of("Device").map(({ name, deviceId }) => [name, deviceId]), ...batches.map(([name, { id }]) => [name, id])];
    expect(known.sort()).toEqual(there.map(({ name, id }) => [name, id.id]).sort());
    for (const { deviceId, credentialsId, rowVersion } of of("DeviceCredential")) {
        expect(await server.credentials(deviceId)).toMatchObject({ credentialsType: "X509_CERTIFICATE", credentialsId, version: rowVersion });
    }
    for (const [, { id, version }] of batches) expect(await server.credentials(id)).toMatchObject({ credentialsType: "X509_CERTIFICATE", version });
    for (const { message } of of("PublishCheck")) expect(message).toContain("is stored");
}
