// Makes a key and a self-signed certificate for a device, as `DeviceCertificate` does through the TLS provider.

import { createHash, createPrivateKey, createPublicKey, generateKeyPair, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { promisify } from "node:util";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import * as asn1 from "@peculiar/asn1-x509";

/** Keys that ThingsBoard's guide uses (EC P-256, RSA 4096) and their neighbours. */
export type IssuedAlgorithm = "EC_P256" | "RSA_2048" | "RSA_3072" | "RSA_4096";
export const issuedAlgorithms: readonly IssuedAlgorithm[] = ["EC_P256", "RSA_2048", "RSA_3072", "RSA_4096"];

export interface IssueRequest {
    readonly commonName: string;
    readonly algorithm: IssuedAlgorithm;
    readonly validityDays: number;
    /** PKCS#8 DER as base64: kept instead of making a new one. */
    readonly key?: string;
}

export interface Issued {
    /** DER as base64 on one line: the form in which ThingsBoard stores it. */
    readonly certificate: string;
    /** PKCS#8 DER as base64 on one line. */
    readonly key: string;
    readonly notAfter: Date;
}

/** X.509 allows no longer one (RFC 5280, ub-common-name). */
export const maxCommonName = 64;

/** A server whose clock is a little behind would refuse a certificate that begins now. */
const backdatedMs = 5 * 60_000;
const dayMs = 86_400_000;

const ecdsaWithSha256 = "1.2.840.10045.4.3.2";
const rsaWithSha256 = "1.2.840.113549.1.1.11";

export async function issueSelfSigned(request: IssueRequest, now: Date): Promise<Issued> {
    const privateKey = request.key === undefined ? await newKey(request.algorithm) : createPrivateKey({ key: Buffer.from(request.key, "base64"), format: "der", type: "pkcs8" });
    const notAfter = wholeSecond(now.getTime() + request.validityDays * dayMs);
    const der = await certificateOf(privateKey, request.commonName, wholeSecond(now.getTime() - backdatedMs), notAfter);
    return {
        certificate: der.toString("base64"),
        key: privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
        notAfter,
    };
}

/** An EC key takes 0.03 ms, less than the way to another thread and back; an RSA key takes up to seconds. */
async function newKey(algorithm: IssuedAlgorithm): Promise<KeyObject> {
    if (algorithm === "EC_P256") return generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
    return (await promisify(generateKeyPair)("rsa", { modulusLength: Number(algorithm.slice("RSA_".length)) })).privateKey;
}

async function certificateOf(privateKey: KeyObject, commonName: string, notBefore: Date, notAfter: Date): Promise<Buffer> {
    const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
    const subjectPublicKeyInfo = AsnConvert.parse(spki, asn1.SubjectPublicKeyInfo);
    const isRsa = privateKey.asymmetricKeyType === "rsa";
    // Parameters: NULL for RSA (RFC 3279), absent for ECDSA (RFC 5758).
    const algorithm = new asn1.AlgorithmIdentifier(isRsa ? { algorithm: rsaWithSha256, parameters: null } : { algorithm: ecdsaWithSha256 });
    const name = subject(commonName);
    const tbsCertificate = new asn1.TBSCertificate({
        version: asn1.Version.v3,
        serialNumber: serialNumber(),
        signature: algorithm,
        issuer: name,
        subject: name,
        validity: new asn1.Validity({ notBefore, notAfter }),
        subjectPublicKeyInfo,
        extensions: new asn1.Extensions([...endEntity, subjectKeyIdentifier(subjectPublicKeyInfo)]),
    });
    const signed = Buffer.from(AsnConvert.serialize(tbsCertificate));
    const signature = isRsa ? await promisify(sign)("sha256", signed, privateKey) : sign("sha256", signed, privateKey);
    return Buffer.from(AsnConvert.serialize(new asn1.Certificate({ tbsCertificate, signatureAlgorithm: algorithm, signatureValue: bytes(signature) })));
}

const subject = (commonName: string): asn1.Name =>
    new asn1.Name([new asn1.RelativeDistinguishedName([new asn1.AttributeTypeAndValue({ type: "2.5.4.3", value: new asn1.AttributeValue({ utf8String: commonName }) })])]);

const extension = (extnID: string, critical: boolean, value: unknown): asn1.Extension => new asn1.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });

/** No authority, for digital signatures, by TLS clients: the same in each certificate. */
const endEntity: readonly asn1.Extension[] = [
    extension(asn1.id_ce_basicConstraints, true, new asn1.BasicConstraints({ cA: false })),
    extension(asn1.id_ce_keyUsage, true, new asn1.KeyUsage(asn1.KeyUsageFlags.digitalSignature)),
    extension(asn1.id_ce_extKeyUsage, false, new asn1.ExtendedKeyUsage([asn1.id_kp_clientAuth])),
];

/** RFC 5280, 4.2.1.2, method 1. */
function subjectKeyIdentifier({ subjectPublicKey }: asn1.SubjectPublicKeyInfo): asn1.Extension {
    const hash = createHash("sha1").update(Buffer.from(subjectPublicKey)).digest();
    return extension(asn1.id_ce_subjectKeyIdentifier, false, new asn1.SubjectKeyIdentifier(bytes(hash)));
}

/** 16 random bytes, positive and without a zero in front. */
function serialNumber(): ArrayBuffer {
    const serial = randomBytes(16);
    serial[0] = (serial[0]! & 0x3f) | 0x40;
    return bytes(serial);
}

const bytes = (buffer: Uint8Array): ArrayBuffer => new Uint8Array(buffer).buffer;

/** X.509 knows no fractions of a second. */
const wholeSecond = (time: number): Date => new Date(Math.floor(time / 1000) * 1000);
