// `npm run test:mutation`: changes the code line by line, and shows which changes no test notices.

import fs from "node:fs";
import path from "node:path";
import { EngineError } from "./engine/say.mjs";
import { exitCodeOf, prepare, repository } from "./steps.mjs";

const report = path.join(repository, "reports", "mutation", "mutation.json");

try {
    const engine = await prepare();
    fs.rmSync(report, { force: true });
    const stryker = path.join(repository, "node_modules", "@stryker-mutator", "core", "bin", "stryker.js");
    process.exitCode = await exitCodeOf(engine.node, [stryker, "run", ...process.argv.slice(2)], engine.environment);
    if (fs.existsSync(report)) for (const line of scores()) console.log(line);
} catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.error(`npm run test:mutation: ${error.message}`);
    process.exitCode = 1;
}

/** What was mutated, by folder: `sdk/x509: 612 of 655 changes noticed (93.4 %), 7 of them by a test that didn't end; 36 survived, 7 not reached`. */
function scores() {
    /** @type {{ files: Record<string, { mutants: { status: string }[] }> }} */
    const { files } = JSON.parse(fs.readFileSync(report, "utf8"));
    /** @type {Map<string, string[]>} */
    const folders = new Map();
    for (const [file, { mutants }] of Object.entries(files)) {
        const folder = file.split("/").slice(0, 2).join("/");
        folders.set(folder, [...(folders.get(folder) ?? []), ...mutants.map(({ status }) => status)]);
    }
    return [...folders].sort().map(([folder, statuses]) => {
        const count = (/** @type {string[]} */ ...of) => statuses.filter((status) => of.includes(status)).length;
        const [noticed, endless, survived, unreached] = [count("Killed", "Timeout"), count("Timeout"), count("Survived"), count("NoCoverage")];
        const all = noticed + survived + unreached;
        const share = all === 0 ? "" : ` (${((100 * noticed) / all).toFixed(1)} %)`;
        return `${folder}: ${noticed} of ${all} changes noticed${share}, ${endless} of them by a test that didn't end; ${survived} survived, ${unreached} not reached`;
    });
}
