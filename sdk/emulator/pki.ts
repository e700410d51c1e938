// A throw-away CA and the server's certificate. Keys stay in memory, or in the private folder of the emulator.
import { webcrypto } from "node:crypto";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

export interface ServerCertificate {
    readonly leafPem: string;
    /** Leaf and CA. */
    readonly chainPem: string;
    readonly keyPem: string;
}

export interface Authority {
    readonly caPem: string;
    readonly keyPem: string;
}

export interface Pki {
    readonly authority: Authority;
    readonly server: ServerCertificate;
}

/** What to make of the next server certificate. */
export interface Rotation {
    /** A new CA: clients that trust only the old one refuse the server. */
    readonly authority?: "same" | "new";
    /** Names and addresses it is for. */
    readonly hosts?: readonly string[];
    /** Dates of the new certificate: valid now, past them, or not there yet. */
    readonly validity?: "valid" | "expired" | "notYetValid";
    /** Of a valid one: how long from now on; 825 if left out. */
    readonly days?: number;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const HOSTS = ["localhost", "127.0.0.1", "::1"];
const DAY = 86_400_000;

const crypto = webcrypto as unknown as Crypto;

export async function createAuthority(name = `ThingsBoard emulator CA ${randomHex(4)}`): Promise<Authority> {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned(
        {
            name: [{ CN: [name] }],
            keys,
            serialNumber: serialNumber(),
            signingAlgorithm: ALGORITHM,
            notBefore: new Date(Date.now() - DAY),
            notAfter: new Date(Date.now() + 3650 * DAY),
            extensions: [
                new x509.BasicConstraintsExtension(true, undefined, true),
                new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
                await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
            ],
        },
        crypto,
    );
    return { caPem: pem(certificate.toString("pem")), keyPem: await exportKey(keys.privateKey) };
}

export async function createServerCertificate(authority: Authority, rotation: Rotation = {}): Promise<ServerCertificate> {
    const issuer = new x509.X509Certificate(authority.caPem);
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const [from, to] = { valid: [-1, rotation.days ?? 825], expired: [-30, -1], notYetValid: [2, 30] }[rotation.validity ?? "valid"] as [number, number];
    const hosts = rotation.hosts ?? HOSTS;
    const certificate = await x509.X509CertificateGenerator.create(
        {
            subject: `CN=${hosts[0] ?? "localhost"}`,
            issuer: issuer.subject,
            publicKey: keys.publicKey,
            signingKey: await importKey(authority.keyPem),
            serialNumber: serialNumber(),
            signingAlgorithm: ALGORITHM,
            notBefore: new Date(Date.now() + from * DAY),
            notAfter: new Date(Date.now() + to * DAY),
            extensions: [
                new x509.BasicConstraintsExtension(false, undefined, true),
                new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
                new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
                new x509.SubjectAlternativeNameExtension(hosts.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? ("ip" as const) : ("dns" as const), value }))),
                await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, crypto),
            ],
        },
        crypto,
    );
    const leafPem = pem(certificate.toString("pem"));
    return { leafPem, chainPem: leafPem + authority.caPem, keyPem: await exportKey(keys.privateKey) };
}

const pem = (text: string): string => `${text.trim()}\n`;

const randomHex = (bytes: number): string => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");

/** 16 bytes, positive. */
const serialNumber = (): string => `4${randomHex(16).slice(1)}`;

const exportKey = async (key: CryptoKey): Promise<string> => pem(x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY"));

const importKey = (text: string): Promise<CryptoKey> =>
    crypto.subtle.importKey("pkcs8", new Uint8Array(x509.PemConverter.decodeFirst(text)), ALGORITHM, false, ["sign"]);
