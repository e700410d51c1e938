// Text in the place of certificates, keys and requests.

import { execFileSync } from "node:child_process";
import { X509Certificate, generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { describeChain } from "../../sdk/mqtt/serverChain";
import { certificates } from "../../sdk/mqtt/pem";
import { checkPair } from "../../sdk/mqtt/prepare";
import { certificatesIn, readAuthority, requireOrder, requirePair } from "../../sdk/x509/chain";
import { certificateId, leafFault, readLeaf, toPem } from "../../sdk/x509/leaf";
import { checkRequest } from "../../sdk/x509/request";
import { runs, soak } from "../support/seed";
import { issue } from "../unit/mqtt/certificates";
import { decent, patience, spoiled, spoiledPem } from "./mutations";

const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" });
const derOf = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");

const authority = issue("authority", { authority: true });
const leaf = issue("pump-1", { issuer: authority });
const certificate = [leaf.certificatePem, authority.certificatePem, openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=pump/O=Acme")];
const key = [leaf.privateKeyPem, generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "pem", type: "pkcs1" }).toString()];

const text = fc.oneof(
    spoiled([...certificate, ...key, certificate.join(""), certificate[0]! + key[0]!]),
    spoiledPem("CERTIFICATE", certificate.map(derOf)),
    spoiledPem("PRIVATE KEY", key.map(derOf)),
);
const limit = { timeout: soak ? 30 * 60_000 : 60_000 };

test("a certificate is read whole, or what is wrong is said", limit, () =>
    fc.assert(
        fc.property(text, pem => {
            let found;
            try {
                found = readLeaf(pem);
            } catch (error) {
                expect((error as Error).name).toBe("UserError");
                expect(leafFault(pem, new Date())).toBe((error as Error).message);
                return;
            }
            // Whatever else stands in the text: this is the one certificate in it, and its dates can be said.
            expect(new X509Certificate(toPem(found.base64Der)).fingerprint256).toBe(found.fingerprint);
            expect(certificateId(found.base64Der)).toBe(found.credentialsId);
            expect(pem.match(/-----BEGIN [A-Z0-9 ]{1,40}-----/g)).toHaveLength(1);
            expect(found.notAfter.toISOString() + found.notBefore.toISOString()).toMatch(/Z.*Z$/);
            leafFault(pem, new Date());
        }),
        runs(4_000, 220_000),
    ));

test("chains, authorities and pairs likewise", limit, () =>
    fc.assert(
        fc.asyncProperty(text, text, async (pem, other) => {
            await decent(() => certificatesIn(pem, "it"));
            await decent(() => certificates(pem, "it"));
            await decent(() => describeChain(pem, "it"));
            await decent(() => readAuthority(pem, "it", new Date()));
            await decent(() => requireOrder(certificatesIn(pem, "it"), "it"));
            await decent(() => requirePair(new X509Certificate(leaf.certificatePem), pem, "it"));
            await decent(() => checkPair(pem, other));
            await decent(() => checkPair(leaf.certificatePem, pem));
        }),
        runs(400, 20_000),
    ));

test("a request is signed only if it is for what was declared, and its sender holds the key", limit, async () => {
    const dir = openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=pump-1/O=Acme");
    const withName = openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=pump-1/O=Acme", "-addext", "subjectAltName=DNS:pump-1");
    const requests = [dir, withName];
    const signed = requests.map(pem => informationOf(derOf(pem)));
    const any = fc.oneof({ weight: 3, arbitrary: spoiledPem("CERTIFICATE REQUEST", requests.map(derOf)) }, { weight: 1, arbitrary: spoiled([...requests, ...certificate, ...key]) });
    await fc.assert(
        fc.asyncProperty(any, async pem => {
            const accepted = (await decent(() => checkRequest(pem, { CN: "pump-1", O: "Acme" }).then(() => "accepted"))) === "accepted";
            // A changed byte in what is signed that is not noticed would be a certificate for somebody else.
            if (accepted) expect(signed.some(information => derOf(pem.slice(pem.lastIndexOf("-----BEGIN"), pem.lastIndexOf("-----END"))).includes(information))).toBe(true);
        }),
        { ...runs(300, 40_000), timeout: patience },
    );
});

/** CertificationRequestInfo: the first part of a request, by its length in DER. */
function informationOf(der: Buffer): Buffer {
    const [outer, inner] = [headerOf(der), headerOf(der.subarray(headerOf(der).size))];
    return der.subarray(outer.size, outer.size + inner.size + inner.length);
}

function headerOf(der: Buffer): { readonly size: number; readonly length: number } {
    const first = der[1]!;
    return first < 0x80 ? { size: 2, length: first } : { size: 2 + (first & 0x7f), length: der.readUIntBE(2, first & 0x7f) };
}
