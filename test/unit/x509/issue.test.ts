// Keys and certificates made here, as somebody else reads them.

import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { commonNameOf, issue } from "../../../sdk/x509/issue";
import { subjectKeyIdentifier } from "../../../sdk/x509/keyIdentifier";
import { readLeaf, toPem } from "../../../sdk/x509/leaf";

const now = new Date("2026-11-24T10:00:00.500Z");
const made = (rest: Partial<Parameters<typeof issue>[0]> = {}) => issue({ commonName: "pump-1", algorithm: "EC_P256", validityDays: 365, ...rest }, now);
const openssl = (pem: string, ...args: string[]) => execFileSync("openssl", args, { input: pem, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });

test.each(["EC_P256", "EC_P384", "RSA_2048"] as const)("%s: the certificate of a client, signed by its own key", async algorithm => {
    const { certificate, key, notAfter } = await made({ algorithm });
    const read = new X509Certificate(toPem(certificate));
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.checkPrivateKey(createPrivateKey(toPem(key, "PRIVATE KEY")))).toBe(true);
    expect(read.ca).toBe(false);
    expect(notAfter.toISOString()).toBe("2027-11-24T10:00:00.000Z");
    expect(readLeaf(toPem(certificate)).notAfter).toEqual(notAfter);
    const text = openssl(toPem(certificate), "x509", "-noout", "-text");
    expect(text).toContain("Version: 3");
    expect(text).toMatch(/Issuer: CN ?= ?pump-1/);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature/);
    expect(text).toContain("TLS Web Client Authentication");
    expect(text).toContain("Subject Key Identifier");
    expect(text).not.toContain("Authority Key Identifier");
});

test("a kept key gives another certificate for the same key", async () => {
    const first = await made();
    const second = await made({ key: first.key });
    expect(second.key).toBe(first.key);
    expect(second.certificate).not.toBe(first.certificate);
});

