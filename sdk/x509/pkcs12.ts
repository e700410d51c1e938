// A key with its certificates as PKCS#12 (RFC 7292): the form that Java's key stores and Windows take.

import { createHash, createPrivateKey, webcrypto, type X509Certificate } from "node:crypto";

export interface KeyStore {
    readonly privateKeyPem: string;
    /** Leaf first. */
    readonly certificates: readonly X509Certificate[];
    /** ASCII: Java reads no other where the content is encrypted with AES. */
    readonly password: string;
    /** Under which the entry is found (`friendlyName`). */
    readonly alias: string;
}

/** OpenSSL's and Java's own number is 10,000 or less; a good password does not depend on it. */
const iterations = 10_000;

const keyBag = "1.2.840.113549.1.12.10.1.2";
const certificateBag = "1.2.840.113549.1.12.10.1.3";
const friendlyName = "1.2.840.113549.1.9.20";
const localKeyId = "1.2.840.113549.1.9.21";

/** Key and certificates encrypted with AES-256, the whole under HMAC-SHA-256: OpenSSL 1.1 and Java 8u301 are the oldest that read it. */
export async function pkcs12({ privateKeyPem, certificates, password, alias }: KeyStore): Promise<Buffer> {
    // Loaded here and not above: few programs want it.
    const [asn1, pki] = await Promise.all([import("asn1js"), import("pkijs")]);
    const engine = new pki.CryptoEngine({ name: "node", crypto: webcrypto as unknown as Crypto });
    // By this Java knows which certificate the key is for.
    const id = createHash("sha1").update(certificates[0]!.raw).digest();
    const attributes = () => [
        new pki.Attribute({ type: friendlyName, values: [new asn1.BmpString({ value: alias })] }),
        new pki.Attribute({ type: localKeyId, values: [new asn1.OctetString({ valueHex: bytes(id) })] }),
    ];
    const shrouded = new pki.PKCS8ShroudedKeyBag({ parsedValue: pki.PrivateKeyInfo.fromBER(bytes(createPrivateKey(privateKeyPem).export({ format: "der", type: "pkcs8" }))) });
    const keyContents = new pki.SafeContents({ safeBags: [new pki.SafeBag({ bagId: keyBag, bagValue: shrouded, bagAttributes: attributes() })] });
    const certificateContents = new pki.SafeContents({
        safeBags: certificates.map(
            ({ raw }, index) =>
                new pki.SafeBag({
                    bagId: certificateBag,
                    bagValue: new pki.CertBag({ parsedValue: pki.Certificate.fromBER(bytes(raw)) }),
                    ...(index === 0 ? { bagAttributes: attributes() } : {}),
                }),
        ),
    });
    const safe = new pki.AuthenticatedSafe({ parsedValue: { safeContents: [{ privacyMode: 0, value: keyContents }, { privacyMode: 1, value: certificateContents }] } });
    const store = new pki.PFX({ parsedValue: { integrityMode: 0, authenticatedSafe: safe } });

    const secret = bytes(Buffer.from(password, "ascii"));
    // The type asks for an iv; the library makes its own.
    const encryption = { password: secret, contentEncryptionAlgorithm: { name: "AES-CBC", length: 256, iv: new Uint8Array(16) }, hmacHashAlgorithm: "SHA-256", iterationCount: iterations };
    await shrouded.makeInternalValues(encryption, engine);
    await safe.makeInternalValues({ safeContents: [{}, encryption] }, engine);
    await store.makeInternalValues({ password: secret, iterations, pbkdf2HashAlgorithm: { name: "SHA-256" }, hmacHashAlgorithm: "SHA-256" }, engine);
    return Buffer.from(store.toSchema().toBER(false));
}

const bytes = (buffer: Buffer): ArrayBuffer => new Uint8Array(buffer).buffer;
