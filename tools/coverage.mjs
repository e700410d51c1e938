// `npm run coverage`: which lines of sdk/ the tests that run in one process reach.
//
// Tests of test/engine are left out: they run the built package in other processes, where this does not look.

import { EngineError } from "./engine/say.mjs";
import { forgetThingsBoard } from "./live/target.mjs";
import { findMosquitto } from "./mosquitto.mjs";
import { prepare } from "./steps.mjs";
import { runVitest } from "./vitest.mjs";

try {
    forgetThingsBoard();
    const engine = await prepare();
    await findMosquitto();
    const { code, passed, failed } = await runVitest(engine, ["--coverage", "--project", "unit", "--project", "contract", ...process.argv.slice(2)]);
    process.exitCode = code;
    console.log(`${passed} passed, ${failed} failed`);
} catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.error(`npm run coverage: ${error.message}`);
    process.exitCode = 1;
}
