// Of two pairs that take turns, says which one is to be bound now.

import { randomUUID } from "node:crypto";
import { millisecondsPerDay } from "../clock";
import { type Reconciler, isUnknown, toState } from "./reconciler";

export interface ActivationInputs {
    /** When each pair was issued (ms); 0 for a second one that was never given out. */
    readonly since: readonly [number, number];
    /** Days that a device has to receive the new pair. */
    readonly leadDays: number;
    readonly validityDays: number;
}

export interface ActivationState extends ActivationInputs {
    readonly stateVersion: 1;
    readonly active: 0 | 1;
}

export function activation(now: () => Date): Reconciler<ActivationInputs, ActivationState> {
    return {
        async check(_olds, news) {
            return { inputs: news, failures: [] };
        },

        // A pair that is being made in this deployment (its time not known yet) is not active in it: so the outputs stay
        // known, and a preview that makes the next pair shows no new binding.
        async diff(_id, state, news) {
            return !isUnknown(news) && activePair(news, now()) !== state.active ? { changes: true } : { changes: false };
        },

        async create(inputs) {
            return { id: randomUUID(), outs: toState({ ...inputs, stateVersion: 1, active: activePair(inputs, now()) }) };
        },

        async read(id, state) {
            return state ? { id, props: state } : {};
        },

        async update(_id, _state, news) {
            return { outs: toState({ ...news, stateVersion: 1, active: activePair(news, now()) }) };
        },

        async delete() {
            // Nothing but a number.
        },
    };
}

/** The newer pair from the day on which the device has had it for `leadDays`, or the older one has expired. */
export function activePair({ since, leadDays, validityDays }: ActivationInputs, now: Date): 0 | 1 {
    const newer = since[1] > since[0] ? 1 : 0;
    const older = newer === 1 ? 0 : 1;
    const ready = since[newer] + leadDays * millisecondsPerDay;
    const expired = since[older] + validityDays * millisecondsPerDay;
    return now.getTime() >= Math.min(ready, expired) ? newer : older;
}
