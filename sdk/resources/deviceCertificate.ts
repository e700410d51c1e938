import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { millisecondsPerDay, now } from "../clock";
import { shown } from "../printable";
import { type Leaf, readLeaf } from "../x509/leaf";
import type { CertificateAuthority } from "./certificateAuthority";
import { type Refuse, checked, refuse } from "./checked";
import { chainOf, given, signedBy, verifiedRequest, wayOf } from "./deviceCertificateWays";
import { type KeyAlgorithm, keyArgs } from "./keyAlgorithm";
import { type Pair, type RenewalArgs, rotation } from "./rotation";

/** Arguments of `DeviceCertificate`. */
export interface DeviceCertificateArgs extends RenewalArgs {
    /**
     * Common name of the subject (CN), mostly the device's name: 1 to 64 characters (RFC 5280, ub-common-name). With
     * `csrPem`, the name that the request has to be for; not needed with `certificatePem`.
     */
    commonName?: pulumi.Input<string>;
    /** Signs the certificate. Without one it is self-signed. */
    authority?: CertificateAuthority;
    /**
     * Certificate request (PEM, PKCS#10) of a device that keeps its key: `authority` signs it. Its subject has to be what
     * is declared here, part by part, and its signature is verified.
     */
    csrPem?: pulumi.Input<string>;
    /** A certificate that exists already (one PEM block): nothing is issued, it is checked and described. */
    certificatePem?: pulumi.Input<string>;
    /** With `certificatePem`: the certificates above it, its issuer first and the root last. */
    issuersPem?: pulumi.Input<string>;
    /**
     * Kind of the key. RSA 4096 takes seconds to make, and each of its handshakes costs a device more.
     * @default "EC_P256"
     */
    keyAlgorithm?: KeyAlgorithm;
    /**
     * Days from the moment of issue until the certificate expires: a whole number above 0.
     * @default 365
     */
    validityDays?: pulumi.Input<number>;
    /**
     * Any values: key and certificate are issued anew when one of them changes, as after a theft. (The certificate alone
     * with `rotationPolicy: "keepKey"`, and for a request.)
     */
    triggers?: pulumi.Input<pulumi.Input<unknown>[]>;
    /** O of the subject. */
    organization?: pulumi.Input<string>;
    /** OU of the subject. */
    organizationalUnit?: pulumi.Input<string>;
    /** C of the subject: two letters (ISO 3166). */
    country?: pulumi.Input<string>;
    /** ST of the subject. */
    province?: pulumi.Input<string>;
    /** L of the subject. */
    locality?: pulumi.Input<string>;
    /** STREET of the subject. */
    streetAddress?: pulumi.Input<string>;
    /** postalCode of the subject. */
    postalCode?: pulumi.Input<string>;
    /** serialNumber of the subject: the device's, not the certificate's. */
    subjectSerialNumber?: pulumi.Input<string>;
}

/**
 * The certificate of one device, in one of four ways that the arguments tell apart:
 *
 * ```ts
 * // a new key, self-signed, as ThingsBoard's guide makes them by hand
 * const certificate = new tb.DeviceCertificate("pump-1", { commonName: "pump-1" });
 * // a new key, signed by an authority
 * new tb.DeviceCertificate("pump-2", { commonName: "pump-2", authority });
 * // the device made its key, and sent a request
 * new tb.DeviceCertificate("pump-3", { commonName: "pump-3", csrPem, authority });
 * // somebody else issues
 * new tb.DeviceCertificate("pump-4", { certificatePem });
 * ```
 *
 * In the first two the key is made by `@pulumi/tls` and is in the stack's state, encrypted; in the other two nobody but
 * the device has it. What is issued is an end entity's certificate (CA:FALSE) for digital signatures and TLS clients,
 * signed with SHA-256 (by an EC P-384 key: SHA-384, as the TLS provider signs with it). Every argument that goes into it
 * issues a new certificate when it changes; `keyAlgorithm` a new key too.
 *
 * A device holds its pair outside of Pulumi's reach, so nothing is renewed unless `renewal` says how:
 *
 * ```ts
 * new tb.DeviceCertificate("pump-1", { commonName: "pump-1", renewal: "staged", renewBeforeDays: 45, activateBeforeDays: 15 });
 * ```
 *
 * What falls due shows in `pulumi preview` and is done by `pulumi up`; a refresh alone renews nothing.
 */
