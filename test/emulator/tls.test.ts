// What is refused in TLS, what is offered there, and the server's own certificate.
import { once } from "node:events";
import { X509Certificate } from "node:crypto";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../sdk/emulator";
import { bind, connect, makeCert, restOf } from "./support";

let emulator: Emulator;
beforeAll(async () => {
    emulator = await startEmulator();
});
afterAll(() => emulator.stop());

const ca = makeCert({ cn: "ca", ca: true });
const leaf = makeCert({ cn: "leaf", issuer: ca });
const stranger = makeCert({ cn: "stranger", ca: true });
const nameless = makeCert({ subject: [] });

/** How a client fares: the code of its error, if there is one before it has heard nothing for a while. */
async function fate(options: ConnectionOptions): Promise<string> {
    const socket = connectTls({ host: "localhost", port: emulator.mqttsPort, ca: emulator.caPem, ...options });
    socket.resume();
    socket.setTimeout(500, () => socket.destroy());
    const error = await Promise.race([once(socket, "error").then(([e]) => e as NodeJS.ErrnoException), once(socket, "close").then(() => undefined)]);
    socket.destroy();
    return error?.code ?? "accepted";
}

describe.each([
    ["TLSv1.2", undefined],
    ["TLSv1.3", "TLS_AES_256_GCM_SHA384"],
    ["TLSv1.3", "TLS_AES_128_GCM_SHA256"],
    ["TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"],
] as const)("%s %s", (version, ciphers) => {
    const options = { minVersion: version, maxVersion: version, ...(ciphers ? { ciphers } : {}) };
    const presenting = (certificate: { pem: string; key: string }, more = ""): Promise<string> => fate({ ...options, cert: certificate.pem + more, key: certificate.key });
    test("an unknown certificate, and a chain that holds, pass", async () => {
        expect(await presenting(stranger)).toBe("accepted");
        expect(await presenting(leaf, ca.pem)).toBe("accepted");
    });
    test("a certificate that did not sign the one before it", async () => {
        expect(await presenting(leaf, stranger.pem)).toMatch(/ALERT_CERTIFICATE_UNKNOWN$/);
        expect(await presenting(leaf, ca.pem + stranger.pem)).toMatch(/ALERT_CERTIFICATE_UNKNOWN$/);
    });
    test("a certificate without a subject", async () => {
        expect(await presenting(nameless)).toMatch(/ALERT_BAD_CERTIFICATE$/);
    });
});

test("older protocol versions are refused", async () => {
    expect(await fate({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })).not.toBe("accepted");
});

describe("the server's certificate", () => {
    const shown = async (): Promise<X509Certificate | undefined> => {
        const socket: TLSSocket = connectTls({ host: "localhost", port: emulator.mqttsPort, rejectUnauthorized: false });
        await once(socket, "secureConnect");
        const certificate = socket.getPeerX509Certificate();
        socket.destroy();
        return certificate;
    };
    test("is for localhost and both loopback addresses, by the CA in the file", async () => {
        const certificate = await shown();
        for (const name of ["localhost"]) expect(certificate?.checkHost(name)).toBe(name);
        for (const ip of ["127.0.0.1", "::1"]) expect(certificate?.checkIP(ip)).toBe(ip);
        expect(certificate?.verify(new X509Certificate(emulator.caPem).publicKey)).toBe(true);
        const { text } = await restOf(emulator, null)("GET", "/api/device-connectivity/mqtts/certificate/download");
        expect(text.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    });
    test("is rotated on demand: same CA, expired, another name, another CA", async () => {
        const certificate = makeCert({ cn: "rotating" });
        await bind(restOf(emulator), "rotating", certificate);
        const before = await shown();
        const trusted = emulator.caPem;
        const outcome = async (): Promise<unknown> => (await connect(emulator, { certificate, tls: { ca: trusted } })).connack;

        await emulator.rotateServerCertificate();
        expect((await shown())?.serialNumber).not.toBe(before?.serialNumber);
        expect(await outcome()).toBe(0);
        await emulator.rotateServerCertificate({ validity: "expired" });
        expect(await outcome()).toBe("CERT_HAS_EXPIRED");
        await emulator.rotateServerCertificate({ validity: "notYetValid" });
        expect(await outcome()).toBe("CERT_NOT_YET_VALID");
        await emulator.rotateServerCertificate({ hosts: ["mqtt.example.org"] });
        expect(await outcome()).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
        await emulator.rotateServerCertificate({ authority: "new" });
        expect(await outcome()).toMatch(/SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO/);
        expect((await connect(emulator, { certificate })).connack).toBe(0);
    });
});
