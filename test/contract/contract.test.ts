// The recorded scenarios of a real ThingsBoard, run against the emulator.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../sdk/emulator";

let emulator: Emulator;

beforeAll(async () => {
    emulator = await startEmulator();
});
afterAll(() => emulator.stop());

// the scenarios spend most of their time waiting for what must not happen
test("the emulator answers as the real one did", { timeout: 240_000 }, async () => {
    const target = ["--rest", emulator.restUrl, "--mqtts", `${emulator.mqttsHost}:${emulator.mqttsPort}`, "--ca", emulator.caFile];
    const { code, output } = await run([join(__dirname, "run.mjs"), ...target, "--compare", join(__dirname, "golden.json")]);
    expect(output).toMatch(/^50 passed, 0 failed$/m);
    expect(code, output).toBe(0);
});

const run = (args: string[]): Promise<{ code: number; output: string }> =>
    new Promise((done) => {
        execFile(process.execPath, args, { timeout: 230_000 }, (error, stdout, stderr) => done({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }));
    });
