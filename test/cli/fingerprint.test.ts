// `pulumi-thingsboard fingerprint`, held against openssl and against what ThingsBoard computes.

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { keyAndCertificate, openssl } from "../support/openssl";
import { makeCert } from "../emulator/support";
import { command, folder, json } from "./support";

test("says what openssl says, and what ThingsBoard calls it", async () => {
    const { certificatePem } = keyAndCertificate("RSA", "pump-1");
    const [found] = json<Record<string, unknown>[]>(await command({}, ["fingerprint", "-", "--json"], { input: certificatePem }));
    const said = (...options: string[]) => openssl(["x509", "-noout", ...options], certificatePem).trim();
    expect(found).toEqual({
        file: "-",
        credentialsId: createHash("sha3-256").update(certificatePem.replace(/-----.*-----|\s/g, "")).digest("hex"),
        sha256: said("-fingerprint", "-sha256").replace(/^.*=/, ""),
        subject: "CN=pump-1",
        issuer: "CN=pump-1",
        selfSigned: true,
        authority: true,
        serialNumber: said("-serial").replace("serial=", ""),
        notBefore: new Date(said("-startdate").replace("notBefore=", "")).toISOString(),
        notAfter: new Date(said("-enddate").replace("notAfter=", "")).toISOString(),
        daysLeft: 29,
        keyAlgorithm: "RSA 2048",
        subjectKeyIdentifier: said("-ext", "subjectKeyIdentifier").split("\n").at(-1)!.trim(),
    });
});

test("prints each certificate of each file, and leaves keys alone", async () => {
    const at = folder();
    const authority = makeCert({ cn: "Root", ca: true });
    const device = makeCert({ cn: "pump-2", issuer: authority });
    const ran = await command({}, ["fingerprint", at.write("both.pem", device.key + device.pem + authority.pem), at.write("one.pem", device.pem)]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout.match(/^credentialsId .*/gm)!.map(line => line.replace(/^credentialsId +/, ""))).toEqual([device.id, authority.id, device.id]);
    expect(ran.stdout).toMatch(/^key +EC P-256, of an authority$/m);
    expect(ran.stdout).not.toContain("PRIVATE");
});

describe("--expires-within", () => {
    test("fails for what ends within these days, and says which", async () => {
        const at = folder();
        const files = [at.write("soon.pem", makeCert({ cn: "soon", to: 10 }).pem), at.write("long.pem", makeCert({ cn: "long", to: 300 }).pem), at.write("gone.pem", makeCert({ cn: "gone", from: -9, to: -1 }).pem)];
        const ran = await command({}, ["fingerprint", "--expires-within", "30", "--json", ...files]);
        expect(ran.code).toBe(1);
        expect(ran.stderr).toMatch(/^warning: CN=soon \(.*soon\.pem\) expires on .*\nwarning: CN=gone \(.*gone\.pem\) expired on .*\n$/);
        expect(json<{ daysLeft: number }[]>(ran).map(({ daysLeft }) => Math.sign(daysLeft))).toEqual([1, 1, -1]);
        expect((await command({}, ["fingerprint", "--expires-within", "5", files[0]!])).code).toBe(0);
    });
});

test.each([
    ["a file that is not there", "/nowhere/cert.pem", "the file /nowhere/cert.pem: there is no such file\n"],
    ["a folder", "/", "the file /: it is a folder\n"],
])("%s is told", async (_what, file, sentence) => {
    expect(await command({}, ["fingerprint", file])).toEqual({ code: 1, stdout: "", stderr: sentence });
});

test("a file without a certificate, and a damaged one, are told", async () => {
    const at = folder();
    const key = at.write("key.pem", makeCert({ cn: "x" }).key);
    expect(await command({}, ["fingerprint", key])).toEqual({ code: 1, stdout: "", stderr: `${key} holds no PEM certificate: it must begin with "-----BEGIN CERTIFICATE-----".\n` });
    const damaged = at.write("damaged.pem", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n");
    expect(await command({}, ["fingerprint", damaged])).toEqual({ code: 1, stdout: "", stderr: `${damaged}: block 1 is labelled CERTIFICATE and can't be read as one.\n` });
});
