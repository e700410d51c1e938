// Makes a key and a certificate for a device, self-signed or signed by an authority, as `DeviceCertificate` does through the
// TLS provider.

import { createPrivateKey, createPublicKey, generateKeyPair, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from "node:crypto";
import { promisify } from "node:util";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import * as asn1 from "@peculiar/asn1-x509";
import { UserError } from "../userError";
import { keyIdOf, subjectKeyId } from "./keyIdentifier";

/** Keys that ThingsBoard's guide uses (EC P-256, RSA 4096) and their neighbours. */
export type KeyAlgorithm = "EC_P256" | "EC_P384" | "RSA_2048" | "RSA_3072" | "RSA_4096";
export const keyAlgorithms: readonly KeyAlgorithm[] = ["EC_P256", "EC_P384", "RSA_2048", "RSA_3072", "RSA_4096"];

export interface IssueRequest {
    readonly commonName: string;
    readonly algorithm: KeyAlgorithm;
    readonly validityDays: number;
    /** PKCS#8 DER as base64: kept instead of making a new one. */
    readonly key?: string;
    /** Who signs; without one the device itself. */
    readonly authority?: SigningAuthority;
}

/** Both PEM. */
export interface SigningAuthority {
    readonly certificatePem: string;
    readonly privateKeyPem: string;
}

export interface Issued {
    /** DER as base64 on one line: the form in which ThingsBoard stores it. */
    readonly certificate: string;
    /** PKCS#8 DER as base64 on one line. */
    readonly key: string;
    readonly notAfter: Date;
}

/** For a key that somebody else has: always signed by an authority. */
export interface SignRequest extends Pick<IssueRequest, "commonName" | "validityDays"> {
    /** SubjectPublicKeyInfo, DER. */
    readonly publicKey: Buffer;
    readonly authority: SigningAuthority;
}

/** X.509 allows no longer one (RFC 5280, ub-common-name). */
export const maxCommonName = 64;

/** Of a device: its name, which may be longer. ThingsBoard goes by the whole certificate, not by its names. */
export const commonNameOf = (deviceName: string): string => [...deviceName].slice(0, maxCommonName).join("");

/** A server whose clock is a little behind would refuse a certificate that begins now. */
const backdatedMs = 5 * 60_000;
const dayMs = 86_400_000;

export async function issue(request: IssueRequest, now: Date): Promise<Issued> {
    const privateKey = request.key === undefined ? await newKey(request.algorithm) : createPrivateKey({ key: Buffer.from(request.key, "base64"), format: "der", type: "pkcs8" });
    const name = subject(request.commonName);
    const signer = request.authority === undefined ? { key: privateKey, name } : signerOf(request.authority);
    const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" });
    const signed = await certificateOf(publicKey, name, signer, request.validityDays, now);
    return { ...signed, key: privateKey.export({ format: "der", type: "pkcs8" }).toString("base64") };
}

/** @param request its public key comes from a request that was verified */
export const signFor = ({ commonName, validityDays, publicKey, authority }: SignRequest, now: Date): Promise<Omit<Issued, "key">> =>
    certificateOf(publicKey, subject(commonName), signerOf(authority), validityDays, now);

/** An EC key takes 0.03 ms, less than the way to another thread and back; an RSA key takes up to seconds. */
async function newKey(algorithm: KeyAlgorithm): Promise<KeyObject> {
    if (algorithm === "EC_P256") return generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
    if (algorithm === "EC_P384") return generateKeyPairSync("ec", { namedCurve: "secp384r1" }).privateKey;
    return (await promisify(generateKeyPair)("rsa", { modulusLength: Number(algorithm.slice("RSA_".length)) })).privateKey;
}

/** Whoever signs: the device itself, or an authority. */
interface Signer {
    readonly key: KeyObject;
    readonly name: asn1.Name;
    /** Of an authority: its own subject key identifier. */
    readonly keyId?: ArrayBuffer;
}

const signers = new Map<string, Signer>();

/** One authority signs thousands: it is read once. */
function signerOf({ certificatePem, privateKeyPem }: SigningAuthority): Signer {
    const known = signers.get(certificatePem);
    if (known) return known;
    const { tbsCertificate } = AsnConvert.parse(new X509Certificate(certificatePem).raw, asn1.Certificate);
    const signer = { key: createPrivateKey(privateKeyPem), name: tbsCertificate.subject, keyId: subjectKeyId(tbsCertificate) };
    signers.set(certificatePem, signer);
    return signer;
}

/**
 * The signature that goes with a key. Parameters: NULL for RSA (RFC 3279), absent for ECDSA (RFC 5758) and Ed25519, which
 * has its hash in itself (RFC 8410).
 */
function algorithmOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): { readonly hash: string | null; readonly identifier: asn1.AlgorithmIdentifier } {
    if (type === "rsa") return { hash: "sha256", identifier: new asn1.AlgorithmIdentifier({ algorithm: "1.2.840.113549.1.1.11", parameters: null }) };
    if (type === "ed25519") return { hash: null, identifier: new asn1.AlgorithmIdentifier({ algorithm: "1.3.101.112" }) };
    if (type !== "ec") throw new UserError(`the authority's key is of type ${type}: use one of EC P-256, Ed25519, or RSA with at least 2048 bits`);
    const [hash, algorithm] = details?.namedCurve === "secp384r1" ? ["sha384", "1.2.840.10045.4.3.3"] : ["sha256", "1.2.840.10045.4.3.2"];
    return { hash, identifier: new asn1.AlgorithmIdentifier({ algorithm }) };
}

