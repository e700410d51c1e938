// Several faults at random in each phase of a deployment's life. `THINGSBOARD_SEED=… npm test -- test/faults/random.test.ts`
// repeats a run; `npm run test:soak -- faults` makes a thousand.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seed, soak, soakMinutes } from "../support/seed";
import { trouble } from "./faults";
import { phases, stage } from "./scene";

const [lanes, runs] = soak ? [4, 250] : [2, 8];
/** Milliseconds. A slow machine makes fewer of them, and says how many. */
const longest = soak ? soakMinutes * 60_000 : 60_000;

const recovery = fc.constantFrom("up", "refresh, then up");
const act = fc.record({ troubles: fc.array(trouble, { minLength: 1, maxLength: 2 }), recovery });
const life = fc.record({ create: act, change: act, destroy: act });

console.log(`random faults: ${lanes * runs} deployments, seed ${seed}`);

describe.concurrent("whatever goes wrong in between, one calm up brings state and server together", () => {
    test.for(Array.from({ length: lanes }, (_none, lane) => lane))("lane %i", { timeout: longest + 60_000 }, async lane => {
        const at = await stage();
        let lived = 0;
        try {
            await fc.assert(
                fc.asyncProperty(life, async plan => {
                    const scene = await at.scene();
                    for (const phase of phases) {
                        const failed = [];
                        for (const trouble of plan[phase].troubles) failed.push(await scene.up(phase, trouble));
                        try {
                            if (plan[phase].recovery !== "up") await scene.refresh();
                            expect(await scene.up(phase)).toEqual(new Map());
                            await scene.expectDone(phase);
                        } catch (error) {
                            // At once: the other lanes may go on for long.
                            console.log(`lane ${lane}, ${phase}, after`, failed, error);
                            throw error;
                        }
                    }
                    lived++;
                }),
                { seed: seed + lane, numRuns: runs, endOnFailure: true, interruptAfterTimeLimit: longest },
            );
        } finally {
            console.log(`lane ${lane}: ${lived} of ${runs} deployments, each with its three phases`);
            await at.close();
        }
    });
});
