// Requests that must not be signed, each with its reason.

import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import * as asn1 from "@peculiar/asn1-x509";
import * as x509 from "@peculiar/x509";
import { expect, test } from "vitest";
import { checkRequest, requestDer } from "../../../sdk/x509/request";
import { certificateRequest, openssl } from "../../support/openssl";

const good = certificateRequest("/CN=pump-1/O=Acme");
const acme = { CN: "pump-1", O: "Acme" };

test("a request for what was declared is fine, also with the name once more as a DNS name", async () => {
    await checkRequest(good.csrPem, acme);
    await checkRequest(certificateRequest("/CN=pump-1", "-addext", "subjectAltName=DNS:pump-1").csrPem, { CN: "pump-1" });
    await checkRequest(certificateRequest("/CN=pump-1", "-addext", "keyUsage=digitalSignature", "-addext", "extendedKeyUsage=clientAuth").csrPem, { CN: "pump-1" });
});

test.each([
    ["/CN=pump-2/O=Acme", "it is for CN=pump-2, and CN=pump-1 was declared"],
    ["/CN=pump-1/O=Acme/OU=Admins", "its subject has OU=Admins, which was not declared"],
    ["/CN=pump-1/CN=pump-1/O=Acme", "its subject has CN more than once"],
    ["/CN=pump-1", "its subject lacks O=Acme"],
])("subject %s: %s", async (subject, reason) => {
    await expect(checkRequest(certificateRequest(subject).csrPem, acme)).rejects.toThrow(reason);
});

test("alternative names would be copied into the certificate, and are refused", async () => {
    for (const name of ["DNS:thingsboard.example.com", "IP:10.0.0.1", "URI:urn:x"]) {
        const { csrPem } = certificateRequest("/CN=pump-1/O=Acme", "-addext", `subjectAltName=${name}`);
        await expect(checkRequest(csrPem, acme)).rejects.toThrow("it asks for the alternative name");
    }
});

test("extensions in a second place, which are not read here and by Go's readers are, are refused", async () => {
    const list = (extension: { rawData: ArrayBuffer }) => AsnConvert.serialize(new asn1.Extensions([AsnConvert.parse(extension.rawData, asn1.Extension)]));
    const [plain, foreign] = [list(new x509.BasicConstraintsExtension(false)), list(new x509.SubjectAlternativeNameExtension([{ type: "dns", value: "thingsboard.example.com" }]))];
    const crypto = webcrypto as unknown as Crypto;
    const signingAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const keys = await crypto.subtle.generateKey(signingAlgorithm, true, ["sign", "verify"]);
    const asking = (...values: ArrayBuffer[][]) => x509.Pkcs10CertificateRequestGenerator.create({ name: "CN=pump-1", keys, signingAlgorithm, attributes: values.map(value => new x509.Attribute("1.2.840.113549.1.9.14", value)) }, crypto);
    await checkRequest((await asking([plain])).toString("pem"), { CN: "pump-1" });
    for (const hidden of [await asking([plain], [foreign]), await asking([plain, foreign])]) {
        await expect(checkRequest(hidden.toString("pem"), { CN: "pump-1" })).rejects.toThrow("it asks for extensions in more than one place");
    }
});

test("a changed request, and one with another's key in it, are refused", async () => {
    const der = Buffer.from(good.csrPem.replace(/-----[^-]+-----|\s/g, ""), "base64");
    const at = der.indexOf("Acme");
    der.write("Ecma", at);
    const changed = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64").replace(/(.{64})/g, "$1\n")}\n-----END CERTIFICATE REQUEST-----\n`;
    await expect(checkRequest(changed, { CN: "pump-1", O: "Ecma" })).rejects.toThrow("its signature does not fit its key");
});

test("a signature of a kind that nobody should rely on is as good as a wrong one", async () => {
    const md5 = openssl(["req", "-new", "-md5", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=pump-1/O=Acme"]);
    await expect(checkRequest(md5, acme)).rejects.toThrow("its signature does not fit its key");
});

test("a request has one spelling, whatever its line ends, and with anything beside it none", () => {
    const der = Buffer.from(good.csrPem.replace(/-----[^-]+-----|\s/g, ""), "base64").toString("base64");
    for (const pem of [good.csrPem, good.csrPem.replaceAll("\n", "\r\n"), `\n  ${good.csrPem}\n\n`, good.csrPem.replaceAll("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")]) expect(requestDer(pem)).toBe(der);
    for (const text of [good.csrPem + good.csrPem, `a ${good.csrPem}`, `${good.csrPem}b`, good.privateKeyPem, "", "hello", good.csrPem.padEnd(64 * 1024) + good.csrPem]) expect(requestDer(text)).toBeUndefined();
    expect(requestDer(7 as never)).toBeUndefined();
});

test("weak keys, keys where none belong, and other texts are refused", async () => {
    const weak = openssl(["req", "-new", "-newkey", "rsa:1024", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=pump-1/O=Acme"]);
    await expect(checkRequest(weak, acme)).rejects.toThrow("its RSA key has 1024 bits");
    await expect(checkRequest(good.csrPem + good.privateKeyPem, acme)).rejects.toThrow("it holds a private key");
    for (const text of ["", "hello", good.csrPem + good.csrPem, "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"]) {
        await expect(checkRequest(text, acme)).rejects.toThrow("it is no certificate request that can be read");
    }
});

test("a request whose key can't be taken apart has a sentence, too", async () => {
    const der = Buffer.from(openssl(["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=pump-1"]).replace(/-----[^-]+-----|\s/g, ""), "base64");
    // Into the modulus' own tag.
    const modulus = der.indexOf(Buffer.from([0x02, 0x82, 0x01, 0x01]));
    der[modulus] = 0x04;
    const torn = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    await expect(checkRequest(torn, { CN: "pump-1" })).rejects.toThrow("it is no certificate request that can be read");
});

test("the kinds of key that ThingsBoard's TLS takes may ask, others may not", async () => {
    const asked = (...key: string[]) => openssl(["req", "-new", ...key, "-nodes", "-keyout", "/dev/null", "-subj", "/CN=pump-1/O=Acme"]);
    await checkRequest(asked("-newkey", "rsa:2048"), acme);
    await checkRequest(asked("-newkey", "ed25519"), acme);
    await expect(checkRequest(asked("-newkey", "ed448"), acme)).rejects.toThrow("its key is of type ed448");
});

test("the older label is a request too, and what is too long or no text is none", async () => {
    await checkRequest(good.csrPem.replaceAll("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"), acme);
    await checkRequest(good.csrPem.padEnd(64 * 1024, "\n"), acme);
    await expect(checkRequest(good.csrPem.padEnd(64 * 1024 + 1, "\n"), acme)).rejects.toThrow("it is no text of a certificate request");
    await expect(checkRequest(undefined as never, acme)).rejects.toThrow("it is no text of a certificate request");
});

test("alternative names of other kinds are refused with the device's own name, too", async () => {
    await expect(checkRequest(certificateRequest("/CN=pump-1", "-addext", "subjectAltName=email:pump-1").csrPem, { CN: "pump-1" })).rejects.toThrow('it asks for the alternative name email "pump-1"');
    await expect(checkRequest(certificateRequest("/CN=pump-1", "-addext", "subjectAltName=DNS:pump-1,DNS:pump-2").csrPem, { CN: "pump-1" })).rejects.toThrow('dns "pump-2"');
});