async function certificateOf(publicKey: Buffer, name: asn1.Name, signer: Signer, validityDays: number, now: Date): Promise<Omit<Issued, "key">> {
    const subjectPublicKeyInfo = AsnConvert.parse(publicKey, asn1.SubjectPublicKeyInfo);
    const notBefore = wholeSecond(now.getTime() - backdatedMs);
    const notAfter = wholeSecond(now.getTime() + validityDays * dayMs);
    const { hash, identifier } = algorithmOf(signer.key);
    const tbsCertificate = new asn1.TBSCertificate({
        version: asn1.Version.v3,
        serialNumber: serialNumber(),
        signature: identifier,
        issuer: signer.name,
        subject: name,
        validity: new asn1.Validity({ notBefore, notAfter }),
        subjectPublicKeyInfo,
        extensions: new asn1.Extensions([
            ...endEntity,
            extension(asn1.id_ce_subjectKeyIdentifier, false, new asn1.SubjectKeyIdentifier(keyIdOf(subjectPublicKeyInfo))),
            ...(signer.keyId === undefined ? [] : [extension(asn1.id_ce_authorityKeyIdentifier, false, new asn1.AuthorityKeyIdentifier({ keyIdentifier: new asn1.KeyIdentifier(signer.keyId) }))]),
        ]),
    });
    const signed = Buffer.from(AsnConvert.serialize(tbsCertificate));
    const signature = signer.key.asymmetricKeyType === "rsa" ? await promisify(sign)(hash, signed, signer.key) : sign(hash, signed, signer.key);
    const der = AsnConvert.serialize(new asn1.Certificate({ tbsCertificate, signatureAlgorithm: identifier, signatureValue: bytes(signature) }));
    return { certificate: Buffer.from(der).toString("base64"), notAfter };
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

/** 16 random bytes, positive and without a zero in front. */
function serialNumber(): ArrayBuffer {
    const serial = randomBytes(16);
    serial[0] = (serial[0]! & 0x3f) | 0x40;
    return bytes(serial);
}

const bytes = (buffer: Uint8Array): ArrayBuffer => new Uint8Array(buffer).buffer;

/** X.509 knows no fractions of a second. */
const wholeSecond = (time: number): Date => new Date(Math.floor(time / 1000) * 1000);
