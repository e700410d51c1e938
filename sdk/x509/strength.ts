// Keys and signatures that are no protection any more.

import type { KeyObject, X509Certificate } from "node:crypto";

/** As NIST SP 800-131A has it: 112 bits of security, which are RSA 2048 and a curve of 224 bits. */
const minRsaBits = 2048;
const minCurveBits = 224;

/** Why nobody should rely on this public key, as in `the certificate's …`; undefined where one may. */
export function keyFault({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string | undefined {
    const { modulusLength = 0, namedCurve = "" } = details ?? {};
    if ((type === "rsa" || type === "rsa-pss") && modulusLength < minRsaBits) return `RSA key has ${modulusLength} bits: use at least ${minRsaBits}, or EC P-256`;
    // Their names hold the length: prime192v1, secp160r1, sect163k1.
    const curveBits = Number(/\d{3}/.exec(namedCurve)?.[0] ?? minCurveBits);
    if (type === "ec" && curveBits < minCurveBits) return `key is on the curve ${namedCurve}, which has ${curveBits} bits: use EC P-256`;
    if (type === "dsa") return "key is of type DSA, which TLS no longer takes: use EC P-256, or RSA 2048";
    return undefined;
}

/** By the DER of their identifiers (RFC 3279). */
const weakSignatures: Readonly<Record<string, string>> = {
    "2a864886f70d010102": "MD2",
    "2a864886f70d010104": "MD5",
    "2a864886f70d010105": "SHA-1",
    "2b0e03021d": "SHA-1",
    "2a8648ce3d0401": "SHA-1",
    "2a8648ce380403": "SHA-1",
};

/** RSASSA-PSS names its hash beside it, and means SHA-1 where it names none (RFC 4055, 3.1). */
const pss = "2a864886f70d01010a";
const weakHashes: Readonly<Record<string, string>> = { "2b0e03021a": "SHA-1", "2a864886f70d0205": "MD5" };

/** The hash under a certificate's signature, where somebody could make another certificate with the same one: `SHA-1`. */
export function weakHash({ raw }: Pick<X509Certificate, "raw">): string | undefined {
    // Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER, … }, … }
    const algorithm = element(raw, element(raw, element(raw, 0).start).end);
    const id = element(raw, algorithm.start);
    const name = text(raw, id);
    return name === pss ? weakHashOfPss(raw, id.end, algorithm.end) : weakSignatures[name];
}

/** RSASSA-PSS-params ::= SEQUENCE { [0] SEQUENCE { OBJECT IDENTIFIER, … }, … }, between `at` and `end` */
function weakHashOfPss(raw: Buffer, at: number, end: number): string | undefined {
    const parameters = at < end ? element(raw, at) : { start: end, end };
    if (parameters.start >= parameters.end || raw[parameters.start] !== 0xa0) return "SHA-1";
    const algorithm = element(raw, element(raw, parameters.start).start);
    return weakHashes[text(raw, element(raw, algorithm.start))];
}

const text = (der: Buffer, { start, end }: Element): string => der.subarray(start, end).toString("hex");

interface Element {
    readonly start: number;
    readonly end: number;
}

/** Where the content of the DER element at `at` begins, and where the next one does. */
function element(der: Buffer, at: number): Element {
    const first = der[at + 1] ?? 0;
    if (first < 0x80) return { start: at + 2, end: at + 2 + first };
    const start = at + 2 + (first & 0x7f);
    return { start, end: start + der.readUIntBE(at + 2, Math.min(first & 0x7f, 6)) };
}
