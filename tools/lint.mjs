// `npm run lint`: everything that can be said of the code without running it.

import { EngineError } from "./engine/say.mjs";
import { checkEverything } from "./lint/checks.mjs";
import { prepareBuild } from "./steps.mjs";

try {
    await checkEverything(await prepareBuild());
} catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.error(`npm run lint: ${error.message}`);
    process.exitCode = 1;
}
