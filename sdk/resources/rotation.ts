// How a component's certificate comes to be issued anew: never by itself, at once, or with a second pair in advance.

import * as pulumi from "@pulumi/pulumi";
import { shown } from "../printable";
import type { Refuse } from "./checked";
import { DynamicResource } from "./dynamicResource";
import { Renewal } from "./renewal";

export interface RenewalArgs {
    /**
     * What happens when the certificate comes close to its end:
     * - `"report"`: deployments say so, and nothing is changed (until it has expired: the TLS provider then issues it anew
     *   for the same key, with the next `pulumi up`);
     * - `"staged"`: the next key and certificate are made `renewBeforeDays` before the end and given out as `next…`
     *   outputs for you to deliver, and bound `activateBeforeDays` before it;
     * - `"immediate"`: the new pair is made and bound at once. The device is refused until it has it.
     * @default "report"
     */
    renewal?: "report" | "staged" | "immediate";
    /**
     * Days before the end at which a certificate is due.
     * @default 30, or a third of a shorter validity
     */
    renewBeforeDays?: number;
    /**
     * Days before the end at which the next pair is bound, for `"staged"`.
     * @default a third of renewBeforeDays
     */
    activateBeforeDays?: number;
    /**
     * Whether a new certificate comes with a new key, or is issued for the key that the device has.
     * @default "newKey"
     */
    rotationPolicy?: "keepKey" | "newKey";
    /**
     * Spreads the renewals of a fleet over so many days before the day on which they are due.
     * @default 0
     */
    renewalJitterDays?: number;
    /**
     * How many certificates of this program may be renewed in one `pulumi up`: the others wait for the next one.
     * @default all that are due
     */
    maxRenewalsPerUp?: number;
}

export interface Pair {
    readonly certificatePem: pulumi.Output<string>;
    /** Undefined where the device made its key itself. */
    readonly privateKeyPem: pulumi.Output<string> | undefined;
}

/** Makes one pair under this name; the triggers replace key and certificate when they change. */
export type Issue = (name: string, triggers: { readonly key?: pulumi.Output<number>; readonly certificate: pulumi.Output<number> }) => Pair;

export interface Rotation extends Pair {
    readonly renewBeforeDays: pulumi.Output<number>;
    /** The pair that waits for its binding, if there is one; undefined where none is ever made in advance. */
    readonly next: undefined | { readonly certificatePem: pulumi.Output<string | undefined>; readonly privateKeyPem: pulumi.Output<string | undefined> | undefined };
}

/**
 * @param issuedFrom whatever goes into the certificate
 * @throws RunError for settings that can't work, if they are known
 */
