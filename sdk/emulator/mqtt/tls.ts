// TLS as ThingsBoard's MQTT port speaks it: a client certificate is wanted, not needed, and hardly looked at. What ends the
// handshake is a chain in which a certificate did not sign the one before it, and a certificate without a subject.
import { constants, X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { createSecureContext, TLSSocket, type SecureContext } from "node:tls";
import type { ServerCertificate } from "../pki";
import { ALERTS, type TrafficSecret } from "./alert";
import { createWire } from "./wire";

const HANDSHAKE_TIMEOUT = 30_000;

export const contextOf = (certificate: ServerCertificate): SecureContext =>
    createSecureContext({
        cert: certificate.chainPem,
        key: certificate.keyPem,
        minVersion: "TLSv1.2",
        // the list of acceptable issuers names one: the subject of the server's own leaf
        ca: certificate.leafPem,
        // no resumption: a resumed session does not carry the chain
        secureOptions: constants.SSL_OP_NO_TICKET,
    });

/** Calls `secured` with the chain as it was received, leaf first, once the handshake is done. */
export function acceptTls(socket: Socket, secureContext: SecureContext, secured: (socket: TLSSocket, chain: readonly X509Certificate[]) => void): void {
    const wire = createWire(socket, (chain) => {
        try {
            return objection(chain.map((der) => new X509Certificate(der)));
        } catch {
            return ALERTS.badCertificate;
        }
    });
    const tls = new TLSSocket(wire, { isServer: true, secureContext, requestCert: true, rejectUnauthorized: false });
    const timer = setTimeout(() => socket.destroy(), HANDSHAKE_TIMEOUT);
    socket.once("close", () => clearTimeout(timer));
    let secret: Buffer | undefined;
    tls.on("keylog", (line) => {
        const [label, , hex] = line.toString().trim().split(" ");
        if (label === "SERVER_TRAFFIC_SECRET_0" && hex) secret = Buffer.from(hex, "hex");
    });
    tls.on("error", () => socket.destroy());
    tls.once("secure", () => {
        clearTimeout(timer);
        const chain = receivedChain(tls);
        const alert = objection(chain);
        if (alert === undefined) return secured(tls, chain);
        const traffic: TrafficSecret | undefined = secret && { cipher: tls.getCipher().standardName, secret };
        wire.refuse(alert, traffic);
    });
}

/** All certificates as they came, whether or not one signed another. */
function receivedChain(socket: TLSSocket): X509Certificate[] {
    const chain: X509Certificate[] = [];
    for (let next = socket.getPeerX509Certificate(); next; next = next.issuerCertificate) chain.push(next);
    return chain;
}

function objection(chain: readonly X509Certificate[]): number | undefined {
    if (chain[0] && !chain[0].subject) return ALERTS.badCertificate;
    for (const [i, issuer] of chain.slice(1).entries()) {
        try {
            if (!chain[i]?.verify(issuer.publicKey)) return ALERTS.certificateUnknown;
        } catch {
            return ALERTS.certificateUnknown;
        }
    }
    return undefined;
}
