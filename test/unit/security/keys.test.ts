// Keys and signatures that protect nobody, and keys under a passphrase: refused or warned of, and never quoted.

import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prepare } from "../../../sdk/mqtt/prepare";
import { bundleFiles } from "../../../sdk/reconcilers/bundleContent";
import { credentialFailures, weaknessOf } from "../../../sdk/reconcilers/deviceCredentialInputs";
import { readAuthority } from "../../../sdk/x509/chain";
import { leafFault } from "../../../sdk/x509/leaf";
import { checkRequest } from "../../../sdk/x509/request";
import { keyFault, weakHash } from "../../../sdk/x509/strength";
import { encrypted } from "../mqtt/certificates";
import { keyAndCertificate, openssl } from "../../support/openssl";

let folder: string;
beforeAll(() => void (folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-keys-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const now = new Date();
const certificate = (...args: string[]) => openssl(["req", "-x509", "-nodes", "-days", "30", "-keyout", "/dev/null", "-subj", "/CN=pump-1", ...args]);
const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
const failuresOf = (certificatePem: string) => credentialFailures({}, { deviceName: "pump-1", certificatePem, declaredBy: "p/s/pump-1" }, now).map(({ reason }) => reason);

/** Signed by another, with the hash that is asked for. */
function signedBy(root: { certificatePem: string; privateKeyPem: string }, hash: string, ...extensions: string[]): string {
    const [rootFile, keyFile, own] = ["root.pem", "root.key", "own.key"].map(name => path.join(folder, name)) as [string, string, string];
    writeFileSync(rootFile, root.certificatePem);
    writeFileSync(keyFile, root.privateKeyPem, { mode: 0o600 });
    return openssl(["req", "-x509", ...ec, "-nodes", "-keyout", own, "-days", "30", "-subj", "/CN=pump-1", `-${hash}`, "-CA", rootFile, "-CAkey", keyFile, ...extensions]);
}

describe("keys that are too short are refused", () => {
    test.each([
        ["RSA 1024", ["-newkey", "rsa:1024"], "the certificate's RSA key has 1024 bits: use at least 2048, or EC P-256"],
        ["P-192", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime192v1"], "the certificate's key is on the curve prime192v1, which has 192 bits: use EC P-256"],
        ["sect163k1", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:sect163k1"], "the certificate's key is on the curve sect163k1, which has 163 bits: use EC P-256"],
    ])("%s", async (_case, args, sentence) => {
        const pem = certificate(...args);
        expect(failuresOf(pem)).toEqual([`device "pump-1": certificatePem: ${sentence}`]);
        expect(() => readAuthority(pem, "certificatePem", now)).toThrow('certificatePem: the authority "CN=pump-1" is weak: its ');
        const csr = openssl(["req", "-new", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=pump-1", ...args]);
        await expect(checkRequest(csr, { CN: "pump-1" })).rejects.toThrow(/^its (RSA key has 1024 bits|key is on the curve)/);
    });

    test("DSA", () => {
        expect(keyFault(generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 }).publicKey)).toContain("key is of type DSA");
    });

    test.each([["RSA 2048", ["-newkey", "rsa:2048"]], ["P-256", ec], ["P-384", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"]], ["secp521r1", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp521r1"]], ["brainpoolP256r1", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"]], ["Ed25519", ["-newkey", "ed25519"]]])("%s is good", (_case, args) => {
        expect(leafFault(certificate(...args), now)).toBeUndefined();
    });
});

describe("signatures that can be forged", () => {
    test.each([["SHA-1", "sha1", ec], ["SHA-1", "sha1", ["-newkey", "rsa:2048"]], ["MD5", "md5", ["-newkey", "rsa:2048"]], ["SHA-1", "sha1", ["-newkey", "rsa:2048", "-sigopt", "rsa_padding_mode:pss"]]])("%s is warned of in a device's certificate", (name, hash, args) => {
        const pem = certificate(...args, `-${hash}`);
        expect(failuresOf(pem)).toEqual([]);
        expect(weaknessOf({ deviceName: "pump-1", certificatePem: pem, declaredBy: "p/s/n" })).toBe(
            `device "pump-1": its certificate is signed with ${name}, which can be forged and which clients and servers with current TLS libraries refuse; issue one that is signed with SHA-256`,
        );
    });

    test.each(["sha256", "sha384", "sha512"])("%s is not", hash => {
        for (const args of [ec, ["-newkey", "rsa:2048"], ["-newkey", "rsa:2048", "-sigopt", "rsa_padding_mode:pss"]]) expect(weakHash(new X509Certificate(certificate(...args, `-${hash}`)))).toBeUndefined();
        expect(weakHash(new X509Certificate(certificate("-newkey", "ed25519")))).toBeUndefined();
    });

    test("an authority below another is refused with it; a root's own signature means nothing", () => {
        const root = keyAndCertificate("RSA", "Root");
        const authority = ["-addext", "basicConstraints=critical,CA:TRUE"];
        expect(() => readAuthority(signedBy(root, "sha1", ...authority), "certificatePem", now)).toThrow('certificatePem: the authority "CN=pump-1" is signed with SHA-1, which can be forged: have it issued again with SHA-256');
        expect(readAuthority(signedBy(root, "sha256", ...authority), "certificatePem", now).ca).toBe(true);
        expect(readAuthority(certificate("-newkey", "rsa:2048", "-sha1"), "certificatePem", now).ca).toBe(true);
    });
});

describe("a key under a passphrase", () => {
    const { certificatePem, privateKeyPem } = keyAndCertificate("EC", "pump-1");
    const pkcs8 = encrypted(privateKeyPem);
    const body = pkcs8.split("\n")[1]!;

    test("is refused with one sentence by the check and by a bundle, and is not quoted", async () => {
        const look = () => prepare({ mode: "connect", host: "tb.example", port: 8883, certificatePem, privateKeyPem: pkcs8 });
        expect(look).toThrow(/^the device's private key is encrypted: give it without a passphrase, as a secret$/);
        const bundle = bundleFiles({ certificatePem, privateKeyPem: pkcs8, topic: "t", declaredBy: "p/s/n" }, { host: "tb.example", port: 8883 }, {});
        await expect(bundle).rejects.toThrow(/^privateKeyPem is encrypted: give it without a passphrase, as a secret$/);
        await expect(bundle).rejects.not.toThrow(body);
    });

    test("in OpenSSL's own older form too", async () => {
        const key = path.join(folder, "ec.key");
        openssl(["ec", "-aes256", "-passout", "pass:a-passphrase", "-out", key], privateKeyPem);
        const legacy = readFileSync(key, "utf8");
        const bundle = bundleFiles({ certificatePem, privateKeyPem: legacy, topic: "t", declaredBy: "p/s/n" }, { host: "tb.example", port: 8883 }, {});
        await expect(bundle).rejects.toThrow(/^privateKeyPem is encrypted/);
    });
});
