// Each fault that the emulator can play, and what `doctor`, `explain` and `publish` say of it, each in a process of its own:
// the right cause first, with what to do; nothing beside it that isn't so; in time; and no secret, no stack trace.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { startEmulator } from "../../../sdk/emulator";
import { bind, logIn, makeCert, restOf } from "../../emulator/support";
import { soak } from "../../support/seed";
import { command, environmentOf, type Environment, folderAt, pairOf } from "../support";
import type { Case, Cases, Expected, Played } from "./case";
import * as cases from "./cases";
import { doctorSaid, explainSaid, type Mode, publishSaid, type Said } from "./said";

const certificate = makeCert({ cn: "pump-1", from: -1, to: 400 });
const at = folderAt(mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-faults-")));
afterAll(() => rmSync(at.path, { recursive: true, force: true }));
const pair = pairOf(certificate, at);

/** More than a busy machine takes for a step that works, and no longer than it is worth to wait for one that doesn't. */
const seconds = "5";
/** The longest: a log-in or two, a connection that is not answered, and ten seconds for a value to be stored. */
const inTime = 40_000;
/** A hundred processes start faster with what Node has compiled once, and where none of them asks Pulumi for its version. */
const quick: Environment = { NODE_COMPILE_CACHE: path.join(at.path, "compiled"), PATH: at.path };

const all: Readonly<Record<string, Readonly<Record<string, Cases>>>> = {
    "of REST": cases.restFaults,
    "of MQTT": cases.mqttFaults,
    "of the platform": cases.otherFaults,
    "of the server's certificate": cases.serverCertificates,
    "of limits": cases.limits,
    "of pace": cases.paces,
    "by a method": cases.methods,
    "of the version": cases.versions,
    "of the edition": cases.editions,
    "of who asks": { "log-in": cases.logIns },
    ...cases.others,
};
const named = Object.entries(all).flatMap(([kind, faults]) =>
    Object.entries(faults).flatMap(([fault, ways]) => Object.entries(ways).map(([way, played]) => ({ name: `${kind}, ${fault}: ${way}`, played }))),
);

describe("a fault", () => {
    const now = named.filter(({ played }) => soak || !played.alike).map((one, index) => ({ ...one, index }));
    test.concurrent.for(now)("$name", { timeout: 2 * inTime }, async ({ played, index }, { onTestFinished }) => {
        const { environment, secrets } = await play(played, onTestFinished);
        const run = async (words: readonly string[], mode: Mode) => {
            const began = performance.now();
            const ran = await command({ ...environment, ...quick }, mode === "json" ? [...words, "--json"] : words);
            expect(performance.now() - began, words.join(" ")).toBeLessThan(inTime);
            for (const secret of secrets) expect(ran.stdout + ran.stderr).not.toContain(secret);
            expect(ran.stdout + ran.stderr).not.toMatch(/^\s+at .*:\d+|fault of pulumi-thingsboard itself|undefined|\[object/m);
            return ran;
        };
        const { doctor, explain, publish, withCertificate } = played;
        // Each command in one of its two forms, in turn; the long run does both. One after the other: a tenant has one rate.
        const modes: readonly Mode[] = ["json", "text"];
        const [first, second] = index % 2 === 0 ? modes : [...modes].reverse();
        for (const mode of soak ? modes : [first!]) {
            const ran = await run(["doctor", "--timeout", seconds], mode);
            holds(doctorSaid(ran, mode, "pulumi"), doctor, ran.stdout);
            expect(ran.code).toBe(doctor.found.some(one => one.endsWith(": failure")) ? 1 : 0);
        }
        for (const mode of soak ? modes : [second!]) {
            const ran = await run(["explain", "pump-1", "--timeout", seconds, ...(withCertificate ? pair.slice(0, 2) : [])], mode);
            holds(explainSaid(ran, mode), explain, ran.stdout);
            expect(ran.code).toBe(explain.error || (explain.found.length > 0 && explain.found[0] !== "unread") ? 1 : 0);
            // What neither of them can see, the device's own key does: they say so.
            if (mode === "text" && explain.found.length === 0 && !explain.error) expect(ran.stdout).toContain('"pulumi-thingsboard publish" tries');
        }
        for (const mode of !publish ? [] : soak ? modes : [first!]) {
            const ran = await run(["publish", ...pair, "--timeout", seconds], mode);
            holds(publishSaid(ran, mode), publish!, ran.stdout);
            expect(ran.code).toBe(publish!.found[0] === "accepted" ? 0 : 1);
        }
    });
});

function holds(said: Said, { found, says, remedy, error }: Expected, printed: string): void {
    if (error) return expect(said.error).toMatch(error);
    expect(said.error).toBeUndefined();
    if (said.found) expect(said.found, printed).toEqual(found);
    expect(said.count, printed).toBe(found.length);
    if (says) expect(said.message).toMatch(says);
    if (remedy) expect(said.remedy).toMatch(remedy);
    return undefined;
}

async function play({ play, options, settings }: Case, later: Played["later"]): Promise<{ environment: Environment; secrets: readonly string[] }> {
    const emulator = await startEmulator(options);
    later(() => emulator.stop());
    const rest = emulator.apiKey === "" ? await logIn(emulator, emulator.username, emulator.password) : restOf(emulator);
    await bind(rest, "pump-1", certificate);
    const environment: Environment = { ...environmentOf(emulator), THINGSBOARD_TIMEOUT: seconds, ...settings?.() };
    await play({ emulator, rest, certificate, later });
    // Passwords of the demonstration are words like "tenant".
    const secrets = [environment["THINGSBOARD_API_KEY"], environment["THINGSBOARD_PASSWORD"], certificate.key.split("\n")[1]].filter(secret => secret !== undefined && secret.length > 10);
    return { environment, secrets: secrets as string[] };
}
