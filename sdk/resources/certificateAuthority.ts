import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { millisecondsPerDay, now } from "../clock";
import { certificatesIn, joined, readAuthority, requireOrder, requirePair, subjectOf } from "../x509/chain";
import { type Refuse, checked, plainly, refuse } from "./checked";
import { type KeyAlgorithm, keyArgs } from "./keyAlgorithm";

/** Arguments of `CertificateAuthority`. */
export interface CertificateAuthorityArgs {
    /** Common name (CN) of the root, unless an existing authority is given. 1 to 64 characters. */
    commonName?: pulumi.Input<string>;
    /** O of the subject. */
    organization?: pulumi.Input<string>;
    /** C of the subject: two letters (ISO 3166). */
    country?: pulumi.Input<string>;
    /** @default "EC_P256" */
    keyAlgorithm?: KeyAlgorithm;
    /**
     * Days from the moment of issue until the root expires: a whole number above 0.
     * @default 3650
     */
    validityDays?: pulumi.Input<number>;
    /**
     * An intermediate authority below the root: it signs the devices' certificates, and the root signs nothing else. The
     * root's key can then be taken out of the stack.
     */
    intermediate?: IntermediateAuthorityArgs;
    /** An existing authority's certificate (one PEM block), instead of a new root. */
    certificatePem?: pulumi.Input<string>;
    /** The key of `certificatePem` (PEM, without a passphrase). Stored as a secret. */
    privateKeyPem?: pulumi.Input<string>;
    /** The certificates above `certificatePem`, its issuer first and the root last; none for a root. */
    issuersPem?: pulumi.Input<string>;
}

/** An authority that is made below another one, and signs in its place. */
export interface IntermediateAuthorityArgs {
    /** Common name (CN) of the intermediate: 1 to 64 characters, another one than the root's. */
    commonName: pulumi.Input<string>;
    /** @default "EC_P256" */
    keyAlgorithm?: KeyAlgorithm;
    /**
     * Days from the moment of issue until it expires.
     * @default 1825
     */
    validityDays?: pulumi.Input<number>;
}

/**
 * A certificate authority of your own, for `DeviceCertificate` to sign with and for `DeviceProfile` to believe.
 *
 * ```ts
 * const authority = new tb.CertificateAuthority("factory", {
 *     commonName: "Acme factory root",
 *     intermediate: { commonName: "Acme factory devices" },
 * });
 * const certificate = new tb.DeviceCertificate("pump-1", { commonName: "pump-1", authority });
 * ```
 *
 * Made by `@pulumi/tls`: the keys are in the stack's state, encrypted. An existing authority comes in with
 * `certificatePem` and `privateKeyPem`, and may have an `intermediate` made below it.
 *
 * An authority is not renewed in place: all that it signed would have to be issued anew, and delivered, in the same
 * moment. Declare its successor beside it, let devices move to that one by one (`authority: successor` issues a new
 * certificate), and remove the old one at last. Directly bound certificates go on working all the while, since
 * ThingsBoard looks at the leaf alone. A device profile has one anchor: from the moment that it holds the successor, new
 * devices enrol with certificates of the successor only, and those that enrolled before go on. `pulumi preview` warns 90
 * days before an authority expires.
 */
export class CertificateAuthority extends pulumi.ComponentResource {
    /** The certificate that signs: of the intermediate, or else of the root. What a `DeviceProfile` wants. */
    readonly certificatePem: pulumi.Output<string>;
    /** The certificate that signs and those above it, the root last. */
    readonly chainPem: pulumi.Output<string>;
    /** The certificates above `certificatePem`, the root last; empty for a root. */
    readonly issuersPem: pulumi.Output<string>;
    /** The key of `certificatePem` (PEM). Secret. */
    readonly privateKeyPem: pulumi.Output<string>;
    /** SHA-256 of `certificatePem` as `openssl x509 -fingerprint -sha256` prints it. */
    readonly fingerprint: pulumi.Output<string>;
    /** Last moment of the validity of `certificatePem` (ISO 8601). */
    readonly notAfter: pulumi.Output<string>;

    constructor(name: string, args: CertificateAuthorityArgs, opts?: pulumi.ComponentResourceOptions) {
        super("thingsboard:index:CertificateAuthority", name, {}, opts);
        const fail = refuse("CertificateAuthority", name);
        const top = args.certificatePem === undefined ? newRoot(name, args, this, fail) : existing(args, fail);
        const signing = args.intermediate ? intermediateBelow(top, name, args.intermediate, args, this, fail) : top;
        this.certificatePem = signing.certificatePem;
        this.issuersPem = signing.issuersPem;
        this.privateKeyPem = pulumi.secret(signing.privateKeyPem);
        this.chainPem = pulumi.all([signing.certificatePem, signing.issuersPem]).apply(([certificate, issuers]) => joined(certificatesIn(certificate + issuers, "the authority's chain")));
        const read = this.certificatePem.apply(pem => certificatesIn(pem, "the authority's certificate")[0]!);
        this.fingerprint = read.apply(({ fingerprint256 }) => fingerprint256);
        this.notAfter = read.apply(certificate => {
            const notAfter = new Date(certificate.validTo);
            const days = Math.floor((notAfter.getTime() - now().getTime()) / millisecondsPerDay);
            if (days < 90) void pulumi.log.warn(`the authority ${subjectOf(certificate)} ${days < 0 ? "expired" : "expires"} on ${notAfter.toISOString()} (in ${days} days): declare its successor beside it, and move devices and profiles to that`, this);
            return notAfter.toISOString();
        });
        // Registered outputs would store certificates and key once more.
        this.registerOutputs({});
    }
}

