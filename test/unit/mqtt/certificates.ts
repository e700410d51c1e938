// Certificates for the tests: EC P-256, of any issuer, name and dates.

import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(webcrypto as Crypto);

export interface Identity {
    readonly certificatePem: string;
    readonly privateKeyPem: string;
    readonly keys: CryptoKeyPair;
    readonly name: string;
}

export interface Wanted {
    readonly issuer?: Identity;
    /** DNS names or addresses of a server. */
    readonly names?: readonly string[];
    readonly authority?: true;
    readonly notBefore?: Date;
    readonly notAfter?: Date;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export const daysFromNow = (days: number): Date => new Date(Date.now() + days * 24 * 3600 * 1000);

export async function issue(commonName: string, wanted: Wanted = {}): Promise<Identity> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const name = `CN=${commonName}`;
    const names = wanted.names?.map(value => ({ type: /^[\d.:]+$/.test(value) ? ("ip" as const) : ("dns" as const), value }));
    const certificate = await x509.X509CertificateGenerator.create({
        subject: name,
        issuer: wanted.issuer?.name ?? name,
        publicKey: keys.publicKey,
        signingKey: (wanted.issuer?.keys ?? keys).privateKey,
        notBefore: wanted.notBefore ?? daysFromNow(-1),
        notAfter: wanted.notAfter ?? daysFromNow(30),
        signingAlgorithm: algorithm,
        extensions: [
            new x509.BasicConstraintsExtension(wanted.authority ?? false, undefined, true),
            ...(names ? [new x509.SubjectAlternativeNameExtension(names)] : []),
        ],
    });
    const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
    return {
        certificatePem: `${certificate.toString("pem")}\n`,
        privateKeyPem: `-----BEGIN PRIVATE KEY-----\n${key.match(/.{1,64}/g)!.join("\n")}\n-----END PRIVATE KEY-----\n`,
        keys,
        name,
    };
}
