// `npm run demo`: the quick start from nothing to nothing, with the real engine against the emulated ThingsBoard.
//
// This file brings what the demo needs; demo/walk.mjs is the demo, run by a Node.js that is new enough.

import path from "node:path";
import { EngineError } from "./engine/say.mjs";
import { exitCodeOf, prepare, repository } from "./steps.mjs";

try {
    const engine = await prepare();
    process.exitCode = await exitCodeOf(
        engine.node, [path.join(repository, "tools", "demo", "walk.mjs"), ...process.argv.slice(2)], engine.environment);
} catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.error(`npm run demo: ${error.message}`);
    process.exitCode = 1;
}
