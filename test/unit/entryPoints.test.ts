// What only tests, the command and the report need is not loaded by programs and by the engine's plugin.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");

/** Our own files that are loaded with an entry point of the built package. */
function loadedBy(entry: string): string[] {
    const script = `require(${JSON.stringify(path.join(root, entry))}); JSON.stringify(Object.keys(require.cache))`;
    const loaded = JSON.parse(execFileSync(process.execPath, ["-p", script], { encoding: "utf8" })) as string[];
    return loaded.filter(file => file.startsWith(path.join(root, "bin") + path.sep));
}

const callsAutomation = (file: string) => readFileSync(file, "utf8").includes("@pulumi/pulumi/automation");

it.each([["bin/index.js"], ["bin/plugin.js"]])("%s loads neither the emulator, the command nor what is for tests, and asks for no Automation API", entry => {
    const loaded = loadedBy(entry);
    expect(loaded.length).toBeGreaterThan(10);
    expect(loaded.filter(file => /\/bin\/(emulator|cli|testing)\//.test(file))).toEqual([]);
    expect(loaded.filter(callsAutomation)).toEqual([]);
});

it("pulumi-thingsboard/testing does", () => {
    expect(loadedBy("bin/testing/index.js").filter(callsAutomation)).toHaveLength(1);
});