/** An authority that can sign. */
interface Signing {
    readonly certificatePem: pulumi.Output<string>;
    readonly privateKeyPem: pulumi.Output<string>;
    /** Above it; empty for a root. */
    readonly issuersPem: pulumi.Output<string>;
}

const uses = ["cert_signing", "crl_signing", "digital_signature"];

function newRoot(name: string, args: CertificateAuthorityArgs, parent: pulumi.Resource, fail: Refuse): Signing {
    for (const key of ["privateKeyPem", "issuersPem"] as const) if (args[key] !== undefined) fail(`${key} is given without certificatePem: give the existing authority's certificate too`);
    const key = new tls.PrivateKey(name, keyOf("keyAlgorithm", args.keyAlgorithm, fail), { parent });
    const root = new tls.SelfSignedCert(
        name,
        {
            privateKeyPem: key.privateKeyPem,
            subject: subject("commonName", args.commonName, args, fail),
            validityPeriodHours: hours("validityDays", args.validityDays ?? 3650, fail),
            allowedUses: uses,
            isCaCertificate: true,
            maxPathLength: args.intermediate ? 1 : 0,
            setSubjectKeyId: true,
        },
        { parent },
    );
    return { certificatePem: root.certPem, privateKeyPem: key.privateKeyPem, issuersPem: pulumi.output("") };
}

function existing(args: CertificateAuthorityArgs, fail: Refuse): Signing {
    const { certificatePem, privateKeyPem, issuersPem } = args;
    if (certificatePem === undefined || privateKeyPem === undefined) return fail("certificatePem is given without privateKeyPem, and signs nothing without it (DeviceProfile and DeviceCertificate with certificatePem need no key)");
    for (const key of ["commonName", "organization", "country", "keyAlgorithm", "validityDays"] as const) {
        if (args[key] !== undefined && !(args.intermediate && (key === "organization" || key === "country"))) fail(`${key} and certificatePem exclude each other: an existing authority has its own`);
    }
    const certificate = checked(certificatePem, pem => plainly(fail, () => (readAuthority(pem, "certificatePem", now()), pem)));
    // Only values that are known are looked at; the rest is looked at when the deployment runs.
    const key = pulumi.all([pulumi.secret(privateKeyPem), certificate]).apply(([text, pem]) => plainly(fail, () => (requirePair(certificatesIn(pem, "certificatePem")[0]!, text, "privateKeyPem"), text)));
    const issuers = issuersPem === undefined ? pulumi.output("") : pulumi.all([issuersPem, certificate]).apply(([text, pem]) => plainly(fail, () => {
        const above = certificatesIn(text, "issuersPem");
        requireOrder([...certificatesIn(pem, "certificatePem"), ...above], "issuersPem");
        return joined(above);
    }));
    return { certificatePem: certificate, privateKeyPem: key, issuersPem: issuers };
}

function intermediateBelow(top: Signing, name: string, args: IntermediateAuthorityArgs, { organization, country }: CertificateAuthorityArgs, parent: pulumi.Resource, fail: Refuse): Signing {
    const named = `${name}-intermediate`;
    const key = new tls.PrivateKey(named, keyOf("intermediate.keyAlgorithm", args.keyAlgorithm, fail), { parent });
    const subjects = subject("intermediate.commonName", args.commonName, { ...(organization === undefined ? {} : { organization }), ...(country === undefined ? {} : { country }) }, fail);
    const request = new tls.CertRequest(named, { privateKeyPem: key.privateKeyPem, subject: subjects }, { parent });
    const signed = new tls.LocallySignedCert(
        named,
        {
            certRequestPem: request.certRequestPem,
            caCertPem: top.certificatePem,
            caPrivateKeyPem: top.privateKeyPem,
            validityPeriodHours: hours("intermediate.validityDays", args.validityDays ?? 1825, fail),
            allowedUses: uses,
            isCaCertificate: true,
            maxPathLength: 0,
            setSubjectKeyId: true,
        },
        { parent },
    );
    const issuersPem = pulumi.all([top.certificatePem, top.issuersPem]).apply(([certificate, above]) => joined(certificatesIn(certificate + above, "the authority's chain")));
    return { certificatePem: signed.certPem, privateKeyPem: key.privateKeyPem, issuersPem };
}

function keyOf(field: string, algorithm: KeyAlgorithm | undefined, fail: Refuse): tls.PrivateKeyArgs {
    const found = keyArgs[algorithm ?? "EC_P256"];
    return found ?? fail(`${field} is ${JSON.stringify(algorithm)}: expected one of ${Object.keys(keyArgs).join(", ")}`);
}

function subject(field: string, commonName: pulumi.Input<string> | undefined, { organization, country }: Pick<CertificateAuthorityArgs, "organization" | "country">, fail: Refuse) {
    return {
        commonName: checked(commonName ?? "", text => (typeof text === "string" && text.trim() !== "" && [...text].length <= 64 ? text : fail(`${field} is ${JSON.stringify(text)}: expected 1 to 64 characters (RFC 5280)`))),
        ...(organization === undefined ? {} : { organization }),
        ...(country === undefined ? {} : { country: checked(country, text => (/^[A-Z]{2}$/.test(text) ? text : fail(`country is ${JSON.stringify(text)}: expected two capital letters (ISO 3166)`))) }),
    };
}

function hours(field: string, days: pulumi.Input<number>, fail: Refuse): pulumi.Output<number> {
    return checked(days, value => (Number.isInteger(value) && value > 0 && value <= 36_500 ? value : fail(`${field} is ${JSON.stringify(value)}: expected a whole number of days, 1 to 36500`))).apply(value => value * 24);
}
