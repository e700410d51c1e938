import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { millisecondsPerDay, now } from "../clock";
import { type Leaf, readLeaf } from "../x509/leaf";
import { type RenewalArgs, rotation } from "./rotation";

/** Keys that ThingsBoard's guide uses (EC P-256, RSA 4096) and their neighbours. */
export type KeyAlgorithm = "EC_P256" | "EC_P384" | "RSA_2048" | "RSA_3072" | "RSA_4096";

export interface DeviceCertificateArgs extends RenewalArgs {
    /** Common name of the subject (CN), mostly the device's name: 1 to 64 characters (RFC 5280, ub-common-name). */
    commonName: pulumi.Input<string>;
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
 * A private key and a self-signed certificate for one device, as ThingsBoard's guide makes them by hand.
 *
 * ```ts
 * const certificate = new tb.DeviceCertificate("pump-1", { commonName: "pump-1" });
 * ```
 *
 * Made by `@pulumi/tls`: the key is in the stack's state, encrypted. The certificate is an end entity's (CA:FALSE) for
 * digital signatures and TLS clients, signed with SHA-256 (EC P-384: SHA-384, as the TLS provider signs with it). Every
 * argument that goes into it issues a new certificate when it changes; `keyAlgorithm` a new key too.
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
    /** The private key (PEM, PKCS#8). Secret. */
    readonly privateKeyPem: pulumi.Output<string>;
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

    /** The next certificate, once it is made and not yet bound (`renewal: "staged"`). */
    readonly nextCertificatePem: pulumi.Output<string | undefined>;
    /** The key of the next certificate. Secret. */
    readonly nextPrivateKeyPem: pulumi.Output<string | undefined>;
    /** Whether the certificate is within `renewBeforeDays` of its end, or past it, as of now. */
    readonly renewalDue: pulumi.Output<boolean>;

    constructor(name: string, args: DeviceCertificateArgs, opts?: pulumi.ComponentResourceOptions) {
        super("thingsboard:index:DeviceCertificate", name, {}, opts);
        const { subject, validityDays } = checkArgs(name, args);
        const keyAlgorithm = args.keyAlgorithm ?? "EC_P256";
        const keepKey = args.rotationPolicy === "keepKey" ? new tls.PrivateKey(name, keyArgs[keyAlgorithm], { parent: this }) : undefined;
        const issued = rotation(name, this, args, validityDays, { subject, validityDays, keyAlgorithm }, (slot, triggers) => {
            const key = keepKey ?? new tls.PrivateKey(slot, keyArgs[keyAlgorithm], { parent: this, replacementTrigger: triggers.key });
            const certificate = new tls.SelfSignedCert(
                slot,
                {
                    privateKeyPem: key.privateKeyPem,
                    subject,
                    validityPeriodHours: pulumi.output(validityDays).apply(days => days * 24),
                    allowedUses: ["digital_signature", "client_auth"],
                    isCaCertificate: false,
                    setSubjectKeyId: true,
                },
                { parent: this, replacementTrigger: triggers.certificate },
            );
            return { certificatePem: certificate.certPem, privateKeyPem: key.privateKeyPemPkcs8 };
        });
        const leaf = <Field>(field: (leaf: Leaf) => Field) => issued.certificatePem.apply(pem => field(readLeaf(pem)));
        this.certificatePem = issued.certificatePem;
        this.privateKeyPem = pulumi.secret(issued.privateKeyPem);
        this.fingerprint = leaf(({ fingerprint }) => fingerprint);
        this.credentialsId = leaf(({ credentialsId }) => credentialsId);
        this.serialNumber = leaf(({ serialNumber }) => serialNumber);
        this.notBefore = leaf(({ notBefore }) => notBefore.toISOString());
        this.notAfter = leaf(({ notAfter }) => notAfter.toISOString());
        this.nextCertificatePem = issued.next.certificatePem;
        this.nextPrivateKeyPem = pulumi.secret(issued.next.privateKeyPem);
        this.renewalDue = pulumi
            .all([this.notAfter, issued.renewBeforeDays])
            .apply(([notAfter, days]) => now().getTime() >= Date.parse(notAfter) - days * millisecondsPerDay);
        // Registered outputs would store certificate and key once more.
        this.registerOutputs({});
    }
}

const keyArgs: Readonly<Record<KeyAlgorithm, tls.PrivateKeyArgs>> = {
    EC_P256: { algorithm: "ECDSA", ecdsaCurve: "P256" },
    EC_P384: { algorithm: "ECDSA", ecdsaCurve: "P384" },
    RSA_2048: { algorithm: "RSA", rsaBits: 2048 },
    RSA_3072: { algorithm: "RSA", rsaBits: 3072 },
    RSA_4096: { algorithm: "RSA", rsaBits: 4096 },
};

const maxCommonName = 64;

/** Values known while the program runs fail it at once, also in preview; others fail it when they become known. */
function checkArgs(name: string, args: DeviceCertificateArgs) {
    const fail = (reason: string): never => {
        throw new pulumi.RunError(`DeviceCertificate "${name}": ${reason}`);
    };
    const checked = <Value>(value: pulumi.Input<Value>, check: (value: Value) => Value): Value | pulumi.Output<Value> =>
        pulumi.Output.isInstance(value) || value instanceof Promise ? (pulumi.output(value).apply(known => check(known as Value)) as pulumi.Output<Value>) : check(value as Value);

    if (args.keyAlgorithm !== undefined && !(args.keyAlgorithm in keyArgs)) {
        fail(`keyAlgorithm is ${JSON.stringify(args.keyAlgorithm)}: expected one of ${Object.keys(keyArgs).join(", ")}`);
    }
    const commonName = checked(args.commonName, value => {
        if (typeof value !== "string" || value.trim() === "") return fail("commonName is blank: expected 1 to 64 characters, mostly the device's name");
        if ([...value].length > maxCommonName) return fail(`commonName has ${[...value].length} characters: X.509 allows at most ${maxCommonName} (RFC 5280)`);
        return value;
    });
    const validityDays = checked(args.validityDays ?? 365, value =>
        Number.isInteger(value) && value > 0 && value <= 36_500 ? value : fail(`validityDays is ${JSON.stringify(value)}: expected a whole number of days, 1 to 36500`),
    );
    const country = args.country === undefined ? undefined : checked(args.country, value => (/^[A-Z]{2}$/.test(value) ? value : fail(`country is ${JSON.stringify(value)}: expected two capital letters (ISO 3166)`)));
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
