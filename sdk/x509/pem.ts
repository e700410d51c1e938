// Text of PEM blocks (RFC 7468), taken apart.

import { X509Certificate } from "node:crypto";
import { UserError } from "../userError";

/** Text of one or more PEM blocks. */
export type Pem = string;

const begin = /-----BEGIN ([A-Z0-9 ]{1,40})-----/g;
const block = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** What the blocks of a text call themselves, in its order: `CERTIFICATE`, `EC PRIVATE KEY`. */
export const labelsIn = (text: Pem): readonly string[] => [...text.matchAll(begin)].map(([, label]) => label!);

/**
 * The blocks of a text that holds certificates and nothing else.
 * @param what begins the sentence: `issuersPem`
 * @param maxLength characters that are looked at: parsing must stay bounded
 * @throws UserError naming what is there instead
 */
export function certificateBlocks(text: Pem, what: string, maxLength: number): readonly Pem[] {
    if (typeof text !== "string") throw new UserError(`${what} is of type ${typeof text}: expected PEM text`);
    if (text.length > maxLength) throw new UserError(`${what} has ${text.length} characters: expected at most ${maxLength}, and the certificates that are needed alone`);
    const other = labelsIn(text).find(label => label !== "CERTIFICATE");
    if (other !== undefined) throw new UserError(`${what} holds ${/^([AEIO]|RSA)/.test(other) ? "an" : "a"} ${other}: only certificates belong there`);
    const blocks = text.match(block);
    if (!blocks) throw new UserError(`${what} holds no PEM certificate: it must begin with "-----BEGIN CERTIFICATE-----"`);
    return blocks;
}

/** @throws Error for what is no certificate. OpenSSL reads the outer shape only: the dates, which can fail later, fail here. */
export function certificateOf(pem: Pem): X509Certificate {
    const certificate = new X509Certificate(pem);
    // What OpenSSL can't read as a date it hands on as "Bad time value".
    if (Number.isNaN(Date.parse(certificate.validFrom)) || Number.isNaN(Date.parse(certificate.validTo))) throw new Error("dates");
    return certificate;
}

/** @throws UserError where it is labelled as a certificate and is none */
export function readBlock(pem: Pem, what: string, read: (pem: Pem) => X509Certificate = certificateOf): X509Certificate {
    try {
        return read(pem);
    } catch (cause) {
        throw new UserError(`${what} holds a PEM block that is labelled CERTIFICATE and is none`, { cause });
    }
}

/** The same as `certificateOf`, where its key is needed too. */
export function withKey(pem: Pem): X509Certificate {
    const certificate = certificateOf(pem);
    void certificate.publicKey;
    return certificate;
}
