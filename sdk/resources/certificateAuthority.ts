import * as pulumi from "@pulumi/pulumi";
import { certificatesIn, joined } from "../x509/chain";
import type { AuthorityRenewalArgs } from "./authorityRenewal";
import { existing, intermediateBelow, newRoot } from "./certificateAuthorityWays";
import { refuse } from "./checked";
import type { KeyAlgorithm } from "./keyAlgorithm";
import type { End } from "./outliving";

/** `renewal` and `renewBeforeDays` are those of the root; not for an existing authority, which is renewed where it was made. */
export interface CertificateAuthorityArgs extends AuthorityRenewalArgs {
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
     * An intermediate authority below the root: it signs the devices' certificates, and the root signs nothing else.
     */
    intermediate?: IntermediateAuthorityArgs;
    /** An existing authority's certificate (one PEM block), instead of a new root. */
    certificatePem?: pulumi.Input<string>;
    /** The key of `certificatePem` (PEM, without a passphrase). Stored as a secret. */
    privateKeyPem?: pulumi.Input<string>;
    /** The certificates above `certificatePem`, its issuer first and the root last; none for a root. */
    issuersPem?: pulumi.Input<string>;
}

/** `renewal` and `renewBeforeDays` are those of the intermediate. */
export interface IntermediateAuthorityArgs extends AuthorityRenewalArgs {
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
 * **When it comes to its end.** `pulumi preview` warns from `renewBeforeDays` before. With `renewal: "immediate"` its
 * certificate is then issued anew for the same key and the same name; a root and its intermediate each have their own
 * `renewal`. No device's certificate changes, and none is bound anew: a certificate refers to its issuer by the name and
 * the key. What changes is what is given out here, `certificatePem` and `chainPem`:
 *
 * - A `DeviceProfile` that holds the authority is updated in place. Devices that are bound go on, with the chain that
 *   they have. One that enrols for the first time, or with a new certificate, has to present the chain as it is now:
 *   ThingsBoard looks in it for exactly the certificate that the profile holds. So renew the root at any time where the
 *   profile holds an intermediate, and deliver `chainPem` where it holds what was renewed.
 * - Whoever else verifies against the root needs the new one before the old one has expired. Both verify everything.
 *
 * A new *key* is another authority: declare its successor beside it, let devices move to that one by one (`authority:
 * successor` issues a new certificate), and remove the old one at last. Directly bound certificates go on working all the
 * while, since ThingsBoard looks at the leaf alone. A device profile has one anchor: from the moment that it holds the
 * successor, new devices enrol with certificates of the successor only, and those that enrolled before go on.
 *
 * An existing authority is renewed where it was made. Its renewed certificate, given in the old one's place, issues anew
 * all that it signed itself: with an `intermediate` below it that is the intermediate's certificate, and no device's.
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
    /** @internal What the TLS provider signs with: stays as it is when the authority is renewed. */
    readonly identityPem: pulumi.Output<string>;
    /** @internal Of it and those above it, where none is renewed in time. */
    readonly ends: pulumi.Output<readonly End[]>;

    constructor(name: string, args: CertificateAuthorityArgs, opts?: pulumi.ComponentResourceOptions) {
        super("thingsboard:index:CertificateAuthority", name, {}, opts);
        const fail = refuse("CertificateAuthority", name);
        const top = args.certificatePem === undefined ? newRoot(name, args, this, fail) : existing(args, this, fail);
        const signing = args.intermediate ? intermediateBelow(top, name, args.intermediate, args, this, fail) : top;
        this.certificatePem = signing.certificatePem;
        this.issuersPem = signing.issuersPem;
        this.privateKeyPem = pulumi.secret(signing.privateKeyPem);
        this.chainPem = pulumi.all([signing.certificatePem, signing.issuersPem]).apply(([certificate, issuers]) => joined(certificatesIn(certificate + issuers, "the authority's chain")));
        const read = this.certificatePem.apply(pem => certificatesIn(pem, "the authority's certificate")[0]!);
        this.fingerprint = read.apply(({ fingerprint256 }) => fingerprint256);
        this.notAfter = read.apply(({ validTo }) => new Date(validTo).toISOString());
        this.identityPem = signing.identityPem;
        this.ends = signing.ends;
        // Registered outputs would store certificates and key once more.
        this.registerOutputs({});
    }
}