export class DeviceCertificate extends pulumi.ComponentResource {
    /** The certificate: one PEM block. */
    readonly certificatePem: pulumi.Output<string>;
    /** The certificate and those above it, the root last: what a device presents under a chain profile. Without an authority the certificate alone. */
    readonly chainPem: pulumi.Output<string>;
    /** SHA-256 of the certificate as `openssl x509 -fingerprint -sha256` prints it. */
    readonly fingerprint: pulumi.Output<string>;
    /** SHA3-256 of the certificate, by which ThingsBoard knows it (lower-case hex). */
    readonly credentialsId: pulumi.Output<string>;
    /** Serial number of the certificate (upper-case hex). */
    readonly serialNumber: pulumi.Output<string>;
    /** First moment of its validity (ISO 8601). */
    readonly notBefore: pulumi.Output<string>;
    /** Last moment of its validity (ISO 8601). */
    readonly notAfter: pulumi.Output<string>;
    /** @internal Undefined where the device made its key itself. */
    readonly key: pulumi.Output<string> | undefined;
    /** @internal False where somebody else issued it. */
    readonly issuedHere: boolean;
    private readonly declaredAs: string;

    /** The next certificate, once it is made and not yet bound (`renewal: "staged"`). */
    readonly nextCertificatePem: pulumi.Output<string | undefined>;
    /** The next certificate and those above it, the root last. */
    readonly nextChainPem: pulumi.Output<string | undefined>;
    /** The key of the next certificate. Secret. */
    readonly nextPrivateKeyPem: pulumi.Output<string | undefined>;
    /** @internal Whether a next pair is ever made (`renewal: "staged"`). */
    readonly staged: boolean;
    /** Whether the certificate is within `renewBeforeDays` of its end, or past it, as of now. */
    readonly renewalDue: pulumi.Output<boolean>;

    constructor(name: string, args: DeviceCertificateArgs, opts?: pulumi.ComponentResourceOptions) {
        super("thingsboard:index:DeviceCertificate", name, {}, opts);
        this.declaredAs = name;
        const fail = refuse("DeviceCertificate", name);
        const way = wayOf(args, fail);
        const issued = way === "given" ? { certificatePem: given(args, fail), ...neverRenewed } : this.issued(name, args, fail);
        const leaf = <Field>(field: (leaf: Leaf) => Field) => issued.certificatePem.apply(pem => field(readLeaf(pem)));
        this.issuedHere = way !== "given";
        this.certificatePem = issued.certificatePem;
        this.chainPem = chainOf(issued.certificatePem, args, fail);
        this.key = issued.privateKeyPem && pulumi.secret(issued.privateKeyPem);
        this.fingerprint = leaf(({ fingerprint }) => fingerprint);
        this.credentialsId = leaf(({ credentialsId }) => credentialsId);
        this.serialNumber = leaf(({ serialNumber }) => serialNumber);
        this.notBefore = leaf(({ notBefore }) => notBefore.toISOString());
        this.notAfter = leaf(({ notAfter }) => notAfter.toISOString());
        const { next } = issued;
        this.staged = next !== undefined;
        this.nextCertificatePem = next?.certificatePem ?? pulumi.output(undefined);
        this.nextChainPem = this.nextCertificatePem.apply(pem => (pem === undefined ? pulumi.output<string | undefined>(undefined) : chainOf(pulumi.output(pem), args, fail)));
        this.nextPrivateKeyPem = next?.privateKeyPem ? pulumi.secret(next.privateKeyPem) : pulumi.output(undefined);
        this.renewalDue = pulumi
            .all([this.notAfter, issued.renewBeforeDays])
            .apply(([notAfter, days]) => now().getTime() >= Date.parse(notAfter) - days * millisecondsPerDay);
        // Registered outputs would store certificate and key once more.
        this.registerOutputs({});
    }

