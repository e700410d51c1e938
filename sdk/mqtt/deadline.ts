// Bounds one connection, and ends it at the step where it stopped.

import type { Refusal, Step } from "./outcome";

/** Ends a connection from any depth. It is caught where the connection was begun and never leaves this folder. */
export class Stopped extends Error {
    constructor(readonly refusal: Refusal) {
        super(refusal.stage);
    }
}

export interface Deadline {
    /** The result of `work`, or Stopped at `step` when time is up first. */
    within<T>(step: Step, work: Promise<T>): Promise<T>;
    clear(): void;
}

export function deadline(timeoutSeconds: number): Deadline {
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<void>(resolve => {
        timer = setTimeout(resolve, timeoutSeconds * 1000);
    });
    return {
        within(step, work) {
            work.catch(() => undefined);
            const late = expired.then((): never => {
                throw new Stopped({ stage: "timeout", waitedFor: step, timeoutSeconds });
            });
            late.catch(() => undefined);
            return Promise.race([work, late]);
        },
        clear: () => clearTimeout(timer),
    };
}
