// The one kind of error that is meant for the person at the terminal.

/** Its message is a sentence: what happened, to which device, and what to do. Any other error is a fault of ours. */
export class UserError extends Error {
    override readonly name: string = "UserError";
}
