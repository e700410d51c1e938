// What every reconciler shares: the shape that the engine calls, and the ways out to it.

import type { dynamic } from "@pulumi/pulumi";
import { runtime } from "@pulumi/pulumi";

/** All six functions, none left to the engine's defaults (a missing `update` would wipe the outputs). */
export interface Reconciler<Inputs, State> extends Required<Omit<dynamic.ResourceProvider<Inputs, State>, "configure" | "read">> {
    /** What is there now, as state and as the inputs that would have led to it (left out: those of before); `{}` when it is gone. */
    read(id: string, state?: State): Promise<{ id: string; props: State; inputs?: Inputs } | Record<string, never>>;
}

/** In preview an input may not be known yet; it then arrives as this text, at any depth. */
export function isUnknown(value: unknown): boolean {
    if (value === runtime.unknownValue) return true;
    return typeof value === "object" && value !== null && Object.values(value).some(isUnknown);
}

/**
 * State as the engine can store it. `undefined` must not get out: the engine rejects it only *after* the remote call,
 * and what was made there would be an orphan.
 */
export function toState<State extends object>(state: State): State {
    return JSON.parse(JSON.stringify(state)) as State;
}

/**
 * The remote object exists, but is not yet what was declared. The engine then keeps the resource and its reasons in
 * state, shows the reasons, and calls `update` in the next `up`. It recognises this by `id`, and the stack could never
 * be refreshed or destroyed again if `__provider` were missing from `properties`: so the inputs go in whole.
 */
export class Unfinished extends Error {
    readonly properties: object;

    constructor(
        readonly id: string,
        inputs: object,
        state: object,
        error: Error,
        /** The engine shows each on a line of its own. */
        readonly reasons: readonly string[] = [error.message],
    ) {
        super(error.message);
        this.properties = toState({ ...inputs, ...state });
    }
}

/** Equal as JSON, whatever the order of keys. */
export function sameJson(a: unknown, b: unknown): boolean {
    return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(sorted);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]));
}
