// Time and chance, passed in so that tests neither wait nor gamble.

import { setTimeout as sleep } from "node:timers/promises";
import type { Milliseconds } from "./model";

export interface Clock {
    now(): Milliseconds;
    sleep(duration: Milliseconds): Promise<void>;
}

export const systemClock: Clock = {
    now: () => Date.now(),
    sleep: async duration => {
        await sleep(duration);
    },
};
