// Keys and certificates made here, as somebody else reads them.

import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { issue } from "../../../sdk/x509/issue";
import { readLeaf, toPem } from "../../../sdk/x509/leaf";

const now = new Date("2026-11-24T10:00:00.500Z");
const made = (rest: Partial<Parameters<typeof issue>[0]> = {}) => issue({ commonName: "pump-1", algorithm: "EC_P256", validityDays: 365, ...rest }, now);
const openssl = (pem: string, ...args: string[]) => execFileSync("openssl", args, { input: pem, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });

test.each(["EC_P256", "RSA_2048"] as const)("%s: the certificate of a client, signed by its own key", async algorithm => {
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

test.each([["ec", "prime256v1"], ["ec", "secp384r1"], ["ec", "secp521r1"], ["rsa", "2048"], ["ed25519", "keys"]])("signed by an authority of kind %s %s, as openssl verifies it", async (kind, size) => {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-issue-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = (name: string) => path.join(folder, name);
    const key = kind === "ec" ? ["-newkey", "ec", "-pkeyopt", `ec_paramgen_curve:${size}`] : ["-newkey", kind === "rsa" ? `rsa:${size}` : kind];
    openssl("", "req", "-x509", ...key, "-nodes", "-days", "30", "-keyout", file("ca.key"), "-out", file("ca.pem"), "-subj", "/C=DE/O=Größe/CN=factory", "-utf8", "-addext", "keyUsage=critical,keyCertSign,cRLSign");
    const authority = { certificatePem: readFileSync(file("ca.pem"), "utf8"), privateKeyPem: readFileSync(file("ca.key"), "utf8") };
    const { certificate, key: own } = await issue({ commonName: "pump-1", algorithm: "EC_P256", validityDays: 10, authority }, new Date());
    writeFileSync(file("leaf.pem"), toPem(certificate));
    const keyIdentifier = (file: string, name: string) => new RegExp(`X509v3 ${name} Key Identifier: *\\n\\s+(?:keyid:)?([0-9A-F:]+)`).exec(openssl("", "x509", "-in", file, "-noout", "-text"))?.[1];
    expect(keyIdentifier(file("leaf.pem"), "Authority")).toBe(keyIdentifier(file("ca.pem"), "Subject"));
    expect(keyIdentifier(file("leaf.pem"), "Subject")).not.toBe(keyIdentifier(file("ca.pem"), "Subject"));
    expect(openssl("", "verify", "-x509_strict", "-CAfile", file("ca.pem"), file("leaf.pem"))).toContain("leaf.pem: OK");
    expect(new X509Certificate(toPem(certificate)).checkPrivateKey(createPrivateKey(toPem(own, "PRIVATE KEY")))).toBe(true);
});
