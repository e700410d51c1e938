// Whether the tests run against the emulator, or (`npm run test:live`) against a server that somebody has.

import { randomBytes } from "node:crypto";
import { describe, test } from "vitest";
import type { LiveTarget } from "../../../tools/live/target.mjs";

const told = process.env["PULUMI_THINGSBOARD_LIVE"];

export const live: LiveTarget | undefined = told === undefined ? undefined : (JSON.parse(told) as LiveTarget);

/** Test files run side by side against one live server. */
const file = randomBytes(2).toString("hex");

/** Whatever a test makes on a ThingsBoard is called so: it must be nobody else's there, and be found again by the one who sweeps. */
export const own = (name: string): string => `${live?.prefix ?? "test-"}${file}-${name}`;

/** For tests that need what only the emulator does on demand: faults, limits, other versions, another certificate. */
export const emulated = {
    test: live ? test.skip : test,
    describe: live ? describe.skip : describe,
} as const;
