// The ways to an authority: a new root, one that exists, an intermediate below either.

import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { now } from "../clock";
import { shown } from "../printable";
import { certificatesIn, joined, readAuthority, requireOrder, requirePair, requireSigning } from "../x509/chain";
import { type AuthorityRenewalArgs, ownIssuing, usualDays, warnOfEnd } from "./authorityRenewal";
import type { CertificateAuthorityArgs, IntermediateAuthorityArgs } from "./certificateAuthority";
import { type Refuse, checked, plainly } from "./checked";
import { type KeyAlgorithm, keyArgs } from "./keyAlgorithm";
import { type End, endsOf } from "./outliving";

/** An authority that can sign. */
export interface Signing {
    readonly certificatePem: pulumi.Output<string>;
    /**
     * What the TLS provider signs with. A change of it issues anew all that was signed, although nothing goes into that but
     * the authority's name and the identifier of its key. So where the key is ours this is a certificate that is never
     * renewed and given to nobody, with the same name and key as the one that is.
     */
    readonly identityPem: pulumi.Output<string>;
    readonly privateKeyPem: pulumi.Output<string>;
    /** Above it; empty for a root. */
    readonly issuersPem: pulumi.Output<string>;
    /** Of this one and those above it, where none is renewed in time. */
    readonly ends: pulumi.Output<readonly End[]>;
}

const content = { allowedUses: ["cert_signing", "crl_signing", "digital_signature"], isCaCertificate: true, setSubjectKeyId: true };

/** As long as X.509 and the TLS provider's arithmetic allow: the provider issues anew what has expired. */
const forEver = 36_500 * 24;

export function newRoot(name: string, args: CertificateAuthorityArgs, parent: pulumi.Resource, fail: Refuse): Signing {
    for (const key of ["privateKeyPem", "issuersPem"] as const) if (args[key] !== undefined) fail(`${key} is given without certificatePem: give the existing authority's certificate too`);
    const kept = keptKey(name, args.keyAlgorithm, "", subjectOfArgs("commonName", args.commonName, args, fail), parent, fail);
    const { subject, privateKeyPem } = kept;
    const { validityPeriodHours, generation, renewBeforeDays } = ownIssuing(name, parent, args, "", args.validityDays ?? 3650, { subject, keyAlgorithm: args.keyAlgorithm }, fail);
    const root = new tls.SelfSignedCert(
        name,
        { ...content, privateKeyPem, subject, validityPeriodHours, maxPathLength: args.intermediate ? 1 : 0 },
        { parent, replacementTrigger: generation },
    );
    if (args.renewal !== "immediate") warnOfEnd(root.certPem, renewBeforeDays, remedyFor(""), parent);
    return { ...kept, certificatePem: root.certPem, issuersPem: pulumi.output(""), ends: ownEnds(root.certPem, args, "") };
}

export function existing(args: CertificateAuthorityArgs, parent: pulumi.Resource, fail: Refuse): Signing {
    const { certificatePem, privateKeyPem, issuersPem } = args;
    if (certificatePem === undefined || privateKeyPem === undefined) return fail("certificatePem is given without privateKeyPem, and signs nothing without it (DeviceProfile and DeviceCertificate with certificatePem need no key)");
    for (const key of ["renewal", "renewBeforeDays"] as const) if (args[key] !== undefined) fail(`${key} and certificatePem exclude each other: an existing authority is renewed where it was made`);
    for (const key of ["commonName", "organization", "country", "keyAlgorithm", "validityDays"] as const) {
        if (args[key] !== undefined && !(args.intermediate && (key === "organization" || key === "country"))) fail(`${key} and certificatePem exclude each other: an existing authority has its own`);
    }
    const certificate = checked(certificatePem, pem => plainly(fail, () => (requireSigning(readAuthority(pem, "certificatePem", now()), "certificatePem"), pem)));
    // Only values that are known are looked at; the rest is looked at when the deployment runs.
    const key = pulumi.all([pulumi.secret(privateKeyPem), certificate]).apply(([text, pem]) => plainly(fail, () => (requirePair(certificatesIn(pem, "certificatePem")[0]!, text, "privateKeyPem"), text)));
    const issuers = issuersPem === undefined ? pulumi.output("") : pulumi.all([issuersPem, certificate]).apply(([text, pem]) => plainly(fail, () => {
        const above = certificatesIn(text, "issuersPem");
        requireOrder([...certificatesIn(pem, "certificatePem"), ...above], "issuersPem");
        return joined(above);
    }));
    warnOfEnd(certificate, usualDays, "give its renewed certificate, or declare its successor beside it and move devices and profiles to that", parent);
    const ends = endsOf(pulumi.concat(certificate, issuers), "give the authority's renewed certificate before");
    return { certificatePem: certificate, identityPem: certificate, privateKeyPem: key, issuersPem: issuers, ends };
}

