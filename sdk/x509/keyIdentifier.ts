// The subject key identifier: by what a key is named in the certificates that it signs (RFC 5280, 4.2.1.2).

import { createHash, type X509Certificate } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import * as asn1 from "@peculiar/asn1-x509";

/** Method 1: SHA-1 of the bits of the public key. */
export const keyIdOf = ({ subjectPublicKey }: asn1.SubjectPublicKeyInfo): ArrayBuffer => new Uint8Array(createHash("sha1").update(Buffer.from(subjectPublicKey)).digest()).buffer;

/** As the certificate says it, or else by method 1. */
export function subjectKeyId({ extensions, subjectPublicKeyInfo }: asn1.TBSCertificate): ArrayBuffer {
    const own = extensions?.find(({ extnID }) => extnID === asn1.id_ce_subjectKeyIdentifier);
    return own ? AsnConvert.parse(own.extnValue.buffer, asn1.SubjectKeyIdentifier).buffer : keyIdOf(subjectPublicKeyInfo);
}

/** Upper-case hex in pairs, with colons, as `openssl x509 -ext subjectKeyIdentifier` prints it. */
export function subjectKeyIdentifier(certificate: X509Certificate): string {
    const hex = Buffer.from(subjectKeyId(AsnConvert.parse(certificate.raw, asn1.Certificate).tbsCertificate)).toString("hex").toUpperCase();
    return hex.match(/../g)!.join(":");
}
