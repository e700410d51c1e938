// The ways to a device's certificate: which one the arguments ask for, and what each needs.

import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { shown } from "../printable";
import { UserError } from "../userError";
import { certificatesIn, joined, requireOrder, subjectOf } from "../x509/chain";
import { leafFault } from "../x509/leaf";
import { commonNamesOf } from "../x509/names";
import { type Subject, checkRequest } from "../x509/request";
import type { CertificateAuthority } from "./certificateAuthority";
import { type Refuse, checked, plainly } from "./checked";
import type { DeviceCertificateArgs } from "./deviceCertificate";

export type Way = "self-signed" | "signed" | "request" | "given";

export function wayOf(args: DeviceCertificateArgs, fail: Refuse): Way {
    const alone = (field: "certificatePem" | "csrPem", allowed: readonly string[], why: string) => {
        const extra = Object.keys(args).find(key => !allowed.includes(key) && args[key as keyof DeviceCertificateArgs] !== undefined);
        if (extra !== undefined) fail(`${extra} and ${field} exclude each other: ${why}`);
    };
    if (args.certificatePem !== undefined) {
        alone("certificatePem", ["certificatePem", "issuersPem", "commonName"], "a certificate that exists already is taken as it is");
        return "given";
    }
    if (args.issuersPem !== undefined) fail("issuersPem is given without certificatePem: it is the chain above a certificate that exists already");
    if (args.csrPem === undefined) return args.authority ? "signed" : "self-signed";
    if (args.keyAlgorithm !== undefined) fail("keyAlgorithm and csrPem exclude each other: the device has made its key already");
    if (!args.authority) fail("csrPem is given without authority: somebody has to sign the request, so declare a CertificateAuthority");
    return "request";
}

/** The TLS provider's own names for the parts of a subject, and X.509's. */
const shortNames: Readonly<Record<string, string>> = {
    commonName: "CN",
    organization: "O",
    organizationalUnit: "OU",
    country: "C",
    province: "ST",
    locality: "L",
    streetAddresses: "2.5.4.9",
    postalCode: "2.5.4.17",
    serialNumber: "2.5.4.5",
};

/** The request as it came, once it is known to be what was declared. */
export function verifiedRequest(csrPem: pulumi.Input<string>, subject: object, fail: Refuse): pulumi.Output<string> {
    return pulumi.all([csrPem, pulumi.output(subject)]).apply(async ([pem, wanted]) => {
        const expected: Record<string, string> = {};
        for (const [key, value] of Object.entries(wanted as Readonly<Record<string, unknown>>)) expected[shortNames[key] ?? key] = String(Array.isArray(value) ? value[0] : value);
        try {
            await checkRequest(pem, expected satisfies Subject);
        } catch (error) {
            if (error instanceof UserError) return fail(`csrPem: ${error.message}`);
            throw error;
        }
        return pem;
    });
}

export function signedBy(
    authority: CertificateAuthority,
    name: string,
    args: Omit<tls.LocallySignedCertArgs, "caCertPem" | "caPrivateKeyPem">,
    opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
    return new tls.LocallySignedCert(name, { ...args, caCertPem: authority.identityPem, caPrivateKeyPem: authority.privateKeyPem }, opts).certPem;
}

/** One that exists already. That it has expired is for the resource to say that would bind it: a program must still be able to describe it. */
export function given({ certificatePem, commonName }: DeviceCertificateArgs, fail: Refuse): pulumi.Output<string> {
    const pem = checked(certificatePem!, text => {
        const fault = leafFault(text, new Date(0));
        return fault === undefined ? text : fail(`certificatePem: ${fault}`);
    });
    if (commonName === undefined) return pem;
    return pulumi.all([pem, commonName]).apply(([text, wanted]) => {
        const certificate = certificatesIn(text, "certificatePem")[0]!;
        return commonNamesOf(certificate).includes(wanted) ? text : fail(`certificatePem is for ${subjectOf(certificate)}, and commonName is ${shown(wanted)}: correct the one or the other`);
    });
}

/** Leaf first: the order in which ThingsBoard verifies. */
export function chainOf(certificatePem: pulumi.Output<string>, { authority, issuersPem }: DeviceCertificateArgs, fail: Refuse): pulumi.Output<string> {
    const above = authority?.chainPem ?? issuersPem;
    if (above === undefined) return certificatePem;
    return pulumi.all([certificatePem, above]).apply(([leaf, issuers]) =>
        plainly(fail, () => {
            const chain = [...certificatesIn(leaf, "certificatePem"), ...certificatesIn(issuers, "issuersPem")];
            requireOrder(chain, "issuersPem");
            return joined(chain);
        }),
    );
}
