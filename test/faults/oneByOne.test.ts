// Each fault by itself, at each kind of call and at each step of a connection: the deployment may fail, the next one does not.

import { afterAll, beforeAll, expect, test } from "vitest";
import { mqttFaults, restFaults } from "./faults";
import { type Stage, phases, stage } from "./scene";

let at: Stage;
beforeAll(async () => {
    at = await stage();
});
afterAll(() => at.close());

const limit = { timeout: 60_000 };
const still = { blow: "nothing", blowAfter: 0 } as const;

test.for(Object.entries(restFaults))("REST: %s", limit, async ([, fault]) => {
    const scene = await at.scene();
    for (const phase of phases) {
        // Both the first calls and some in the middle.
        const rest = ["GET", "POST", "DELETE"].flatMap(method => [0, 5].map(skip => ({ path: "/api/*evice*", method, skip, times: 1, ...fault })));
        await scene.up(phase, { rest, ...still });
        expect(await scene.up(phase)).toEqual(new Map());
        await scene.expectDone(phase);
    }
});

test.for(Object.entries(mqttFaults))("MQTT: %s", limit, async ([, mqtt]) => {
    const scene = await at.scene();
    for (const phase of phases) {
        const failures = await scene.up(phase, { rest: [], mqtt, ...still });
        expect([...failures.keys()].filter(name => name !== "one check")).toEqual([]);
        for (const { message } of failures.values()) expect(message).toMatch(/^publish check: device ".*" /);
        expect(await scene.up(phase)).toEqual(new Map());
        await scene.expectDone(phase);
    }
});

test.for(["the server restarts", "all tokens expire", "the log-in is revoked for a while"] as const)("in the middle: %s", limit, async blow => {
    const scene = await at.scene();
    for (const phase of phases) {
        for (const blowAfter of [5, 30]) await scene.up(phase, { rest: [{ latency: 10 }], blow, blowAfter });
        expect(await scene.up(phase)).toEqual(new Map());
        await scene.expectDone(phase);
    }
});
