// Runs vitest, and counts what came of it.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { exitCodeOf, repository } from "./steps.mjs";

/**
 * @param {import("./engine/engine.mjs").Engine} engine
 * @param {string[]} args
 * @param {Record<string, string>} [environment]
 * @param {number} [minutes] after which it is ended
 */
export async function runVitest(engine, args, environment = {}, minutes) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pulumi-thingsboard-test-"));
    const report = path.join(folder, "report.json");
    try {
        const code = await exitCodeOf(
            engine.node,
            [
                path.join(repository, "node_modules", "vitest", "vitest.mjs"), "run",
                "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...args,
            ],
            { ...engine.environment, ...plainUnlessTerminal(), ...environment },
            minutes,
        );
        return { code, ...counts(report) };
    } finally {
        fs.rmSync(folder, { recursive: true, force: true });
    }
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
 * A file that failed before any of its tests ran counts as one failure.
 *
 * @param {string} report
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
function counts(report) {
    if (!fs.existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(fs.readFileSync(report, "utf8"));
    /** @type {{ status: string }[]} */
    const tests = testResults.flatMap((file) => file.assertionResults);
    const brokenFiles = testResults.filter((file) =>
        file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed"));
    return {
        passed: numPassedTests,
        failed: numFailedTests + brokenFiles.length,
        skipped: tests.filter(({ status }) => status !== "passed" && status !== "failed").length,
    };
}
