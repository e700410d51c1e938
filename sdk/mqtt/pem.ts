// Takes text of several certificates apart.

import { X509Certificate } from "node:crypto";
import { UserError } from "../userError";
import { hasDates } from "../x509/leaf";

/** All authorities that browsers trust are a quarter of it. */
const maxLength = 1024 * 1024;
const block = /-----BEGIN ([A-Z0-9 ]{1,40})-----[^-]*-----END \1-----/g;

/** The certificates in a text, in its order. @throws UserError naming what is there instead. */
export function pemBlocks(pem: string, what: string): readonly string[] {
    if (typeof pem !== "string") throw new UserError(`${what} is of type ${typeof pem}: expected PEM text`);
    if (pem.length > maxLength) throw new UserError(`${what} has ${pem.length} characters: expected at most ${maxLength}, and the certificates that are needed alone`);
    const blocks = [...pem.matchAll(block)];
    const other = blocks.find(match => match[1] !== "CERTIFICATE");
    if (other) throw new UserError(`${what} holds a ${other[1]}: only certificates belong there`);
    if (blocks.length === 0) throw new UserError(`${what} holds no PEM certificate: it must begin with "-----BEGIN CERTIFICATE-----"`);
    return blocks.map(match => match[0]);
}

/** @throws UserError naming what is there instead. */
export const certificates = (pem: string, what: string): readonly X509Certificate[] => pemBlocks(pem, what).map(block => readCertificate(block, what));

export function readCertificate(pem: string, what: string): X509Certificate {
    try {
        const certificate = new X509Certificate(pem);
        if (!hasDates(certificate)) throw new Error("dates");
        return certificate;
    } catch (cause) {
        throw new UserError(`${what} holds a PEM block that is labelled CERTIFICATE and is none`, { cause });
    }
}
