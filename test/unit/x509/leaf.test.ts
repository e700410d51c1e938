import { execFileSync } from "node:child_process";
import { createHash, createPublicKey } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyId, leafFault, readLeaf, toPem } from "../../../sdk/x509/leaf";

const pem = selfSigned("pump-1");
const now = new Date();

describe("readLeaf", () => {
    it("identifies a certificate as ThingsBoard does, whatever its line ends", () => {
        expect(readLeaf(pem).credentialsId).toMatch(/^[0-9a-f]{64}$/);
        expect(readLeaf(pem.replaceAll("\n", "\r\n"))).toEqual(readLeaf(pem));
        expect(toPem(readLeaf(pem).base64Der)).toBe(pem);
    });

    it("computes the ids that ThingsBoard's own API documentation shows for its sample certificate", () => {
        expect(readLeaf(thingsBoardSample).credentialsId).toBe("84f5911765abba1f96bf4165604e9e90338fc6214081a8e623b6ff9669aedb27");
    });

    it("agrees with openssl on fingerprint, serial number and dates", () => {
        const openssl = (...args: string[]) => execFileSync("openssl", ["x509", "-noout", ...args], { input: pem, encoding: "utf8" }).trim();
        const leaf = readLeaf(pem);
        expect(openssl("-fingerprint", "-sha256").split("=")[1]).toBe(leaf.fingerprint);
        expect(openssl("-serial").split("=")[1]).toBe(leaf.serialNumber);
        expect(new Date(openssl("-enddate").split("=")[1]!)).toEqual(leaf.notAfter);
        expect(new Date(openssl("-startdate").split("=")[1]!)).toEqual(leaf.notBefore);
    });

    it.each([
        ["hello", "no PEM block"],
        [pem + selfSigned("ca"), "a chain of 2 certificates"],
        ["-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "a private key (PRIVATE KEY)"],
        ["-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n" + pem, "a private key (EC PRIVATE KEY and CERTIFICATE)"],
        ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "does not hold a certificate"],
        ["-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "expected one PEM certificate, found PUBLIC KEY"],
        ["-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n" + pem, "found CERTIFICATE REQUEST and CERTIFICATE"],
        [7 as never, "found a value of type number"],
        ["x".repeat(100_000), "100000 characters"],
    ])("says what it found instead of a certificate (%#)", (text, found) => {
        expect(() => readLeaf(text)).toThrow(found);
    });

    it("looks at text of 64 KB and no more", () => {
        expect(readLeaf(pem.padEnd(64 * 1024, "\n"))).toEqual(readLeaf(pem));
        expect(() => readLeaf(pem.padEnd(64 * 1024 + 1, "\n"))).toThrow("65537 characters");
    });

    it("has the whole subject on one line", () => {
        expect(readLeaf(selfSigned("pump-1/O=Acme")).subject).toBe("CN=pump-1, O=Acme");
    });

    it("answers any text with a certificate or a sentence", () => {
        fc.assert(
            fc.property(fc.oneof(fc.string(), corrupted(pem)), text => {
                try {
                    readLeaf(text);
                } catch (error) {
                    expect(error).toMatchObject({ name: "UserError" });
                }
            }),
            { numRuns: 500 },
        );
    });
});

describe("leafFault", () => {
    it("accepts a certificate that is valid, and names its date once it is not", () => {
        expect(leafFault(pem, now)).toBeUndefined();
        const { notAfter } = readLeaf(pem);
        expect(leafFault(pem, notAfter)).toBeUndefined();
        expect(leafFault(pem, new Date(notAfter.getTime() + 1))).toContain("expired on");
        const later = new Date(now.getTime() + 2 * 86_400_000);
        expect(leafFault(pem, later)).toContain(`expired on ${readLeaf(pem).notAfter.toISOString()}`);
    });

    it("names a certificate without a subject, which is read nevertheless", () => {
        const nameless = execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/null", "-subj", "/"], { encoding: "utf8", stdio: "pipe" });
        expect(readLeaf(nameless).subject).toBe("");
        expect(leafFault(nameless, now)).toBe("the certificate has no subject: ThingsBoard ends the TLS handshake of such a device (bad_certificate); issue one with a common name");
    });

    it("names an RSA key that is too short", () => {
        expect(leafFault(selfSigned("weak", "rsa:1024"), now)).toContain("RSA key has 1024 bits");
        expect(leafFault(selfSigned("strong", "rsa:2048"), now)).toBeUndefined();
    });
});

describe("keyId", () => {
    it("is that of the public key, as openssl has it, and of no certificate none", () => {
        const der = createPublicKey(execFileSync("openssl", ["x509", "-noout", "-pubkey"], { input: pem, encoding: "utf8" })).export({ type: "spki", format: "der" });
        expect(keyId(readLeaf(pem).base64Der)).toBe(createHash("sha256").update(der).digest("hex"));
        for (const text of ["", "AAAA", "hello"]) expect(keyId(text)).toBeUndefined();
    });
});

const corrupted = (text: string) =>
    fc.tuple(fc.nat(text.length - 1), fc.string({ maxLength: 3 })).map(([at, noise]) => text.slice(0, at) + noise + text.slice(at + 1));

function selfSigned(commonName: string, key = "ec"): string {
    const curve = key === "ec" ? ["-pkeyopt", "ec_paramgen_curve:prime256v1"] : [];
    return execFileSync("openssl", ["req", "-x509", "-newkey", key, ...curve, "-nodes", "-days", "1", "-keyout", "/dev/null", "-subj", `/CN=${commonName}`], { stdio: "pipe", encoding: "utf8" });
}

/** The X.509 sample in ThingsBoard's API documentation of `POST /api/device-with-credentials`, its blanks taken out. */
const thingsBoardSample = toPem(
    [
        "MIICMTCCAdegAwIBAgIUI9dBuwN6pTtK6uZ03rkiCwV4wEYwCgYIKoZIzj0EAwIwbjELMAkGA1UEBhMCVVMxETAPBgNVBAgMCE5ldyBZb3JrMRowGAYDVQQK",
        "DBFUaGluZ3NCb2FyZCwgSW5jLjEwMC4GA1UEAwwnZGV2aWNlQ2VydGlmaWNhdGVAWDUwOVByb3Zpc2lvblN0cmF0ZWd5MB4XDTIzMDMyOTE0NTYxN1oXDTI0",
        "MDMyODE0NTYxN1owbjELMAkGA1UEBhMCVVMxETAPBgNVBAgMCE5ldyBZb3JrMRowGAYDVQQKDBFUaGluZ3NCb2FyZCwgSW5jLjEwMC4GA1UEAwwnZGV2aWNl",
        "Q2VydGlmaWNhdGVAWDUwOVByb3Zpc2lvblN0cmF0ZWd5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9Zo791qKQiGNBm11r4ZGxh+w+ossZL3xc46ufq5Q",
        "ckQHP7zkD2XDAcmP5GvdkM1sBFN9AWaCkQfNnWmfERsOOKNTMFEwHQYDVR0OBBYEFFFc5uyCyglQoZiKhzXzMcQ3BKORMB8GA1UdIwQYMBaAFFFc5uyCyglQ",
        "oZiKhzXzMcQ3BKORMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhANbA9CuhoOifZMMmqkpuld+65CR+ItKdXeRAhLMZuccuAiB0FSQB34zM",
        "utXrZj1g8Gl5OkE7YryFHbei1z0SveHR8g==",
    ].join(""),
);
