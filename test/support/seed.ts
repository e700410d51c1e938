// What is random in a test: printed, so that the same can be seen again.

import { randomInt } from "node:crypto";

/** `npm run test:soak`: the long run of what `npm test` does a part of. */
export const soak = process.env["THINGSBOARD_SOAK"] !== undefined;

/** For how long a part of the long run goes on at most, where it can say how far it got. */
export const soakMinutes = Number(process.env["THINGSBOARD_SOAK_MINUTES"] ?? 40);

/** `THINGSBOARD_SEED=123 npm test -- test/faults` runs what a run with this seed ran. */
export const seed = Number(process.env["THINGSBOARD_SEED"] ?? randomInt(2 ** 31));
if (!Number.isInteger(seed)) throw new Error(`THINGSBOARD_SEED is ${process.env["THINGSBOARD_SEED"]}: expected a whole number`);

/** For fast-check, whose report then names the seed and the smallest case that fails. */
export const runs = (short: number, long: number) => ({ seed, numRuns: soak ? long : short });