test("begins five minutes ago and lasts as many days as asked, in whole seconds; serial numbers are positive and differ", async () => {
    const certificates = await Promise.all([made(), made({ validityDays: 1 })]);
    const [year, day] = certificates.map(({ certificate }) => new X509Certificate(toPem(certificate)));
    expect(new Date(year!.validFrom).toISOString()).toBe("2026-11-24T09:55:00.000Z");
    expect(new Date(year!.validTo).toISOString()).toBe("2027-11-24T10:00:00.000Z");
    expect(new Date(day!.validTo).toISOString()).toBe("2026-11-25T10:00:00.000Z");
    for (const { serialNumber } of [year!, day!]) expect(serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(year!.serialNumber).not.toBe(day!.serialNumber);
});

test.each([["RSA_3072", 3072], ["RSA_4096", 4096]] as const)("%s has %i bits, and its signature is SHA-256 with RSA", async (algorithm, bits) => {
    const { certificate } = await made({ algorithm });
    const read = new X509Certificate(toPem(certificate));
    expect(read.publicKey.asymmetricKeyDetails?.modulusLength).toBe(bits);
    expect(openssl(toPem(certificate), "x509", "-noout", "-text")).toContain("Signature Algorithm: sha256WithRSAEncryption");
});

test("names beyond ASCII, and validity beyond 2050", async () => {
    const { certificate } = await made({ commonName: "Größe 泵", validityDays: 36_500 });
    const read = new X509Certificate(toPem(certificate));
    expect(read.subject).toBe("CN=Größe 泵");
    expect(new Date(read.validTo).getUTCFullYear()).toBe(2126);
});

test("a name of a device may be longer than a common name: it is cut between characters", async () => {
    const { certificate } = await made({ commonName: commonNameOf("💧".repeat(70)) });
    expect(new X509Certificate(toPem(certificate)).subject).toBe(`CN=${"💧".repeat(64)}`);
    expect(commonNameOf("pump-1")).toBe("pump-1");
});

test.each([
    ["ec", "prime256v1", "ecdsa-with-SHA256"],
    ["ec", "secp384r1", "ecdsa-with-SHA384"],
    ["ec", "secp521r1", "ecdsa-with-SHA256"],
    ["rsa", "2048", "sha256WithRSAEncryption"],
    ["ed25519", "", "ED25519"],
])("signed by an authority of kind %s %s, as openssl verifies it", async (kind, size, signature) => {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-issue-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = (name: string) => path.join(folder, name);
    const key = kind === "ec" ? ["-newkey", "ec", "-pkeyopt", `ec_paramgen_curve:${size}`] : ["-newkey", size === "" ? kind : `${kind}:${size}`];
    openssl("", "req", "-x509", ...key, "-nodes", "-days", "30", "-keyout", file("ca.key"), "-out", file("ca.pem"), "-subj", "/C=DE/O=Größe/CN=factory", "-utf8", "-addext", "keyUsage=critical,keyCertSign,cRLSign");
    const authority = { certificatePem: readFileSync(file("ca.pem"), "utf8"), privateKeyPem: readFileSync(file("ca.key"), "utf8") };
    const { certificate, key: own } = await issue({ commonName: "pump-1", algorithm: "EC_P256", validityDays: 10, authority }, new Date());
    writeFileSync(file("leaf.pem"), toPem(certificate));
    const keyIdentifier = (file: string, name: string) => new RegExp(`X509v3 ${name} Key Identifier: *\\n\\s+(?:keyid:)?([0-9A-F:]+)`).exec(openssl("", "x509", "-in", file, "-noout", "-text"))?.[1];
    expect(keyIdentifier(file("leaf.pem"), "Authority")).toBe(keyIdentifier(file("ca.pem"), "Subject"));
    expect(keyIdentifier(file("leaf.pem"), "Subject")).not.toBe(keyIdentifier(file("ca.pem"), "Subject"));
    expect(openssl(toPem(certificate), "x509", "-noout", "-text")).toContain(`Signature Algorithm: ${signature}\n`);
    expect(openssl("", "verify", "-x509_strict", "-CAfile", file("ca.pem"), file("leaf.pem"))).toContain("leaf.pem: OK");
    expect(new X509Certificate(toPem(certificate)).checkPrivateKey(createPrivateKey(toPem(own, "PRIVATE KEY")))).toBe(true);
});

describe("the identifier of a key", () => {
    const authority = (...args: string[]) => openssl("", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "-", "-subj", "/CN=factory", ...args);
    const pair = (pem: string) => ({ certificatePem: pem.slice(pem.indexOf("-----BEGIN CERTIFICATE")), privateKeyPem: pem });

    test("is the one that the authority's certificate gives it, whatever it is", async () => {
        const given = pair(authority("-addext", "subjectKeyIdentifier=0102030405"));
        expect(subjectKeyIdentifier(new X509Certificate(given.certificatePem))).toBe("01:02:03:04:05");
        const { certificate } = await made({ authority: given });
        expect(openssl(toPem(certificate), "x509", "-noout", "-ext", "authorityKeyIdentifier")).toMatch(/ 01:02:03:04:05\n/);
    });

    test("is made of the key where the certificate gives none, as openssl makes it", () => {
        const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-issue-"));
        onTestFinished(() => rmSync(folder, { recursive: true }));
        const key = path.join(folder, "key.pem");
        writeFileSync(key, authority(), { mode: 0o600 });
        const identifier = (...args: string[]) => subjectKeyIdentifier(new X509Certificate(openssl("", "req", "-x509", "-key", key, "-subj", "/CN=factory", ...args)));
        expect(identifier("-addext", "subjectKeyIdentifier=none", "-addext", "authorityKeyIdentifier=none")).toBe(identifier());
        // The oldest kind has no extensions at all.
        const oldest = openssl(openssl("", "req", "-new", "-key", key, "-subj", "/CN=factory"), "x509", "-req", "-signkey", key);
        expect(subjectKeyIdentifier(new X509Certificate(oldest))).toBe(identifier());
    });

    test("a key that signs no certificates of ours is told", async () => {
        const pss = pair(openssl("", "req", "-x509", "-newkey", "rsa-pss", "-nodes", "-keyout", "-", "-subj", "/CN=factory"));
        await expect(made({ authority: pss })).rejects.toThrow("the authority's key is of type rsa-pss: use one of EC P-256");
    });
});
