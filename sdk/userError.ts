// The one kind of error that is meant for the person at the terminal.

import { printable } from "./printable";

/**
 * Its message is a sentence: what happened, to which device, and what to do. Any other error is a fault of ours. Names and
 * values in it may be anybody's, so it is made printable here and not wherever one is thrown.
 */
export class UserError extends Error {
    override readonly name: string = "UserError";

    constructor(message: string, options?: ErrorOptions) {
        super(printable(message), options);
    }
}

/** What is wrong, as a sentence; undefined when nothing is. */
export function faultOf(look: () => unknown): string | undefined {
    try {
        look();
        return undefined;
    } catch (error) {
        if (error instanceof UserError) return error.message;
        throw error;
    }
}
