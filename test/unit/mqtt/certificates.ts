// Certificates for the tests: EC P-256, of any issuer, name and dates, written in DER by node:crypto alone.

import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { toPem } from "../../../sdk/x509/leaf";

export interface Identity {
    readonly certificatePem: string;
    readonly privateKeyPem: string;
    readonly key: KeyObject;
    readonly name: Buffer;
}

export interface Wanted {
    /** Without it the certificate is self-signed. */
    readonly issuer?: Identity;
    /** DNS names or IPv4 addresses of a server. */
    readonly names?: readonly string[];
    readonly authority?: true;
    /** What its key is for (extended key usage). Without it: anything. */
    readonly uses?: readonly ("serverAuth" | "clientAuth")[];
    readonly notBefore?: Date;
    readonly notAfter?: Date;
}

export const daysFromNow = (days: number): Date => new Date(Date.now() + days * 24 * 3600 * 1000);

export function issue(commonName: string, wanted: Wanted = {}): Identity {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const name = sequence(set(sequence(id.commonName, tlv(0x0c, Buffer.from(commonName)))));
    const issuer = wanted.issuer ?? { name, key: privateKey };
    const body = sequence(
        tlv(0xa0, integer(Buffer.from([2]))),
        integer(Buffer.from([0x40, ...randomBytes(15)])),
        sequence(id.ecdsaWithSha256),
        issuer.name,
        sequence(time(wanted.notBefore ?? daysFromNow(-1)), time(wanted.notAfter ?? daysFromNow(30))),
        name,
        publicKey.export({ type: "spki", format: "der" }),
        tlv(0xa3, sequence(basicConstraints(wanted.authority ?? false), ...(wanted.names ? [alternativeNames(wanted.names)] : []), ...(wanted.uses ? [extendedKeyUsage(wanted.uses)] : []))),
    );
    const der = sequence(body, sequence(id.ecdsaWithSha256), bits(sign("sha256", body, issuer.key)));
    return {
        certificatePem: toPem(der.toString("base64")),
        privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
        key: privateKey,
        name,
    };
}

/** The same key under a passphrase. */
export const encrypted = (pem: string): string =>
    createPrivateKey(pem).export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" }).toString();

function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
    const body = Buffer.concat(parts);
    const { length } = body;
    const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
    return Buffer.concat([Buffer.from([tag, ...size]), body]);
}
const sequence = (...parts: readonly Buffer[]): Buffer => tlv(0x30, ...parts);
const set = (...parts: readonly Buffer[]): Buffer => tlv(0x31, ...parts);
const integer = (bytes: Buffer): Buffer => tlv(0x02, bytes);
const bits = (bytes: Buffer): Buffer => tlv(0x03, Buffer.from([0]), bytes);
const time = (date: Date): Buffer => tlv(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));
const objectId = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, "hex"));
const id = {
    commonName: objectId("550403"),
    ecdsaWithSha256: objectId("2a8648ce3d040302"),
    basicConstraints: objectId("551d13"),
    alternativeNames: objectId("551d11"),
    extendedKeyUsage: objectId("551d25"),
    serverAuth: objectId("2b06010505070301"),
    clientAuth: objectId("2b06010505070302"),
};
const extendedKeyUsage = (uses: readonly ("serverAuth" | "clientAuth")[]): Buffer => sequence(id.extendedKeyUsage, tlv(0x04, sequence(...uses.map(use => id[use]))));
const yes = tlv(0x01, Buffer.from([0xff]));
const basicConstraints = (authority: boolean): Buffer => sequence(id.basicConstraints, yes, tlv(0x04, authority ? sequence(yes) : sequence()));
const alternativeNames = (names: readonly string[]): Buffer =>
    sequence(id.alternativeNames, tlv(0x04, sequence(...names.map(name => (/^[\d.]+$/.test(name) ? tlv(0x87, Buffer.from(name.split(".").map(Number))) : tlv(0x82, Buffer.from(name)))))));
