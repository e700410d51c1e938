// A device's certificate that lives as long as one check: its key is never written anywhere.

import { createPrivateKey, type KeyObject, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { UserError } from "../userError";
import type { Pem } from "./pem";

export interface Canary {
    readonly certificatePem: Pem;
    readonly privateKeyPem: string;
}

/** By this a canary that a crash left behind on ThingsBoard is told from a device. */
export const canaryUnit = "pulumi-thingsboard enrolment check";

/** Whatever a device may hold: ThingsBoard takes any text for a certificate. */
export function isCanary(pem: Pem): boolean {
    try {
        // Of an empty name Node makes undefined.
        return new X509Certificate(pem).subject?.split("\n").includes(`OU=${canaryUnit}`) ?? false;
    } catch {
        return false;
    }
}

const hour = 3_600_000;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const crypto = webcrypto as unknown as Crypto;

/** Signed by the authority, for one hour around now: a server's clock may be late. @throws UserError for a kind of key that can't sign one */
export async function issueCanary(authorityPem: Pem, authorityKeyPem: string, commonName: string, now: Date): Promise<Canary> {
    // Loaded here and not above: it takes longer to load than the rest of this package.
    await import("reflect-metadata");
    const x509 = await import("@peculiar/x509");
    const issuer = new x509.X509Certificate(authorityPem);
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.create(
        {
            subject: [{ CN: [commonName] }, { OU: [canaryUnit] }],
            issuer: issuer.subjectName,
            publicKey: keys.publicKey,
            ...(await signing(createPrivateKey(authorityKeyPem))),
            serialNumber: `4${randomBytes(16).toString("hex").slice(1)}`,
            notBefore: new Date(Math.max(now.getTime() - hour, issuer.notBefore.getTime())),
            notAfter: new Date(now.getTime() + hour),
            extensions: [
                new x509.BasicConstraintsExtension(false, undefined, true),
                new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
                new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
                await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, crypto),
            ],
        },
        crypto,
    );
    const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
    return {
        certificatePem: new X509Certificate(Buffer.from(certificate.rawData)).toString(),
        privateKeyPem: createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({ format: "pem", type: "pkcs8" }).toString(),
    };
}

async function signing(key: KeyObject): Promise<{ signingKey: CryptoKey; signingAlgorithm: Algorithm & { hash: string } }> {
    const der = new Uint8Array(key.export({ format: "der", type: "pkcs8" }));
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
    const curve = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" }[details?.namedCurve ?? ""];
    const name = curve !== undefined ? "ECDSA" : type === "rsa" ? "RSASSA-PKCS1-v1_5" : type === "ed25519" ? "Ed25519" : undefined;
    if (name === undefined) {
        throw new UserError(`a canary can't be signed with the authority's key, which is of type ${type}${type === "ec" ? ` on the curve ${details?.namedCurve}` : ""}: use one of EC P-256, P-384 or P-521, Ed25519, or RSA`);
    }
    // Ed25519 has its hash built in: what stands here is not looked at.
    const signingAlgorithm = { name, hash: "SHA-256", ...(curve === undefined ? {} : { namedCurve: curve }) };
    return { signingKey: await crypto.subtle.importKey("pkcs8", der, signingAlgorithm, false, ["sign"]), signingAlgorithm };
}
