// `npm run test:soak`: interrupts a deployment at every one of its calls, in more ways than `npm test` does, and says which.

import { EngineError } from "./engine/say.mjs";
import { forgetThingsBoard } from "./live/target.mjs";
import { prepare } from "./steps.mjs";
import { runVitest } from "./vitest.mjs";

try {
    forgetThingsBoard();
    const engine = await prepare();
    const began = performance.now();
    const { code, passed, failed } = await runVitest(
        engine,
        ["--project", "engine", "--disableConsoleIntercept=true", "test/engine/interruption", ...process.argv.slice(2)],
        { THINGSBOARD_SOAK: "true" },
    );
    process.exitCode = code;
    console.log(`${passed} passed, ${failed} failed, in ${Math.round((performance.now() - began) / 1000)} s`);
} catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.error(`npm run test:soak: ${error.message}`);
    process.exitCode = 1;
}