export function intermediateBelow(top: Signing, name: string, args: IntermediateAuthorityArgs, above: CertificateAuthorityArgs, parent: pulumi.Resource, fail: Refuse): Signing {
    const named = `${name}-intermediate`;
    const kept = keptKey(named, args.keyAlgorithm, "intermediate.", subjectOfArgs("intermediate.commonName", args.commonName, above, fail), parent, fail);
    const { subject, privateKeyPem } = kept;
    const { validityPeriodHours, generation, renewBeforeDays } = ownIssuing(named, parent, args, "intermediate.", args.validityDays ?? 1825, { subject, keyAlgorithm: args.keyAlgorithm }, fail);
    const request = new tls.CertRequest(named, { privateKeyPem, subject }, { parent });
    const signed = new tls.LocallySignedCert(
        named,
        { ...content, certRequestPem: request.certRequestPem, caCertPem: top.identityPem, caPrivateKeyPem: top.privateKeyPem, validityPeriodHours, maxPathLength: 0 },
        { parent, replacementTrigger: generation },
    );
    if (args.renewal !== "immediate") warnOfEnd(signed.certPem, renewBeforeDays, remedyFor("intermediate."), parent);
    const issuersPem = pulumi.all([top.certificatePem, top.issuersPem]).apply(([certificate, issuers]) => joined(certificatesIn(certificate + issuers, "the authority's chain")));
    const ends = pulumi.all([ownEnds(signed.certPem, args, "intermediate."), top.ends]).apply(([own, above]) => [...own, ...above]);
    return { ...kept, certificatePem: signed.certPem, issuersPem, ends };
}

/** One that is renewed for its key has no end that its certificates would feel. */
const ownEnds = (certificatePem: pulumi.Output<string>, { renewal }: AuthorityRenewalArgs, where: string): pulumi.Output<readonly End[]> =>
    renewal === "immediate" ? pulumi.output([]) : endsOf(certificatePem, `set ${where}renewal: "immediate" on the authority, which renews it in time for the same key and changes no certificate below it`);

type Subject = ReturnType<typeof subjectOfArgs>;

/** A new key, and what signs with it. */
function keptKey(name: string, algorithm: KeyAlgorithm | undefined, where: string, subject: Subject, parent: pulumi.Resource, fail: Refuse) {
    const keyAlgorithm = keyArgs[algorithm ?? "EC_P256"] ?? fail(`${where}keyAlgorithm is ${shown(algorithm)}: expected one of ${Object.keys(keyArgs).join(", ")}`);
    const { privateKeyPem } = new tls.PrivateKey(name, keyAlgorithm, { parent });
    const identity = new tls.SelfSignedCert(`${name}-identity`, { ...content, privateKeyPem, subject, validityPeriodHours: forEver }, { parent });
    return { subject, privateKeyPem, identityPem: identity.certPem };
}

const remedyFor = (where: string): string =>
    `set ${where}renewal: "immediate", which issues it anew for the same key and changes no device's certificate, or declare its successor beside it and move devices and profiles to that`;

function subjectOfArgs(field: string, commonName: pulumi.Input<string> | undefined, { organization, country }: Pick<CertificateAuthorityArgs, "organization" | "country">, fail: Refuse) {
    return {
        commonName: checked(commonName ?? "", text => (typeof text === "string" && text.trim() !== "" && [...text].length <= 64 ? text : fail(`${field} is ${shown(text)}: expected 1 to 64 characters (RFC 5280)`))),
        ...(organization === undefined ? {} : { organization }),
        ...(country === undefined ? {} : { country: checked(country, text => (/^[A-Z]{2}$/.test(text) ? text : fail(`country is ${shown(text)}: expected two capital letters (ISO 3166)`))) }),
    };
}
