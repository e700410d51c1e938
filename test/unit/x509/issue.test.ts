// Keys and certificates made here, as somebody else reads them.

import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { issueSelfSigned } from "../../../sdk/x509/issue";
import { readLeaf, toPem } from "../../../sdk/x509/leaf";

const now = new Date("2026-11-24T10:00:00.500Z");
const issue = (rest: Partial<Parameters<typeof issueSelfSigned>[0]> = {}) => issueSelfSigned({ commonName: "pump-1", algorithm: "EC_P256", validityDays: 365, ...rest }, now);
const openssl = (pem: string, ...args: string[]) => execFileSync("openssl", args, { input: pem, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });

test.each(["EC_P256", "RSA_2048"] as const)("%s: the certificate of a client, signed by its own key", async algorithm => {
    const { certificate, key, notAfter } = await issue({ algorithm });
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
    const first = await issue();
    const second = await issue({ key: first.key });
    expect(second.key).toBe(first.key);
    expect(second.certificate).not.toBe(first.certificate);
});

test("names beyond ASCII, and validity beyond 2050", async () => {
    const { certificate } = await issue({ commonName: "Größe 泵", validityDays: 36_500 });
    const read = new X509Certificate(toPem(certificate));
    expect(read.subject).toBe("CN=Größe 泵");
    expect(new Date(read.validTo).getUTCFullYear()).toBe(2126);
});
