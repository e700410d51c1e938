// Says when a certificate is to be issued anew: a number that rises with time, and that the TLS resources take as their
// `replacementTrigger`. So what falls due shows in preview, `up` does it, and a refresh alone does nothing.

import { createHash, randomUUID } from "node:crypto";
import { millisecondsPerDay } from "../clock";
import { type Reconciler, isUnknown, toState } from "./reconciler";

export interface RenewalInputs {
    /** The certificate's name in messages. */
    readonly certificate: string;
    /** Days from one issue to the next; never, where it is left out. */
    readonly afterDays?: number;
    /** Spreads a fleet: up to so many days earlier, by a number that the name decides. */
    readonly jitterDays: number;
    /** How many of this program may be renewed in one `up`. */
    readonly maxPerUp?: number;
    /** What goes into the certificate: a change issues a new one, from which time counts anew. */
    readonly issuedFrom: string;
    /**
     * For the second of two pairs that take turns: the time (ms) when the first was issued. This one is issued
     * `afterDays` later, once for each issue of the first.
     */
    readonly follows?: number;
    readonly declaredBy: string;
}

export interface RenewalState extends RenewalInputs {
    readonly stateVersion: 1;
    /** Rises with each issue. */
    readonly generation: number;
    /** When this generation began (ms); 0 for a second pair that is there but was never given out. */
    readonly since: number;
}

export function renewal(now: () => Date): Reconciler<RenewalInputs, RenewalState> {
    return {
        async check(_olds, news) {
            return { inputs: news, failures: [] };
        },

        async diff(_id, state, news) {
            if (isUnknown({ ...news, follows: undefined })) return {};
            if (state.issuedFrom !== news.issuedFrom) return {};
            if (isDue(state, news, now()) && withinBudget(news)) return { changes: true };
            // Other settings, or a new time of the first pair, are nothing to do: they are read from the inputs. An update would
            // make the number unknown in preview, which then shows keys and certificates replaced that are not.
            return { changes: false };
        },

        async create(inputs) {
            const since = inputs.follows === undefined ? now().getTime() : 0;
            return { id: randomUUID(), outs: toState({ ...inputs, stateVersion: 1, generation: 1, since }) };
        },

        async read(id, state) {
            return state ? { id, props: state } : {};
        },

        async update(_id, state, news) {
            // Other content: both pairs are issued anew, and the second one is a spare again.
            if (state.issuedFrom !== news.issuedFrom) return { outs: next(state, news, news.follows === undefined ? now().getTime() : 0) };
            if (isDue(state, news, now()) && withinBudget(news)) return { outs: next(state, news, now().getTime()) };
            return { outs: toState({ ...news, stateVersion: 1, generation: state.generation, since: state.since }) };
        },

        async delete() {
            // Nothing but a number.
        },
    };
}

const next = (state: RenewalState, news: RenewalInputs, since: number): RenewalState => toState({ ...news, stateVersion: 1, generation: state.generation + 1, since });

function isDue(state: RenewalState, { afterDays, jitterDays, follows, certificate }: RenewalInputs, now: Date): boolean {
    if (afterDays === undefined || isUnknown(follows)) return false;
    const interval = (afterDays - jitterDays * fraction(certificate)) * millisecondsPerDay;
    if (follows === undefined) return now.getTime() >= state.since + interval;
    const due = follows + interval;
    return state.since < due && now.getTime() >= due;
}

/** The same for a name on every machine: at least 0, below 1. */
function fraction(name: string): number {
    return createHash("sha256").update(name).digest().readUInt32BE(0) / 2 ** 32;
}

/** Asked one resource after the other, and for one perhaps more than once. */
const renewed = new Set<string>();

function withinBudget({ maxPerUp, declaredBy }: RenewalInputs): boolean {
    if (maxPerUp === undefined || renewed.has(declaredBy)) return true;
    if (renewed.size >= maxPerUp) return false;
    renewed.add(declaredBy);
    return true;
}
