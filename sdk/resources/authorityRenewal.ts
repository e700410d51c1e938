// How an authority's own certificate is issued anew: for the same key and name, so that nothing below it changes.

import * as pulumi from "@pulumi/pulumi";
import { daysInWords, millisecondsPerDay, now } from "../clock";
import { shown } from "../printable";
import { certificatesIn, subjectOf } from "../x509/chain";
import { type Refuse, checked } from "./checked";
import { Renewal } from "./renewal";

export interface AuthorityRenewalArgs {
    /**
     * What happens when the authority's certificate comes close to its end:
     * - `"report"`: deployments say so, and nothing is changed (until it has expired: the TLS provider then issues it anew
     *   with the next `pulumi up`);
     * - `"immediate"`: `pulumi up` issues it anew, for the key that it has. What it signed stays as it is.
     * @default "report"
     */
    renewal?: "report" | "immediate";
    /**
     * Days before the end at which the authority's certificate is due.
     * @default 90, or a third of a shorter validity
     */
    renewBeforeDays?: number;
}

/** Also of an authority that is not ours to renew. */
export const usualDays = 90;

/** When an authority's certificate is issued, and for how long. */
export interface Issuing {
    readonly validityPeriodHours: pulumi.Output<number>;
    /** Rises with each issue: the certificate's `replacementTrigger`. */
    readonly generation: pulumi.Output<number>;
    readonly renewBeforeDays: pulumi.Output<number>;
}

/**
 * @param where what stands before the field's name in a sentence: empty, or `intermediate.`
 * @param issuedFrom whatever goes into the certificate
 */
export function ownIssuing(name: string, parent: pulumi.Resource, args: AuthorityRenewalArgs, where: string, validityDays: pulumi.Input<number>, issuedFrom: pulumi.Inputs, fail: Refuse): Issuing {
    const { renewal = "report" } = args;
    if (!["report", "immediate"].includes(renewal)) fail(`${where}renewal is ${shown(renewal)}: expected "report" or "immediate"`);
    const before = (validity: number) => args.renewBeforeDays ?? Math.min(usualDays, validity / 3);
    const validity = checked(validityDays, days => {
        if (!(Number.isInteger(days) && days > 0 && days <= 36_500)) fail(`${where}validityDays is ${shown(days)}: expected a whole number of days, 1 to 36500`);
        if (!(before(days) > 0 && before(days) < days)) fail(`${where}renewBeforeDays is ${args.renewBeforeDays}: expected more than 0 and less than the ${days} days of validity`);
        return days;
    });
    // There from the beginning, also where nothing is ever due: a trigger that appears later shows as a replacement in preview.
    const { generation } = new Renewal(
        name,
        {
            certificate: name,
            ...(renewal === "immediate" ? { afterDays: validity.apply(days => days - before(days)) } : {}),
            jitterDays: 0,
            issuedFrom: pulumi.output({ ...issuedFrom, validity }).apply((from: unknown) => JSON.stringify(from)),
        },
        { parent },
    );
    return { validityPeriodHours: validity.apply(days => days * 24), generation, renewBeforeDays: validity.apply(before) };
}

/** For one that is not renewed by itself. */
export function warnOfEnd(certificatePem: pulumi.Output<string>, days: pulumi.Input<number>, remedy: string, resource: pulumi.Resource): void {
    pulumi.all([certificatePem, days]).apply(([pem, renewBefore]) => {
        const certificate = certificatesIn(pem, "the authority's certificate")[0]!;
        const notAfter = new Date(certificate.validTo);
        const left = notAfter.getTime() - now().getTime();
        if (left >= renewBefore * millisecondsPerDay) return;
        const when = left < 0 ? `expired on ${notAfter.toISOString()}` : `expires on ${notAfter.toISOString()}, in ${daysInWords(left)}`;
        void pulumi.log.warn(`the authority ${subjectOf(certificate)} ${when}: ${remedy}`, resource);
    });
}
