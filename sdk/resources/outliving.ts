// Certificates that are valid for longer than the authority that signed them. ThingsBoard looks at the leaf's dates alone;
// whoever else verifies a chain looks at all of them.

import { X509Certificate } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { millisecondsPerDay } from "../clock";
import { printable } from "../printable";
import { certificatesIn, subjectOf } from "../x509/chain";
import type { CertificateAuthority } from "./certificateAuthority";

/** Of an authority's certificate that is not renewed before it. */
export interface End {
    /** Distinguished name, in quotes. */
    readonly subject: string;
    /** ISO 8601. */
    readonly at: string;
    /** What makes it come later. */
    readonly remedy: string;
}

export const endsOf = (certificatesPem: pulumi.Output<string>, remedy: string): pulumi.Output<readonly End[]> =>
    certificatesPem.apply(pem => certificatesIn(pem, "the authority's chain").map(certificate => ({ subject: subjectOf(certificate), at: new Date(certificate.validTo).toISOString(), remedy })));

const firstOf = (ends: readonly End[]): End | undefined => [...ends].sort((a, b) => (a.at < b.at ? -1 : 1))[0];

/** By more than a day: issued together for as many days, a leaf ends some seconds after its authority. */
const outlives = (notAfter: string, end: End): boolean => Date.parse(notAfter) > Date.parse(end.at) + millisecondsPerDay;

const told = new WeakSet<CertificateAuthority>();

/** Once for each authority: a program may declare thousands of certificates, all for as many days. */
export function warnOfOutliving(name: string, notAfter: pulumi.Output<string>, authority: CertificateAuthority, resource: pulumi.Resource): void {
    pulumi.all([notAfter, authority.ends]).apply(([until, ends]) => {
        const end = firstOf(ends);
        if (end === undefined || !outlives(until, end) || told.has(authority)) return;
        told.add(authority);
        const sentence = `DeviceCertificate ${JSON.stringify(name)}, and perhaps others of its authority: it is valid until ${until}, and the authority ${end.subject} until ${end.at} only, from when on whoever verifies its chain refuses it`;
        void pulumi.log.warn(printable(`${sentence}; ${end.remedy}, or issue for fewer days (validityDays)`), resource);
    });
}

/** Of a batch of a fleet: certificate (DER as base64) and last moment of its validity (ISO 8601), by device. */
export type Batch = Readonly<Record<string, { readonly certificate: string; readonly notAfter: string }>>;

/** @param given names of devices whose certificates somebody else has issued */
export function warnOfOutlivingFleet(fleet: string, batches: readonly pulumi.Output<Batch>[], given: ReadonlySet<string>, authority: CertificateAuthority, resource: pulumi.Resource): void {
    const common = pulumi.all([authority.ends, authority.certificatePem]).apply(([ends, pem]) => ({ end: firstOf(ends), issuer: certificatesIn(pem, "the authority's certificate")[0]!.subject }));
    // Batch by batch, and only names from there on: what is handed on is walked through, value by value.
    const longer = batches.map(batch => batch.apply(devices => common.apply(({ end, issuer }) => (end === undefined ? [] : outliving(devices, given, end, issuer)))));
    pulumi.all([common, pulumi.all(longer)]).apply(([{ end }, found]) => {
        const names = found.flat().sort();
        if (end === undefined || names.length === 0) return;
        const some = names.slice(0, 5).map(name => JSON.stringify(name)).join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : "");
        const sentence = `fleet ${JSON.stringify(fleet)}: ${names.length} of its certificates (${some}) ${names.length === 1 ? "is" : "are"} valid for longer than the authority ${end.subject}, which ends on ${end.at}: from then on whoever verifies a chain refuses ${names.length === 1 ? "it" : "them"}`;
        void pulumi.log.warn(printable(`${sentence}; ${end.remedy}, or issue for fewer days (certificate.validityDays)`), resource);
    });
}

/** Those of an authority before this one are no matter of this one's. */
const outliving = (devices: Batch, given: ReadonlySet<string>, end: End, issuer: string): string[] =>
    Object.entries(devices)
        .filter(([name, { notAfter }]) => !given.has(name) && outlives(notAfter, end))
        .filter(([, { certificate }]) => new X509Certificate(Buffer.from(certificate, "base64")).issuer === issuer)
        .map(([name]) => name);
