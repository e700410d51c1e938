// Authorities and chains, and the sentences for those that can't be.

import { expect, test } from "vitest";
import { certificates } from "../../../sdk/mqtt/pem";
import { describeChain } from "../../../sdk/mqtt/serverChain";
import { certificatesIn, joined, readAuthority, requireOrder, requirePair } from "../../../sdk/x509/chain";
import { readLeaf } from "../../../sdk/x509/leaf";
import { openssl, rootAuthority } from "../../support/openssl";
import { issue } from "../mqtt/certificates";

const now = new Date();
const root = rootAuthority("Root");
const other = rootAuthority("Other");
const leaf = openssl(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3", "-keyout", "/dev/null", "-subj", "/CN=leaf", "-addext", "basicConstraints=critical,CA:FALSE"]);

test("an authority is one certificate that may sign and has not expired", () => {
    expect(readAuthority(root.certificatePem, "certificatePem", now).subject).toBe("CN=Root");
    expect(() => readAuthority(leaf, "certificatePem", now)).toThrow('certificatePem is no certificate authority: "CN=leaf" may not sign others');
    expect(() => readAuthority(root.certificatePem + other.certificatePem, "certificatePem", now)).toThrow("certificatePem holds 2 certificates");
    expect(() => readAuthority(root.certificatePem, "certificatePem", new Date(now.getTime() + 31 * 86_400_000))).toThrow('certificatePem: the authority "CN=Root" expired on');
    expect(() => readAuthority(root.privateKeyPem, "certificatePem", now)).toThrow("certificatePem holds a PRIVATE KEY: only certificates belong there");
    expect(() => readAuthority("hello", "certificatePem", now)).toThrow("certificatePem holds no PEM certificate");
});

test("a chain in the wrong order is told by the two that don't fit", () => {
    const chain = certificatesIn(root.certificatePem + other.certificatePem, "chain");
    expect(() => requireOrder(chain, "issuersPem")).toThrow('issuersPem: "CN=Other" did not sign "CN=Root", which stands before it');
    expect(joined(chain)).toBe(root.certificatePem + other.certificatePem);
});

test("a key that is another's, encrypted, or none is told without a byte of it", () => {
    const [certificate] = certificatesIn(root.certificatePem, "certificatePem");
    requirePair(certificate!, root.privateKeyPem, "privateKeyPem");
    expect(() => requirePair(certificate!, other.privateKeyPem, "privateKeyPem")).toThrow('privateKeyPem does not belong to the certificate "CN=Root"');
    expect(() => requirePair(certificate!, "hello", "privateKeyPem")).toThrow("privateKeyPem is no PEM private key");
    expect(() => requirePair(certificate!, 7 as never, "privateKeyPem")).toThrow("privateKeyPem is no text of a PEM private key");
    requirePair(certificate!, root.privateKeyPem.padEnd(64 * 1024, "\n"), "privateKeyPem");
    expect(() => requirePair(certificate!, root.privateKeyPem.padEnd(64 * 1024 + 1, "\n"), "privateKeyPem")).toThrow("longer than 65536 characters");
    const encrypted = openssl(["pkcs8", "-topk8", "-passout", "pass:secret"], root.privateKeyPem);
    expect(() => requirePair(certificate!, encrypted, "privateKeyPem")).toThrow("privateKeyPem is encrypted");
});

test("a certificate whose dates can't be read is none: openssl takes it apart all the same", () => {
    const der = Buffer.from(leaf.replace(/-----[^-]+-----|\s/g, ""), "base64");
    // UTCTime, thirteen characters; the first one is of no year.
    der[der.indexOf(Buffer.from([0x17, 13])) + 2] = 0;
    const undated = `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
    expect(() => readLeaf(undated)).toThrow("does not hold a certificate that can be read");
    expect(() => certificatesIn(undated, "it")).toThrow("it holds a PEM block that is labelled CERTIFICATE and is none");
    expect(() => describeChain(undated, "it")).toThrow("it holds a PEM block that is labelled CERTIFICATE and is none");
});

test("a chain in order passes, also of one; a namesake that did not sign does not", () => {
    const root = issue("Root", { authority: true });
    const middle = issue("Middle", { issuer: root, authority: true });
    const device = issue("pump-1", { issuer: middle });
    const chain = (...of: readonly { readonly certificatePem: string }[]) => certificatesIn(of.map(({ certificatePem }) => certificatePem).join(""), "chain");
    requireOrder(chain(device, middle, root), "issuersPem");
    requireOrder(chain(root), "issuersPem");
    expect(() => requireOrder(chain(device, root, middle), "issuersPem")).toThrow('"CN=Root" did not sign "CN=pump-1"');
    expect(() => requireOrder(chain(device, middle, issue("Root", { authority: true })), "issuersPem")).toThrow('"CN=Root" did not sign "CN=Middle"');
});

test("text around the blocks, and line ends of any kind, are passed over; what is no certificate is named", () => {
    const text = `Bag Attributes\n${leaf.replaceAll("\n", "\r\n")}\nissuer=/CN=Root\n${root.certificatePem}`;
    expect(certificatesIn(text, "chain").map(({ subject }) => subject)).toEqual(["CN=leaf", "CN=Root"]);
    expect(() => certificatesIn("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "chainPem")).toThrow("chainPem holds a PEM block that is labelled CERTIFICATE and is none");
    expect(() => certificatesIn(leaf + root.privateKeyPem, "chainPem")).toThrow("chainPem holds a PRIVATE KEY");
    // The headers of an old encrypted key have a dash in them, which no base64 has.
    const old = openssl(["ec", "-aes128", "-passout", "pass:secret"], root.privateKeyPem);
    expect(old).toContain("DEK-Info: AES-128-CBC");
    for (const read of [certificatesIn, certificates]) expect(() => read(leaf + old, "caPem")).toThrow("caPem holds an EC PRIVATE KEY: only certificates belong there");
    expect(() => certificatesIn(7 as never, "chainPem")).toThrow("chainPem is of type number: expected PEM text");
    expect(certificatesIn(leaf.padEnd(64 * 1024), "chainPem")).toHaveLength(1);
    expect(() => certificatesIn(leaf.padEnd(64 * 1024 + 1), "chainPem")).toThrow("chainPem has 65537 characters: expected at most 65536");
});

test("an authority may be used up to the second when it expires", () => {
    const last = new Date(certificatesIn(root.certificatePem, "")[0]!.validTo);
    readAuthority(root.certificatePem, "certificatePem", last);
    expect(() => readAuthority(root.certificatePem, "certificatePem", new Date(last.getTime() + 1))).toThrow(`expired on ${last.toISOString()}: give its successor`);
});

test("a key under a passphrase is told in the old form, too", () => {
    const [certificate] = certificatesIn(root.certificatePem, "certificatePem");
    const old = openssl(["pkey", "-traditional", "-aes128", "-passout", "pass:secret"], root.privateKeyPem);
    expect(old).toContain("Proc-Type: 4,ENCRYPTED");
    expect(() => requirePair(certificate!, old, "privateKeyPem")).toThrow("privateKeyPem is encrypted");
});

test("a certificate whose key can't be read is none", () => {
    const der = Buffer.from(root.certificatePem.replace(/-----[^-]+-----|\s/g, ""), "base64");
    // The object identifier of the kind of key (id-ecPublicKey or rsaEncryption) is another one than its content has.
    const kind = [Buffer.from("2a8648ce3d0201", "hex"), Buffer.from("2a864886f70d010101", "hex")].find(oid => der.includes(oid))!;
    der[der.indexOf(kind) + kind.length - 1] = 0x7f;
    const torn = `-----BEGIN CERTIFICATE-----\n${der.toString("base64").match(/.{1,64}/g)!.join("\n")}\n-----END CERTIFICATE-----\n`;
    expect(() => readAuthority(torn, "certificatePem", now)).toThrow("certificatePem holds a PEM block that is labelled CERTIFICATE and is none");
});
