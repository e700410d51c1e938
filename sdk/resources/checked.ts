// Checks of arguments that may be known only later.

import { inspect } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { printable } from "../printable";
import { UserError } from "../userError";

/** What is wrong becomes the program's error, shown without a stack, and names the resource. */
export type Refuse = (reason: string) => never;

export const refuse = (type: string, name: string): Refuse => reason => {
    const message = printable(`${type} "${name}": ${reason}`);
    // The SDK hangs the promise that failed on the error, and prints the error for its trace: with all that hangs on the
    // promise, which takes half a minute in a small program.
    throw Object.defineProperty(new pulumi.RunError(message), inspect.custom, { value: () => message });
};

/** A value known while the program runs fails it at once, also in preview; another one when it becomes known. */
export function checked<Value>(value: pulumi.Input<Value>, check: (value: Value) => Value): pulumi.Output<Value> {
    const later = pulumi.Output.isInstance(value) || value instanceof Promise;
    return pulumi.output(later ? pulumi.output(value).apply(known => check(known as Value)) : check(value)) as pulumi.Output<Value>;
}

/** Runs what throws sentences for users, as the program's error. */
export function plainly<Result>(fail: Refuse, run: () => Result): Result {
    try {
        return run();
    } catch (error) {
        return error instanceof UserError ? fail(error.message) : raise(error);
    }
}

function raise(error: unknown): never {
    throw error;
}
