// A fleet on the real engine at a server that limits requests. `npm run test:soak -- load`: ten thousand devices at Cloud's
// 2,000 requests a minute.

import { expect } from "vitest";
import { soak } from "../support/seed";
import { emulated } from "./support/live";
import { tb, testStack } from "./support/stack";
import { emulatedThingsBoard } from "./support/thingsboard";

const { devices, capacity, period } = soak ? { devices: 10_000, capacity: 2_000, period: 60 } : { devices: 400, capacity: 50, period: 1 };

emulated.test(`${devices} devices at ${capacity} requests in ${period} s: progress is told, and the limit is what it takes`, { timeout: 15 * 60_000 }, async () => {
    const server = await emulatedThingsBoard({ limits: { tenantServerRestLimitsConfiguration: `${capacity}:${period}` } });
    try {
        const stack = await testStack(server, async () => {
            const fleet = new tb.DeviceFleet("pumps", { devices: Array.from({ length: devices }, (_none, index) => `pump-${index}`), publishCheck: "none", onRemove: "delete" });
            return { summary: fleet.summary };
        });
        const began = performance.now();
        const { output, outputs } = await stack.up();
        const seconds = (performance.now() - began) / 1000;
        expect(outputs["summary"]).toMatchObject({ devices, failed: 0 });
        const told = output.match(/fleet "pumps": [\d,]+ of [\d,]+ devices, [\d.]+ a second, about .* left/g) ?? [];
        expect(told.length, output).toBeGreaterThan(0);
        const ideal = ((devices - capacity) * period) / capacity;
        const refusals = output.match(/trying again in/g)?.length ?? 0;
        console.log(`with the engine: ${devices} devices at ${capacity} requests in ${period} s: ${seconds.toFixed(1)} s (the limit alone: ${ideal.toFixed(1)}), told ${told.length} times how far, ${refusals} times that it tries again`);
        // Engine, program and plugin start, and the state is written.
        expect(seconds).toBeLessThan(ideal * 1.1 + 25);
    } finally {
        server.emulator.setLimits({});
        await server.stop();
    }
});
