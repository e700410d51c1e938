// A certificate for one check, as somebody else reads it.

import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isCanary, issueCanary } from "../../../sdk/x509/canary";
import { requirePair } from "../../../sdk/x509/chain";
import { toPem } from "../../../sdk/x509/leaf";
import { openssl } from "../../support/openssl";
import { daysFromNow, issue } from "../mqtt/certificates";

const hour = 3_600_000;

test.each([["ec", "prime256v1"], ["ec", "secp384r1"], ["ec", "secp521r1"], ["rsa", "2048"], ["ed25519", "keys"]])("signed by an authority of kind %s %s, as openssl verifies it", async (kind, size) => {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-canary-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = (name: string) => path.join(folder, name);
    const key = kind === "ec" ? ["-newkey", "ec", "-pkeyopt", `ec_paramgen_curve:${size}`] : ["-newkey", kind === "rsa" ? `rsa:${size}` : kind];
    const authorityPem = openssl(["req", "-x509", ...key, "-nodes", "-days", "30", "-keyout", file("ca.key"), "-subj", "/O=Acme/CN=factory", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]);
    writeFileSync(file("ca.pem"), authorityPem);
    const canary = await issueCanary(authorityPem, openssl(["pkey", "-in", file("ca.key")]), "canary-1.factory.example", new Date());
    writeFileSync(file("leaf.pem"), canary.certificatePem);
    expect(openssl(["verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", file("ca.pem"), file("leaf.pem")])).toContain("leaf.pem: OK");
    const certificate = new X509Certificate(canary.certificatePem);
    requirePair(certificate, canary.privateKeyPem, "its key");
    expect(certificate.subject).toBe("CN=canary-1.factory.example\nOU=pulumi-thingsboard enrolment check");
    expect(certificate.ca).toBe(false);
    const text = openssl(["x509", "-noout", "-text"], canary.certificatePem);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(text).toMatch(/Extended Key Usage: *\n\s+TLS Web Client Authentication\n/);
});

test("lives for an hour around now, but not before its authority does, and twice is two", async () => {
    const now = new Date("2026-11-24T10:00:00Z");
    const lifeUnder = async (notBefore: Date) => {
        const authority = issue("factory", { authority: true, notBefore, notAfter: new Date(now.getTime() + 86_400_000) });
        const made = [0, 1].map(() => issueCanary(authority.certificatePem, authority.privateKeyPem, "canary", now));
        const [one, two] = (await Promise.all(made)).map(({ certificatePem }) => new X509Certificate(certificatePem));
        expect(one!.serialNumber).not.toBe(two!.serialNumber);
        return [one!.validFrom, one!.validTo].map(date => new Date(date).getTime() - now.getTime());
    };
    expect(await lifeUnder(new Date(now.getTime() - 86_400_000))).toEqual([-hour, hour]);
    expect(await lifeUnder(new Date(now.getTime() - 60_000))).toEqual([-60_000, hour]);
});

test("no kind of key but those of the usual authorities can sign one", async () => {
    for (const [args, kind] of [[["ed448"], "type ed448"], [["ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"], "type ec on the curve brainpoolP256r1"]] as const) {
        const pair = openssl(["req", "-x509", "-newkey", ...args, "-nodes", "-keyout", "-", "-subj", "/CN=factory"]);
        await expect(issueCanary(pair.slice(pair.indexOf("-----BEGIN CERTIFICATE")), pair, "canary", new Date())).rejects.toThrow(`which is of ${kind}: use one of EC P-256`);
    }
});

test("is told from a device", async () => {
    const authority = issue("factory", { authority: true });
    const canary = await issueCanary(authority.certificatePem, authority.privateKeyPem, "pump-1", new Date());
    expect(isCanary(canary.certificatePem)).toBe(true);
    expect(isCanary(issue("pump-1", { notAfter: daysFromNow(1) }).certificatePem)).toBe(false);
    // What ThingsBoard takes for a credential.
    for (const text of ["", "hello", toPem("hello"), toPem("")]) expect(isCanary(text)).toBe(false);
});
