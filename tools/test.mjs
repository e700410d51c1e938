// `npm test`: everything that a fresh clone needs, then vitest with the arguments given
// (`npm test -- test/unit -t "name of a test"`).

import { findChromium } from "./chromium.mjs";
import { EngineError } from "./engine/say.mjs";
import { forgetThingsBoard } from "./live/target.mjs";
import { findJava } from "./java.mjs";
import { checkEverything } from "./lint/checks.mjs";
import { findMosquitto } from "./mosquitto.mjs";
import { prepare } from "./steps.mjs";
import { runVitest } from "./vitest.mjs";

try {
    forgetThingsBoard();
    const engine = await prepare();
    // A part is run while other files are half written.
    if (process.argv.length === 2) await checkEverything(engine.node);
    await findMosquitto();
    await findJava();
    await findChromium();
    const { code, passed, failed } = await runVitest(engine, process.argv.slice(2));
    process.exitCode = code;
    // One plain line for whoever reads the log by machine.
    console.log(`${passed} passed, ${failed} failed`);
} catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.error(`npm test: ${error.message}`);
    process.exitCode = 1;
}
