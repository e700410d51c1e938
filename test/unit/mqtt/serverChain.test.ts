import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AsnConvert } from "@peculiar/asn1-schema";
import { Certificate } from "@peculiar/asn1-x509";
import { afterEach, describe, expect, it } from "vitest";
import { describeChain, fetchServerChain } from "../../../sdk/mqtt/serverChain";
import { daysFromNow, type Identity, issue } from "./certificates";
import { openssl } from "../../support/openssl";
import { mqttServer, type Running, tcpServer } from "./scriptedServer";

const root = issue("root", { authority: true });
const intermediate = issue("intermediate", { authority: true, issuer: root });
const leaf = issue("127.0.0.1", { issuer: intermediate, names: ["127.0.0.1"] });
const fingerprint = ({ certificatePem }: Identity): string => new X509Certificate(certificatePem).fingerprint256;

const running: { close(): Promise<void> }[] = [];
afterEach(async () => {
    await Promise.all(running.splice(0).map(it => it.close()));
});
async function serving(...chain: [Identity, ...Identity[]]): Promise<Running> {
    const server = await mqttServer({ ...chain[0], certificatePem: chain.map(({ certificatePem }) => certificatePem).join("") });
    running.push(server);
    return server;
}

function versionOneRoot(): Identity {
    return inFolder(folder => {
        const csr = openssl(["req", "-new", ...newKey, "-keyout", join(folder, "key"), "-subj", "/CN=old root"]);
        const certificatePem = openssl(["x509", "-req", "-days", "30", "-signkey", join(folder, "key")], csr);
        const privateKeyPem = readFileSync(join(folder, "key"), "utf8");
        return { certificatePem, privateKeyPem, key: createPrivateKey(privateKeyPem), name: nameIn(certificatePem) };
    });
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** The subject in DER. */
const nameIn = (pem: string): Buffer => Buffer.from(AsnConvert.serialize(AsnConvert.parse(new X509Certificate(pem).raw, Certificate).tbsCertificate.subject));

function inFolder<Result>(use: (folder: string) => Result): Result {
    const folder = mkdtempSync(join(tmpdir(), "server-chain-"));
    try {
        return use(folder);
    } finally {
        rmSync(folder, { recursive: true });
    }
}

describe("a chain that verifies", () => {
    it("comes leaf first, through to the root where the server sends it", async () => {
        const { port } = await serving(leaf, intermediate, root);
        const chain = await fetchServerChain({ host: "127.0.0.1", port, caPem: root.certificatePem });
        expect(chain).toEqual({
            chainPem: leaf.certificatePem + intermediate.certificatePem + root.certificatePem,
            fingerprint: fingerprint(leaf),
            subject: "CN=127.0.0.1",
            issuer: "CN=intermediate",
            notBefore: expect.stringMatching(/^\d{4}-.*Z$/),
            notAfter: expect.stringMatching(/^\d{4}-.*Z$/),
            chainLength: 3,
            complete: true,
        });
    });

    it("is completed by the root that is trusted here, and works as a CA file", async () => {
        const { port } = await serving(leaf, intermediate);
        const { chainPem, complete } = await fetchServerChain({ host: "127.0.0.1", port, caPem: root.certificatePem });
        expect(complete).toBe(true);
        const folder = mkdtempSync(join(tmpdir(), "server-chain-"));
        try {
            writeFileSync(join(folder, "chain.pem"), chainPem);
            expect(execFileSync("openssl", ["verify", "-CAfile", join(folder, "chain.pem"), join(folder, "chain.pem")]).toString()).toMatch(/OK\n$/);
        } finally {
            rmSync(folder, { recursive: true });
        }
    });

    it("leaves no connection open", async () => {
        const server = await serving(leaf, intermediate, root);
        await fetchServerChain({ host: "127.0.0.1", port: server.port, caPem: root.certificatePem });
        await server.idle();
    });
});

describe("a pinned fingerprint", () => {
    it.each([
        ["as openssl prints it", (pin: string) => `SHA256 Fingerprint=${pin}`.replace("SHA256 Fingerprint=", "sha256:")],
        ["in lower-case hex", (pin: string) => pin.replaceAll(":", "").toLowerCase()],
    ])("of the leaf is enough, %s", async (_form, form) => {
        const { port } = await serving(issue("anything"));
        const shown = await fetchServerChain({ host: "127.0.0.1", port, fingerprint: form(await seen(port)) });
        expect(shown).toMatchObject({ subject: "CN=anything", chainLength: 1, complete: true });
    });

    it("of an authority is enough where the chain up to it holds", async () => {
        const { port } = await serving(leaf, intermediate);
        expect(await fetchServerChain({ host: "127.0.0.1", port, fingerprint: fingerprint(intermediate) })).toMatchObject({ chainLength: 2, complete: false });
    });

    it("of an authority does not help a certificate that it did not sign", async () => {
        const impostor = issue("127.0.0.1", { issuer: { ...issue("x", { authority: true }), name: intermediate.name }, names: ["127.0.0.1"] });
        const { port } = await serving(impostor, intermediate);
        await expect(fetchServerChain({ host: "127.0.0.1", port, fingerprint: fingerprint(intermediate) })).rejects.toThrow(/and not the pinned .*; if its certificate was renewed/);
    });

    it("of an authority does not help a device that it signed to sign for the server", async () => {
        const device = issue("pump-1", { issuer: intermediate });
        const forged = issue("127.0.0.1", { issuer: device, names: ["127.0.0.1"] });
        const { port } = await serving(forged, device, intermediate);
        await expect(fetchServerChain({ host: "127.0.0.1", port, fingerprint: fingerprint(intermediate) })).rejects.toThrow(
            `the certificate chain of 127.0.0.1:${port} could not be fetched: "CN=pump-1" in its chain signed another certificate and is no authority (basicConstraints has no CA:TRUE), so somebody stands between, or the server sends a wrong chain`,
        );
    });

    it("of an authority does not help a device of that name", async () => {
        const device = issue("127.0.0.1", { issuer: intermediate, names: ["127.0.0.1"], uses: ["clientAuth"] });
        const { port } = await serving(device, intermediate);
        await expect(fetchServerChain({ host: "127.0.0.1", port, fingerprint: fingerprint(intermediate) })).rejects.toThrow('its certificate "CN=127.0.0.1" is not for servers (extendedKeyUsage)');
        const server = await serving(issue("127.0.0.1", { issuer: intermediate, names: ["127.0.0.1"], uses: ["clientAuth", "serverAuth"] }), intermediate);
        expect(await fetchServerChain({ host: "127.0.0.1", port: server.port, fingerprint: fingerprint(intermediate) })).toMatchObject({ chainLength: 2 });
    });

    it("of a root of version 1, which has no extensions, is enough", async () => {
        const old = versionOneRoot();
        const { port } = await serving(issue("127.0.0.1", { issuer: old, names: ["127.0.0.1"] }), old);
        expect(await fetchServerChain({ host: "127.0.0.1", port, fingerprint: fingerprint(old) })).toMatchObject({ chainLength: 2, complete: true });
    });

    it("of an authority helps neither another host's certificate nor an expired one", async () => {
        const other = await serving(issue("other", { issuer: intermediate, names: ["other.example.com"] }), intermediate);
        await expect(fetchServerChain({ host: "127.0.0.1", port: other.port, fingerprint: fingerprint(intermediate) })).rejects.toThrow(/is for "DNS:other.example.com" and not for 127.0.0.1; correct the host/);
        const old = await serving(issue("127.0.0.1", { issuer: intermediate, names: ["127.0.0.1"], notBefore: daysFromNow(-3), notAfter: daysFromNow(-1) }), intermediate);
        await expect(fetchServerChain({ host: "127.0.0.1", port: old.port, fingerprint: fingerprint(intermediate) })).rejects.toThrow(/"CN=127.0.0.1" in its chain is valid only from .* to .*; renew it on the server/);
    });

    it("that does not match is an error even where the chain would verify", async () => {
        const { port } = await serving(leaf, intermediate, root);
        await expect(fetchServerChain({ host: "127.0.0.1", port, caPem: root.certificatePem, fingerprint: "00".repeat(32) })).rejects.toThrow(
            `the certificate chain of 127.0.0.1:${port} could not be fetched: the server shows "CN=127.0.0.1" with SHA-256 ${fingerprint(leaf)}, and not the pinned 00:00`,
        );
    });

    it("that is none is said", async () => {
        await expect(fetchServerChain({ host: "127.0.0.1", port: 1, fingerprint: "hello" })).rejects.toThrow('fingerprint "hello" is no SHA-256');
    });

    async function seen(port: number): Promise<string> {
        const message = await fetchServerChain({ host: "127.0.0.1", port }).then(() => "no error", (error: unknown) => (error as Error).message);
        return /as fingerprint \(([0-9A-F:]{95})\)/.exec(message)?.[1] ?? message;
    }
});

describe("a chain that came as text", () => {
    it("tells of itself, with LF, CRLF and text in between", () => {
        const text = `Bag Attributes\n${leaf.certificatePem}\nsubject=root\n${root.certificatePem}`.replaceAll("\n", "\r\n");
        expect(describeChain(text, "the download")).toMatchObject({ chainPem: leaf.certificatePem + root.certificatePem, fingerprint: fingerprint(leaf), chainLength: 2, complete: true });
    });

    it("says what is there instead", () => {
        expect(() => describeChain(leaf.privateKeyPem, "the download")).toThrow("the download holds a PRIVATE KEY: only certificates belong there");
        expect(() => describeChain("<html>", "the download")).toThrow("the download holds no PEM certificate");
    });
});

describe("a refusal is a sentence", () => {
    it("untrusted, with the fingerprint to compare", async () => {
        const { port } = await serving(leaf, intermediate, root);
        await expect(fetchServerChain({ host: "127.0.0.1", port })).rejects.toMatchObject({
            name: "UserError",
            message: `the certificate chain of 127.0.0.1:${port} could not be fetched: its certificate "CN=127.0.0.1" from "CN=intermediate" is not trusted (SELF_SIGNED_CERT_IN_CHAIN); compare its SHA-256 with the server's operator and give it as fingerprint (${fingerprint(leaf)}), or give the authority that signed it as caPem`,
        });
    });

    it("wrong host, expired", async () => {
        const other = await serving(issue("other", { issuer: root, names: ["other.example.com"] }));
        await expect(fetchServerChain({ host: "127.0.0.1", port: other.port, caPem: root.certificatePem })).rejects.toThrow(/is for "DNS:other.example.com" and not for 127.0.0.1 \(ERR_TLS_CERT_ALTNAME_INVALID\); correct the host/);
        const old = await serving(issue("127.0.0.1", { issuer: root, names: ["127.0.0.1"], notBefore: daysFromNow(-3), notAfter: daysFromNow(-1) }));
        await expect(fetchServerChain({ host: "127.0.0.1", port: old.port, caPem: root.certificatePem })).rejects.toThrow(/the server's certificate "CN=127.0.0.1" expired on .* \(CERT_HAS_EXPIRED\); renew it on the server/);
    });

    it("no host, nothing on the port, no TLS, no answer, no address", async () => {
        await expect(fetchServerChain({ host: "mqtt.invalid", port: 8883 })).rejects.toThrow(/the certificate chain of mqtt.invalid:8883 could not be fetched: /);
        const gone = await tcpServer(() => undefined);
        await gone.close();
        await expect(fetchServerChain({ host: "127.0.0.1", port: gone.port })).rejects.toThrow(/could not be fetched: nothing listens there \(ECONNREFUSED\)/);
        const http = createHttpServer().listen(0, "127.0.0.1");
        running.push({ close: async () => void http.close() });
        await new Promise(resolve => http.once("listening", resolve));
        await expect(fetchServerChain({ host: "127.0.0.1", port: (http.address() as AddressInfo).port })).rejects.toThrow(/the port does not speak TLS/);
        const silent = await tcpServer(() => undefined);
        running.push(silent);
        await expect(fetchServerChain({ host: "127.0.0.1", port: silent.port, timeoutSeconds: 0.2 })).rejects.toThrow(/did not answer the TLS handshake within 0.2 s/);
        await expect(fetchServerChain({ host: "mqtts://mqtt.example.com", port: 8883 })).rejects.toThrow(/must be a name or an address alone/);
        await expect(fetchServerChain({ host: "127.0.0.1", port: 8883, caPem: "hello" })).rejects.toThrow(/caPem holds no PEM certificate/);
    });
});
