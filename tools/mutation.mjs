// `npm run test:mutation`: changes the code line by line, and shows which changes no test notices.

import path from "node:path";
import { EngineError } from "./engine/say.mjs";
import { exitCodeOf, prepare, repository } from "./steps.mjs";

try {
    const engine = await prepare();
    const stryker = path.join(repository, "node_modules", "@stryker-mutator", "core", "bin", "stryker.js");
    process.exitCode = await exitCodeOf(engine.node, [stryker, "run", ...process.argv.slice(2)], engine.environment);
} catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.error(`npm run test:mutation: ${error.message}`);
    process.exitCode = 1;
}
