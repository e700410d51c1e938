// PKCS#12 as OpenSSL and Java's keytool read it, for each kind of key.

import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pkcs12 } from "../../../sdk/x509/pkcs12";
import { keyAndCertificate, openssl, rootAuthority } from "../../support/openssl";

let folder: string;
beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-pkcs12-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const password = "a 'pass' \"word\"";

test.each(["EC", "RSA"] as const)("%s: one entry with its key, its chain and its name", async kind => {
    const { certificatePem, privateKeyPem } = keyAndCertificate(kind, "pump-1");
    const certificates = [certificatePem, rootAuthority("Root").certificatePem].map(pem => new X509Certificate(pem));
    const file = path.join(folder, `${kind}.p12`);
    writeFileSync(file, await pkcs12({ privateKeyPem, certificates, password, alias: "pump-1" }));

    const read = openssl(["pkcs12", "-in", file, "-passin", `pass:${password}`, "-nodes"]);
    expect(read.match(/-----BEGIN [A-Z ]+-----/g)).toEqual(expect.arrayContaining(["-----BEGIN PRIVATE KEY-----", "-----BEGIN CERTIFICATE-----"]));
    expect(openssl(["pkey"], read)).toBe(openssl(["pkey"], privateKeyPem));
    // The key and its certificate have the name, those above have none.
    expect(read.match(/friendlyName: pump-1/g)).toHaveLength(2);
    expect(() => openssl(["pkcs12", "-in", file, "-passin", "pass:wrong", "-nodes"])).toThrow("invalid password");

    const listed = execFileSync("keytool", ["-list", "-v", "-storetype", "PKCS12", "-keystore", file, "-storepass", password], { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
    expect(listed).toContain("Alias name: pump-1");
    expect(listed).toContain("Entry type: PrivateKeyEntry");
    expect(listed).toContain("Owner: CN=pump-1");
});
