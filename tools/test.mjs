// `npm test`: everything that a fresh clone needs, then vitest with the arguments given
// (`npm test -- test/unit -t "name of a test"`).

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { EngineError } from "./engine/say.mjs";
import { findMosquitto } from "./mosquitto.mjs";
import { checkTypes, exitCodeOf, prepare, repository } from "./steps.mjs";

const reports = fs.mkdtempSync(path.join(os.tmpdir(), "pulumi-thingsboard-test-"));
try {
    const engine = await prepare();
    // A part is run while other files are half written.
    if (process.argv.length === 2) await checkTypes(engine.node);
    await findMosquitto();
    const report = path.join(reports, "report.json");
    process.exitCode = await exitCodeOf(
        engine.node,
        [
            path.join(repository, "node_modules", "vitest", "vitest.mjs"), "run",
            "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...process.argv.slice(2),
        ],
        { ...engine.environment, ...plainUnlessTerminal() },
    );
    console.log(summary(report));
} catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.error(`npm test: ${error.message}`);
    process.exitCode = 1;
} finally {
    fs.rmSync(reports, { recursive: true, force: true });
}

/**
 * Vitest may colour its output in a log, too, and logs are read by programs.
 *
 * @returns {Record<string, string>}
 */
function plainUnlessTerminal() {
    return process.stdout.isTTY || process.env.FORCE_COLOR ? {} : { NO_COLOR: "1" };
}

/**
 * One plain line for whoever reads the log by machine. A file that failed before any of its tests ran counts as one
 * failure.
 *
 * @param {string} report
 */
function summary(report) {
    if (!fs.existsSync(report)) return "0 passed, 1 failed";
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(fs.readFileSync(report, "utf8"));
    const brokenFiles = testResults.filter((file) =>
        file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed"));
    return `${numPassedTests} passed, ${numFailedTests + brokenFiles.length} failed`;
}
