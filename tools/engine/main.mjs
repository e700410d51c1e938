// `npm run engine`: finds or makes the Pulumi engine and a Node.js new enough to run programs.
//
// With `--print-env` it prints shell commands that put both into the environment:
//     eval "$(npm run --silent engine -- --print-env)"

import { findEngine } from "./engine.mjs";
import { EngineError } from "./say.mjs";

const USAGE = "usage: npm run engine [-- --print-env]";

try {
    const unknown = process.argv.slice(2).filter((argument) => argument !== "--print-env");
    if (unknown.length > 0) throw new EngineError(`unknown argument ${unknown[0]}; ${USAGE}`);
    const engine = await findEngine();
    if (process.argv.includes("--print-env")) {
        for (const [name, value] of Object.entries(engine.environment)) console.log(`export ${name}=${quote(value)}`);
    }
} catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.error(`engine: ${error.message}`);
    process.exitCode = 1;
}

/** @param {string} value */
function quote(value) {
    return `'${value.replaceAll("'", "'\\''")}'`;
}
