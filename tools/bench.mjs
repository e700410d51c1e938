// Measurements, as opposed to tests: `npm run bench` measures fleets, `npm run bench -- emulator` the emulator. Needs what
// `npm test` needs.

import fs from "node:fs";
import path from "node:path";
import { EngineError } from "./engine/say.mjs";
import { exitCodeOf, prepare, repository } from "./steps.mjs";

const given = process.argv.slice(2);
const [name, ...args] = given[0]?.startsWith("-") === false ? given : ["fleet", ...given];
const folder = path.join(repository, "bench");
const known = fs.readdirSync(folder).filter((file) => file.endsWith(".mjs")).map((file) => path.basename(file, ".mjs"));
if (!name || !known.includes(name)) {
    console.error(`npm run bench -- <${known.join("|")}> [options]`);
    process.exitCode = 2;
} else {
    try {
        const engine = await prepare();
        process.exitCode = await exitCodeOf(engine.node, [path.join(folder, `${name}.mjs`), ...args], engine.environment);
    } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        console.error(`npm run bench: ${error.message}`);
        process.exitCode = 1;
    }
}