    /** Key and certificate, or, for the device's own request, the certificate alone; with their renewal. */
    private issued(name: string, args: DeviceCertificateArgs, fail: Refuse) {
        const { authority, csrPem, rotationPolicy, keyAlgorithm = "EC_P256" } = args;
        const { subject, validityDays } = checkArgs(args, fail);
        const parent = this;
        const request = csrPem === undefined ? undefined : verifiedRequest(csrPem, subject, fail);
        if (request && rotationPolicy !== undefined) fail("rotationPolicy and csrPem exclude each other: the device has its key, and a new key comes with a new request");
        const keptKey = request === undefined && rotationPolicy === "keepKey" ? new tls.PrivateKey(name, keyArgs[keyAlgorithm], { parent }) : undefined;
        const content = { validityPeriodHours: validityDays.apply(days => days * 24), allowedUses: ["digital_signature", "client_auth"], isCaCertificate: false, setSubjectKeyId: true };
        const known = args.validityDays === undefined ? 365 : typeof args.validityDays === "number" ? args.validityDays : validityDays;
        const issuedFrom = { subject, validityDays, keyAlgorithm, ...(args.triggers === undefined ? {} : { triggers: args.triggers }) };
        return rotation(name, this, args, known, issuedFrom, fail, (slot, triggers): Pair => {
            const opts = { parent, replacementTrigger: triggers.certificate };
            if (request) return { certificatePem: signedBy(authority!, slot, { certRequestPem: request, ...content }, opts), privateKeyPem: undefined };
            const key = keptKey ?? new tls.PrivateKey(slot, keyArgs[keyAlgorithm], { parent, replacementTrigger: triggers.key });
            const { privateKeyPem, privateKeyPemPkcs8 } = key;
            if (!authority) return { certificatePem: new tls.SelfSignedCert(slot, { privateKeyPem, subject, ...content }, opts).certPem, privateKeyPem: privateKeyPemPkcs8 };
            const { certRequestPem } = new tls.CertRequest(slot, { privateKeyPem, subject }, { parent });
            return { certificatePem: signedBy(authority, slot, { certRequestPem, ...content }, opts), privateKeyPem: privateKeyPemPkcs8 };
        });
    }

    /**
     * The private key (PEM, PKCS#8). Secret.
     * @throws RunError where the device made its key itself (`csrPem`, `certificatePem`): it is nowhere but there.
     */
    get privateKeyPem(): pulumi.Output<string> {
        return this.key ?? refuse("DeviceCertificate", this.declaredAs)("its key is on the device alone, and is not known here (csrPem, certificatePem): leave out what needs it, or use PublishCheck with mode \"observe\"");
    }
}

/** Somebody else's certificate is somebody else's to renew. */
const neverRenewed = {
    privateKeyPem: undefined,
    renewBeforeDays: pulumi.output(30),
    next: undefined,
};

const maxCommonName = 64;

function checkArgs(args: DeviceCertificateArgs, fail: Refuse) {
    if (args.keyAlgorithm !== undefined && !Object.hasOwn(keyArgs, args.keyAlgorithm)) {
        fail(`keyAlgorithm is ${shown(args.keyAlgorithm)}: expected one of ${Object.keys(keyArgs).join(", ")}`);
    }
    const commonName = checked(args.commonName ?? "", value => {
        if (typeof value !== "string" || value.trim() === "") return fail("commonName is blank: expected 1 to 64 characters, mostly the device's name");
        if ([...value].length > maxCommonName) return fail(`commonName has ${[...value].length} characters: X.509 allows at most ${maxCommonName} (RFC 5280)`);
        return value;
    });
    const validityDays = checked(args.validityDays ?? 365, value =>
        Number.isInteger(value) && value > 0 && value <= 36_500 ? value : fail(`validityDays is ${shown(value)}: expected a whole number of days, 1 to 36500`),
    );
    const country = args.country === undefined ? undefined : checked(args.country, value => (/^[A-Z]{2}$/.test(value) ? value : fail(`country is ${shown(value)}: expected two capital letters (ISO 3166)`)));
    const { organization, organizationalUnit, province, locality, streetAddress, postalCode, subjectSerialNumber } = args;
    return {
        validityDays,
        subject: {
            commonName,
            ...(organization === undefined ? {} : { organization }),
            ...(organizationalUnit === undefined ? {} : { organizationalUnit }),
            ...(country === undefined ? {} : { country }),
            ...(province === undefined ? {} : { province }),
            ...(locality === undefined ? {} : { locality }),
            ...(streetAddress === undefined ? {} : { streetAddresses: [streetAddress] }),
            ...(postalCode === undefined ? {} : { postalCode }),
            ...(subjectSerialNumber === undefined ? {} : { serialNumber: subjectSerialNumber }),
        },
    };
}
