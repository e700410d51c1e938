// Any words on the command line: usage, or a sentence; never a stack trace, and nothing is done.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, CommanderError } from "commander";
import fc from "fast-check";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { emulatorCommand } from "../../sdk/cli/emulator";
import { fleetCommand } from "../../sdk/cli/fleet";
import { revokeCommand } from "../../sdk/cli/revoke";
import { runs } from "../support/seed";
import { decent, expectSentence } from "./mutations";

const folder = mkdtempSync(join(tmpdir(), "pulumi-thingsboard-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Where neither a pulumi nor a ThingsBoard is to be found. */
beforeEach(() => {
    for (const name of ["THINGSBOARD_URL", "THINGSBOARD_API_KEY", "THINGSBOARD_USERNAME", "THINGSBOARD_PASSWORD"]) vi.stubEnv(name, "");
    vi.stubEnv("PATH", folder);
    vi.spyOn(console, "log").mockImplementation(() => undefined);
    vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
});

function quiet(command: Command, told: string[]): Command {
    command.exitOverride().configureOutput({ writeErr: text => told.push(text), writeOut: text => told.push(text) });
    for (const below of command.commands) quiet(below, told);
    return command;
}

const word = fc.oneof(
    fc.constantFrom("up", "preview", "refresh", "destroy", "status", "export", "--stack", "--shards", "--parallel", "--device", "--out", "--cwd", "--json", "--rest-port", "--mqtts-port", "--thingsboard", "--edition", "--pace", "--help", "--", "-", "4", "0", "-1", "1e9", "65536", "prod", "3.8", "CE"),
    fc.string({ maxLength: 12 }),
    fc.constantFrom("../../etc/passwd", "$(id)", "a".repeat(5000), "\u001b[31m", "\0"),
);

test("any words", { timeout: 60_000 }, () =>
    fc.assert(
        fc.asyncProperty(fc.constantFrom(fleetCommand, revokeCommand, emulatorCommand), fc.array(word, { maxLength: 8 }), async (make, words) => {
            const told: string[] = [];
            // A second argument that no emulator takes: it is never started here.
            const args = make === emulatorCommand ? [...words, "--nothing-of-the-kind"] : [...words, "--cwd", folder];
            await decent(async () => {
                try {
                    await quiet(make(), told).parseAsync(args, { from: "user" });
                } catch (error) {
                    if (!(error instanceof CommanderError)) throw error;
                }
            });
            for (const text of told) if (!text.startsWith("Usage")) expectSentence(text.slice(0, 4_000));
            expect(readdirSync(folder).filter(name => name !== ".pulumi-thingsboard")).toEqual([]);
        }),
        runs(300, 2_000),
    ),
);
