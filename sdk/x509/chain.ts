// Several certificates in one text: a leaf with those above it, or an authority's own.

import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import { excerpt } from "../printable";
import { UserError } from "../userError";
import { oneLine } from "./names";
import { certificateBlocks, type Pem, readBlock, withKey } from "./pem";
import { keyFault, weakHash } from "./strength";

const maxLength = 64 * 1024;

/** @param what begins the sentence: `issuersPem` @throws UserError saying what the text holds instead. */
export const certificatesIn = (text: Pem, what: string): readonly X509Certificate[] => certificateBlocks(text, what, maxLength).map(pem => readBlock(pem, what, withKey));

/** One block after the other, each ending with a line break. */
export const joined = (certificates: readonly X509Certificate[]): Pem => certificates.map(certificate => `${certificate.toString().trim()}\n`).join("");

/** The name by which a certificate goes in a sentence. */
export const subjectOf = (certificate: X509Certificate): string => JSON.stringify(excerpt(oneLine(certificate.subject)));

/**
 * ThingsBoard checks each signature with the key of the next certificate, and ends the handshake with a bare alert where
 * one does not fit.
 * @throws UserError naming the first two that don't belong together.
 */
export function requireOrder(chain: readonly X509Certificate[], what: string): void {
    chain.slice(1).forEach((issuer, index) => {
        const issued = chain[index]!;
        if (issued.checkIssued(issuer) && issued.verify(issuer.publicKey)) return;
        throw new UserError(`${what}: ${subjectOf(issuer)} did not sign ${subjectOf(issued)}, which stands before it: list the leaf's issuer first, then its issuer, and the root last`);
    });
}

/**
 * One certificate that may sign others.
 * @throws UserError saying why it may not.
 */
export function readAuthority(pem: Pem, what: string, now: Date): X509Certificate {
    const [certificate, ...more] = certificatesIn(pem, what);
    if (!certificate || more.length > 0) throw new UserError(`${what} holds ${more.length + 1} certificates: give the one that signs, alone`);
    if (!certificate.ca) {
        throw new UserError(`${what} is no certificate authority: ${subjectOf(certificate)} may not sign others (basicConstraints has no CA:TRUE); give the certificate of the CA, not of a device`);
    }
    const fault = keyFault(certificate.publicKey);
    if (fault !== undefined) throw new UserError(`${what}: the authority ${subjectOf(certificate)} is weak: its ${fault}`);
    // Nobody relies on the signature of a root, which is its own.
    const hash = certificate.checkIssued(certificate) ? undefined : weakHash(certificate);
    if (hash !== undefined) throw new UserError(`${what}: the authority ${subjectOf(certificate)} is signed with ${hash}, which can be forged: have it issued again with SHA-256`);
    if (new Date(certificate.validTo) < now) throw new UserError(`${what}: the authority ${subjectOf(certificate)} expired on ${new Date(certificate.validTo).toISOString()}: give its successor`);
    return certificate;
}

/** Whether certificates can be signed with its key, here and by the TLS provider. @throws UserError */
export function requireSigning(certificate: X509Certificate, what: string): void {
    const { asymmetricKeyType: type = "unknown" } = certificate.publicKey;
    if (["rsa", "ec", "ed25519"].includes(type)) return;
    throw new UserError(`${what}: the authority ${subjectOf(certificate)} has a key of type ${type}, with which nothing is signed here: use one with EC P-256, or RSA (rsaEncryption) with at least 2048 bits`);
}

/** Errors of Node and OpenSSL are left out on purpose: nothing of a key may reach a log. @throws UserError */
export function requirePair(certificate: X509Certificate, privateKeyPem: string, what: string): void {
    if (typeof privateKeyPem !== "string" || privateKeyPem.length > maxLength) throw new UserError(`${what} is no text of a PEM private key, or longer than ${maxLength} characters`);
    if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(privateKeyPem)) throw new UserError(`${what} is encrypted: give it without a passphrase, as a secret`);
    let key: KeyObject;
    try {
        key = createPrivateKey(privateKeyPem);
    } catch {
        throw new UserError(`${what} is no PEM private key: it must begin with "-----BEGIN PRIVATE KEY-----" (or EC or RSA PRIVATE KEY)`);
    }
    if (!certificate.checkPrivateKey(key)) throw new UserError(`${what} does not belong to the certificate ${subjectOf(certificate)}: give the pair that was made together`);
}
