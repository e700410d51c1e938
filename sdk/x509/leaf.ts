// Reads a device's certificate and says who it is: in X.509's terms, and in ThingsBoard's.

import { createHash, X509Certificate } from "node:crypto";
import { UserError } from "../userError";
import { oneLine } from "./names";
import { labelsIn, type Pem, withKey } from "./pem";
import { keyFault } from "./strength";

/** A device's own certificate, as opposed to the authorities above it. */
export interface Leaf {
    /** DER as base64 on one line: the form in which ThingsBoard stores and returns it. */
    readonly base64Der: string;
    /** SHA3-256 of `base64Der`, lower-case hex: ThingsBoard's `credentialsId` (EncryptionUtil.getSha3Hash). */
    readonly credentialsId: string;
    /** SHA-256 of the DER as `openssl x509 -fingerprint -sha256` prints it: upper-case hex in pairs, with colons. */
    readonly fingerprint: string;
    /** Distinguished name on one line: `CN=pump-1, O=Acme`. Empty where the certificate has none. */
    readonly subject: string;
    /** Upper-case hex, as `openssl x509 -serial` prints it. */
    readonly serialNumber: string;
    readonly notBefore: Date;
    readonly notAfter: Date;
}

/** Longest text that is looked at: a certificate is a few kilobytes, and parsing must stay bounded. */
const maxLength = 64 * 1024;

/**
 * Reads text that must hold exactly one certificate.
 *
 * ThingsBoard stores any text as a credential, "hello" and whole chains included, and refuses the device later,
 * at CONNACK. So the mistake is named here, before anything is sent.
 *
 * @throws UserError saying what the text holds instead.
 */
export function readLeaf(pem: Pem): Leaf {
    const certificate = parse(onlyBlock(pem));
    const base64Der = certificate.raw.toString("base64");
    return {
        base64Der,
        credentialsId: certificateId(base64Der),
        fingerprint: certificate.fingerprint256,
        subject: oneLine(certificate.subject),
        serialNumber: certificate.serialNumber,
        notBefore: new Date(certificate.validFrom),
        notAfter: new Date(certificate.validTo),
    };
}

/** ThingsBoard's `credentialsId` of a certificate, from its DER as base64 on one line. */
export const certificateId = (base64Der: string): string => createHash("sha3-256").update(base64Der).digest("hex");

/** Why this text can't be a device's credential, as the end of a sentence; undefined when it can. */
export function leafFault(pem: Pem, now: Date): string | undefined {
    let leaf: Leaf;
    try {
        leaf = readLeaf(pem);
    } catch (error) {
        if (error instanceof UserError) return error.message;
        throw error;
    }
    if (leaf.notAfter < now) {
        return `the certificate expired on ${leaf.notAfter.toISOString()}: ThingsBoard would refuse the device; issue a new one`;
    }
    if (leaf.subject === "") return "the certificate has no subject: ThingsBoard ends the TLS handshake of such a device (bad_certificate); issue one with a common name";
    const fault = keyFault(new X509Certificate(pem).publicKey);
    return fault === undefined ? undefined : `the certificate's ${fault}`;
}

/** Thirty days (ms); for certificates that live shorter than three times as long, a third of their life. */
const soon = 30 * 86_400_000;

/** Whether a certificate is so close to its end that its owner should hear of it, or past it. */
export function endsSoon(notBefore: Date, notAfter: Date, now: Date): boolean {
    const life = notAfter.getTime() - notBefore.getTime();
    return notAfter.getTime() - now.getTime() <= Math.min(soon, life / 3);
}

/** SHA-256 of a certificate's public key (SubjectPublicKeyInfo, DER), lower-case hex; undefined where it is no certificate. */
export function keyId(base64Der: string): string | undefined {
    try {
        return createHash("sha256").update(new X509Certificate(Buffer.from(base64Der, "base64")).publicKey.export({ type: "spki", format: "der" })).digest("hex");
    } catch {
        return undefined;
    }
}

/** The inverse of `Leaf.base64Der`. */
export function toPem(base64Der: string, label: "CERTIFICATE" | "CERTIFICATE REQUEST" | "PRIVATE KEY" = "CERTIFICATE"): Pem {
    const lines = base64Der.match(/.{1,64}/g) ?? [];
    return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

function onlyBlock(text: string): Pem {
    if (typeof text !== "string") throw new UserError(`expected one PEM certificate, found a value of type ${typeof text}`);
    if (text.length > maxLength) throw new UserError(`expected one PEM certificate, found ${text.length} characters of text`);
    const labels = labelsIn(text);
    if (labels.length !== 1 || labels[0] !== "CERTIFICATE") {
        throw new UserError(`expected one PEM certificate, found ${describe(labels)}`);
    }
    return text;
}

function parse(pem: Pem): X509Certificate {
    try {
        return withKey(pem);
    } catch (cause) {
        throw new UserError("the PEM block is labelled CERTIFICATE but does not hold a certificate that can be read", { cause });
    }
}

function describe(labels: readonly string[]): string {
    if (labels.length === 0) return "no PEM block";
    if (labels.every(label => label === "CERTIFICATE")) return `a chain of ${labels.length} certificates: give the device's own alone`;
    if (labels.some(label => label.endsWith("PRIVATE KEY"))) return `a private key (${labels.join(" and ")}): give the certificate, and keep the key to the device`;
    return labels.join(" and ");
}