export function rotation(name: string, parent: pulumi.Resource, args: RenewalArgs, validityDays: number | pulumi.Output<number>, issuedFrom: pulumi.Inputs, fail: Refuse, issue: Issue): Rotation {
    const mode = args.renewal ?? "report";
    if (!["report", "staged", "immediate"].includes(mode)) fail(`renewal is ${shown(mode)}: expected "report", "staged", "immediate"`);
    if (args.rotationPolicy !== undefined && !["keepKey", "newKey"].includes(args.rotationPolicy)) fail(`rotationPolicy is ${shown(args.rotationPolicy)}: expected "keepKey", "newKey"`);
    if (mode !== "staged" && args.activateBeforeDays !== undefined) fail(`activateBeforeDays belongs to renewal "staged", and renewal is "${mode}"`);
    const timesOf = (validity: number) => {
        const renewBefore = args.renewBeforeDays ?? Math.min(30, validity / 3);
        const activateBefore = args.activateBeforeDays ?? renewBefore / 3;
        const jitter = args.renewalJitterDays ?? 0;
        if (!(renewBefore > 0 && renewBefore < validity)) fail(`renewBeforeDays is ${renewBefore}: expected more than 0 and less than the ${validity} days of validity`);
        if (!(activateBefore >= 0 && activateBefore < renewBefore)) fail(`activateBeforeDays is ${activateBefore}: expected at least 0 and less than renewBeforeDays (${renewBefore}), so that the device has time to receive the next pair`);
        if (!(jitter >= 0 && jitter < validity - renewBefore)) fail(`renewalJitterDays is ${jitter}: expected at least 0 and less than the ${validity - renewBefore} days until the certificate is due`);
        return { renewBefore, lead: renewBefore - activateBefore, jitter, interval: validity - renewBefore };
    };
    // Known values are checked at once: an error in here reads better than one in an output that nobody awaits.
    const times = typeof validityDays === "number" ? pulumi.output(timesOf(validityDays)) : validityDays.apply(timesOf);
    if (args.maxRenewalsPerUp !== undefined && !(Number.isInteger(args.maxRenewalsPerUp) && args.maxRenewalsPerUp > 0)) fail(`maxRenewalsPerUp is ${args.maxRenewalsPerUp}: expected a whole number above 0`);

    const keepKey = args.rotationPolicy === "keepKey";
    const schedule = (slot: string, afterDays: pulumi.Input<number> | undefined, follows?: pulumi.Output<number>) =>
        new Renewal(
            slot,
            {
                certificate: name,
                ...(afterDays === undefined ? {} : { afterDays }),
                jitterDays: times.apply(({ jitter }) => jitter),
                ...(args.maxRenewalsPerUp === undefined ? {} : { maxPerUp: args.maxRenewalsPerUp }),
                issuedFrom: pulumi.output(issuedFrom).apply((from: unknown) => JSON.stringify(from)),
                ...(follows === undefined ? {} : { follows }),
            },
            { parent },
        );
    const renewBeforeDays = times.apply(({ renewBefore }) => renewBefore);

    if (mode !== "staged") {
        const only = schedule(name, mode === "immediate" ? times.apply(({ interval }) => interval) : undefined);
        const pair = issue(name, { certificate: only.generation, ...(keepKey ? {} : { key: only.generation }) });
        return { ...pair, renewBeforeDays, next: undefined };
    }
    // ThingsBoard has one slot for a device's certificate, so two pairs take turns: the first is renewed with every
    // second renewal, and the second follows it half way between.
    const first = schedule(name, times.apply(({ interval }) => 2 * interval));
    const second = schedule(`${name}-second`, times.apply(({ interval }) => interval), first.since);
    const pairs = [
        issue(name, { certificate: first.generation, ...(keepKey ? {} : { key: first.generation }) }),
        issue(`${name}-second`, { certificate: second.generation, ...(keepKey ? {} : { key: second.generation }) }),
    ] as const;
    const { active } = new Activation(name, { since: [first.since, second.since], leadDays: times.apply(({ lead }) => lead), validityDays }, { parent });
    const waiting = pulumi.all([active, first.since, second.since]).apply(([active, one, two]) => (two > one ? 1 : 0) !== active);
    // Only the pair that is asked for counts: in a preview that makes the other one, this one stays known.
    const chosen = (outputs: readonly [pulumi.Output<string>, pulumi.Output<string>], which: (active: 0 | 1) => 0 | 1) => active.apply(active => outputs[which(active)]);
    const next = (outputs: readonly [pulumi.Output<string>, pulumi.Output<string>]) =>
        waiting.apply(waits => (waits ? chosen(outputs, active => (active === 0 ? 1 : 0)) : pulumi.output<string | undefined>(undefined)));
    const certificates = [pairs[0].certificatePem, pairs[1].certificatePem] as const;
    const keys = pairs[0].privateKeyPem && pairs[1].privateKeyPem ? ([pairs[0].privateKeyPem, pairs[1].privateKeyPem] as const) : undefined;
    return {
        certificatePem: chosen(certificates, active => active),
        privateKeyPem: keys && chosen(keys, active => active),
        renewBeforeDays,
        next: { certificatePem: next(certificates), privateKeyPem: keys && next(keys) },
    };
}

/** Says which of two pairs is to be bound. */
class Activation extends DynamicResource {
    declare readonly active: pulumi.Output<0 | 1>;

    constructor(name: string, props: pulumi.Inputs, opts: pulumi.CustomResourceOptions) {
        super("Activation", 1, name, { ...props, active: undefined }, opts);
    }
}
