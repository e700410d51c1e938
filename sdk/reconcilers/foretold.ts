// What `adopt: true` is about to take over, told in preview: nothing else that runs there may ask the server.

import { setTimeout as delay } from "node:timers/promises";

/** A line for the reader is not worth more of a preview, which checks one resource after another. Milliseconds. */
const patience = 2_000;

/** @param look what there is to say; where the server can't be asked, nothing is said */
export async function foretell(look: () => Promise<string | undefined>, say: (line: string) => void): Promise<void> {
    const line = await Promise.race([look().catch(() => undefined), delay(patience, undefined, { ref: false })]);
    if (line !== undefined) say(line);
}
