// A server that limits requests: how close to its limit a fleet gets without being told what it is, and how often it is
// refused on the way. `npm run test:soak -- load` does it with ten thousand devices at Cloud's limit, and with the engine.

import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type Emulator, startEmulator } from "../../sdk/emulator/index";
import { device } from "../../sdk/reconcilers/device";
import type { FleetBatchInputs, FleetBatchState } from "../../sdk/reconcilers/fleet/batch";
import { fleetBatch } from "../../sdk/reconcilers/fleetBatch";
import type { Server } from "../../sdk/reconcilers/server";
import { connect } from "../../sdk/thingsboard";
import { soak } from "../support/seed";

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
    for (const clean of cleanUps.splice(0)) await clean();
});

interface Meter {
    readonly url: string;
    /** When each call arrived (ms), and what it was answered. */
    readonly calls: { readonly at: number; status: number }[];
}

/** Stands before the emulator and counts. */
async function meter(emulator: Emulator): Promise<Meter> {
    const calls: Meter["calls"] = [];
    const target = new URL(emulator.restUrl);
    const server = createServer((incoming, outgoing) => {
        const call = { at: performance.now(), status: 0 };
        calls.push(call);
        const { method, url, headers } = incoming;
        const passed = httpRequest({ host: target.hostname, port: target.port, method, path: url, headers }, answer => {
            call.status = answer.statusCode ?? 0;
            outgoing.writeHead(call.status, answer.headers);
            answer.pipe(outgoing);
        });
        incoming.pipe(passed);
        passed.on("error", () => outgoing.destroy());
    });
    await new Promise<void>(listening => server.listen(0, "127.0.0.1", listening));
    cleanUps.push(async () => {
        server.closeAllConnections();
        await new Promise(closed => server.close(closed));
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}

async function limited(limit: string, rateLimit?: number) {
    const emulator = await startEmulator({ limits: { tenantServerRestLimitsConfiguration: limit } });
    cleanUps.push(() => emulator.stop());
    const { url, calls } = await meter(emulator);
    const thingsboard = connect({ url, credentials: { apiKey: emulator.apiKey }, ...(rateLimit === undefined ? {} : { rateLimit }) });
    const server: Server = { thingsboard, mqtt: { host: emulator.mqttsHost, port: emulator.mqttsPort, caPem: emulator.caPem }, restHost: "127.0.0.1", restVerified: true };
    return { emulator, server, calls };
}

const inputs = (fleet: string, devices: number): FleetBatchInputs => ({
    fleet: `project/stack/${fleet}`,
    batch: 0,
    batches: 1,
    members: Array.from({ length: devices }, (_none, index) => `${fleet}-${String(index).padStart(5, "0")}`),
    settings: { algorithm: "EC_P256", validityDays: 365, renewBeforeDays: 30, renewalJitterDays: 0, rotationPolicy: "always", renewal: "report", publishCheck: "none", onRemove: "delete", onDrift: "repair", adopt: false },
    concurrency: 64,
});

interface Measured {
    readonly seconds: number;
    /** What the limit allows: the bucket is full at first, and flows in evenly. */
    readonly ideal: number;
    readonly refused: number;
    readonly calls: number;
    /** In any tenth of a second, after the bucket was empty for the first time. */
    readonly burst: number;
}

async function measure(capacity: number, period: number, devices: number, rateLimit?: number): Promise<Measured> {
    const { server, calls, emulator } = await limited(`${capacity}:${period}`, rateLimit);
    const said: string[] = [];
    const began = performance.now();
    const batch = fleetBatch(() => server, line => said.push(line), () => new Date());
    // As the engine does before: from this the batch knows how much there is to be done.
    expect((await batch.check({} as FleetBatchInputs, inputs("pumps", devices))).failures).toEqual([]);
    const { outs } = await batch.create(inputs("pumps", devices));
    const seconds = (performance.now() - began) / 1000;
    expect((outs as FleetBatchState).summary).toEqual(expect.objectContaining({ devices, failed: 0 }));
    expect(emulator.status().devices).toBe(devices + demoDevices);
    if (seconds > 6) expect(said.find(line => /^fleet "pumps": [\d,]+ of [\d,]+ devices, [\d.]+ a second, about .* left$/.test(line)), said.join("\n")).toBeDefined();
    const good = calls.filter(({ status }) => status !== 429).length;
    const rate = capacity / period;
    const dry = calls.find(({ status }) => status === 429)?.at ?? Infinity;
    const after = calls.filter(({ at }) => at > dry).map(({ at }) => at);
    const burst = after.reduce((most, at, index) => Math.max(most, after.slice(index).findIndex(other => other > at + 100)), 0);
    const measured = { seconds: round(seconds), ideal: round((good - capacity) / rate), refused: calls.length - good, calls: calls.length, burst };
    console.log(`${devices} devices, ${capacity} requests in ${period} s${rateLimit === undefined ? "" : `, rateLimit ${rateLimit}`}: ${measured.seconds} s (ideal ${measured.ideal}), ${measured.refused} of ${measured.calls} answered 429, at most ${burst} in 100 ms`);
    return measured;
}

const round = (value: number) => Math.round(value * 10) / 10;
const demoDevices = await (async () => {
    const emulator = await startEmulator();
    const { devices } = emulator.status();
    await emulator.stop();
    return devices;
})();

const cases: readonly (readonly [string, number, number, number, number | undefined])[] = soak
    ? [
          ["Cloud's 2,000 a minute, not told", 2_000, 60, 10_000, undefined],
          ["33 a second, not told", 33, 1, 10_000, undefined],
          ["33 a second, told", 33, 1, 10_000, 33],
      ]
    : [
          ["60 a second, not told", 60, 1, 600, undefined],
          ["60 a second, told", 60, 1, 240, 60],
      ];

test.for(cases)("%s: within a tenth of what the limit allows, and hardly ever refused", { timeout: soak ? 20 * 60_000 : 60_000 }, async ([, capacity, period, devices, rateLimit]) => {
    const { seconds, ideal, refused, calls } = await measure(capacity, period, devices, rateLimit);
    // A short run has its start and its first second of learning in it.
    expect(seconds).toBeLessThan(ideal * 1.1 + (soak ? 2 : 1.5));
    expect(refused).toBeLessThanOrEqual(Math.max(24, calls * 0.01));
});

test("one device beside a fleet, and two fleets side by side, have their turns", { timeout: 60_000 }, async () => {
    const { server } = await limited("80:1");
    const fleet = (name: string, devices: number) => fleetBatch(() => server, () => undefined, () => new Date()).create(inputs(name, devices));
    const began = performance.now();
    const after = async (run: Promise<unknown>) => {
        await run;
        return (performance.now() - began) / 1000;
    };
    const [first, second, single] = await Promise.all([
        after(fleet("first", 150)),
        after(fleet("second", 150)),
        after(device(() => server, () => undefined).create({ name: "single", label: "x", attributes: { site: "north" }, declaredBy: "project/stack/single" })),
    ]);
    // Three calls, among some eight in flight and two fleets with 64 waiting each; first come first served it would wait for all of those.
    expect(single).toBeLessThan(Math.min(first, second) / 2);
    expect(Math.abs(first - second)).toBeLessThan(0.25 * Math.max(first, second));
});
