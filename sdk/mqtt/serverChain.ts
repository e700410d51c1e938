// The server's certificate chain, from its own handshake, for whoever has to trust it: a device's `--cafile`.

import { lookup } from "node:dns/promises";
import { checkServerIdentity, createSecureContext, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import { X509Certificate } from "node:crypto";
import { UserError } from "../userError";
import { toPem } from "../x509/leaf";
import { deadline, Stopped } from "./deadline";
import { diagnoseNetwork } from "./diagnoseNetwork";
import { diagnoseServerCertificate } from "./diagnoseTls";
import { handshake, isoDate, type Seen, serverFault, shownName } from "./dial";
import type { Refusal } from "./outcome";
import { certificates, pemBlocks, readCertificate } from "./pem";
import { checkEndpoint } from "./prepare";
import { trustedRoots } from "./roots";
import { hostAndPort, words } from "./wording";

export interface ServerChainRequest {
    readonly host: string;
    readonly port: number;
    /** Name that the server's certificate must hold, where it differs from `host`. */
    readonly servername?: string;
    /** Whom to trust. Without it: the roots that Node brings and those of the system. */
    readonly caPem?: string;
    /** SHA-256 of the server's certificate, or of one above it: then that one is trusted and nobody else. */
    readonly fingerprint?: string;
    readonly timeoutSeconds?: number;
}

export interface ServerChain {
    /** Leaf first. Up to the root where the server sends it or it is among those that are trusted. */
    readonly chainPem: string;
    /** Of the leaf, as are the fields below it: SHA-256, upper-case hex in pairs, with colons. */
    readonly fingerprint: string;
    readonly subject: string;
    readonly issuer: string;
    readonly notBefore: string;
    readonly notAfter: string;
    readonly chainLength: number;
    /** Whether the last certificate is a root, without which some clients (mosquitto, older OpenSSL) don't take the file. */
    readonly complete: boolean;
}

/** @throws UserError unless the chain verifies, or holds the pinned certificate. */
export async function fetchServerChain(request: ServerChainRequest): Promise<ServerChain> {
    const { host, port, timeoutSeconds = 15 } = request;
    checkEndpoint(host, port);
    const pin = request.fingerprint === undefined ? undefined : readPin(request.fingerprint);
    const ca = request.caPem === undefined ? trustedRoots() : pemBlocks(request.caPem, "caPem").filter(pem => readCertificate(pem, "caPem"));
    const target = { host, port, serverName: request.servername ?? host, secureContext: createSecureContext({ minVersion: "TLSv1.2", ...(ca && { ca: [...ca] }) }) };
    const subject = `the certificate chain of ${hostAndPort(request)} could not be fetched`;
    const time = deadline(timeoutSeconds);
    const seen: Seen = {};
    let opened: TLSSocket | undefined;
    try {
        const socket = await handshake(target, name => lookup(name, { all: true }), time, seen, { opened: socket => (opened = socket) });
        const chain = peerChain(socket);
        if (pin === undefined) judge(subject, socket, target.serverName, seen);
        else judgePinned(subject, chain, pin, target.serverName);
        return describe(chain);
    } catch (error) {
        throw error instanceof Stopped ? new UserError(sentence(subject, error.refusal, host, port, seen)) : error;
    } finally {
        time.clear();
        opened?.destroy();
    }
}

/** What a text of certificates says of itself; nothing is verified. @throws UserError naming what is there instead */
export function describeChain(pem: string, what: string): ServerChain {
    return describe(certificates(pem, what));
}

/** As openssl, browsers and this package print it: with or without colons, in either case. */
function readPin(fingerprint: string): string {
    const hex = fingerprint.replace(/^sha-?256[:=\s]*/i, "").replace(/[:\s]/g, "").toUpperCase();
    if (/^[0-9A-F]{64}$/.test(hex)) return hex.match(/../g)!.join(":");
    throw new UserError(`fingerprint ${words(fingerprint)} is no SHA-256: it has 64 hex digits, as "openssl x509 -noout -fingerprint -sha256" prints them`);
}

/** What the server sent and, at its end, what is trusted here and signed the last of it. */
export function peerChain(socket: TLSSocket): X509Certificate[] {
    const chain: X509Certificate[] = [];
    let peer: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
    // A root is its own issuer.
    for (; peer?.raw && chain.at(-1)?.fingerprint256 !== peer.fingerprint256; peer = peer.issuerCertificate) {
        chain.push(new X509Certificate(peer.raw));
    }
    return chain;
}

function judge(subject: string, socket: TLSSocket, serverName: string, { server }: Seen): void {
    const refusal = serverFault(socket);
    if (!refusal) return;
    const { code } = refusal;
    if (refusal.fault === "untrusted") {
        throw new UserError(
            `${subject}: its certificate ${words(server?.subject ?? "")} from ${words(server?.issuer ?? "")} is not trusted (${code}); ` +
                `compare its SHA-256 with the server's operator and give it as fingerprint (${server?.fingerprint}), or give the authority that signed it as caPem`,
        );
    }
    if (refusal.fault === "wrong-host") {
        throw new UserError(`${subject}: its certificate is for ${words(server?.names ?? server?.subject ?? "another name")} and not for ${serverName} (${code}); correct the host, or pin the certificate by fingerprint`);
    }
    throw new Stopped(refusal);
}

/**
 * A pinned leaf is trusted as it is. A pinned authority vouches for what it signed: the chain up to it must hold, be in
 * date, be for this host and have authorities alone above the leaf, since a server may send any certificate behind its
 * own, and whoever has a device's certificate from that authority could sign one for the server (RFC 5280, 6.1.4 k).
 */
function judgePinned(subject: string, chain: readonly X509Certificate[], pin: string, serverName: string): void {
    const at = chain.findIndex(certificate => certificate.fingerprint256 === pin);
    const [leaf] = chain;
    const holds = (certificate: X509Certificate, index: number) => index === at || certificate.verify(chain[index + 1]!.publicKey);
    if (!leaf || at < 0 || !chain.slice(0, at + 1).every(holds)) {
        throw new UserError(
            `${subject}: the server shows ${words(shownName(leaf?.subject))} with SHA-256 ${leaf?.fingerprint256}, and not the pinned ${pin}; ` +
                "if its certificate was renewed, compare and correct fingerprint, and otherwise somebody stands between",
        );
    }
    if (at === 0) return;
    const above = chain.slice(1, at + 1);
    // A root of version 1 has no extensions: it is one because somebody has pinned it.
    const noAuthority = above.find(certificate => !certificate.ca && !(certificate.fingerprint256 === pin && certificate.checkIssued(certificate)));
    if (noAuthority) {
        throw new UserError(
            `${subject}: ${words(shownName(noAuthority.subject))} in its chain signed another certificate and is no authority (basicConstraints has no CA:TRUE), ` +
                "so somebody stands between, or the server sends a wrong chain",
        );
    }
    if (!forServers(leaf)) throw new UserError(`${subject}: its certificate ${words(shownName(leaf.subject))} is not for servers (extendedKeyUsage), so somebody stands between, or the server has a device's certificate; have one issued for serverAuth`);
    const now = Date.now();
    const outdated = chain.slice(0, at + 1).find(({ validFrom, validTo }) => now < Date.parse(validFrom) || now > Date.parse(validTo));
    if (outdated) throw new UserError(`${subject}: ${words(shownName(outdated.subject))} in its chain is valid only from ${outdated.validFrom} to ${outdated.validTo}; renew it on the server`);
    const wrongHost = checkServerIdentity(serverName, leaf.toLegacyObject());
    if (wrongHost) throw new UserError(`${subject}: its certificate is for ${words(leaf.subjectAltName ?? shownName(leaf.subject))} and not for ${serverName}; correct the host, or pin the server's own certificate`);
}

/** Extended key usages, by their OIDs: those of servers, and any. None at all leaves every use open. */
const serverUses = ["1.3.6.1.5.5.7.3.1", "2.5.29.37.0"];
// Typed as always there, and undefined for a certificate without the extension.
const forServers = ({ keyUsage }: { readonly keyUsage?: readonly string[] }): boolean => keyUsage === undefined || keyUsage.some(use => serverUses.includes(use));

function describe(chain: readonly X509Certificate[]): ServerChain {
    const leaf = chain[0]!;
    const last = chain.at(-1)!;
    return {
        chainPem: chain.map(certificate => toPem(certificate.raw.toString("base64"))).join(""),
        fingerprint: leaf.fingerprint256,
        subject: shownName(leaf.subject),
        issuer: shownName(leaf.issuer),
        notBefore: isoDate(leaf.validFrom),
        notAfter: isoDate(leaf.validTo),
        chainLength: chain.length,
        complete: last.checkIssued(last),
    };
}

function sentence(subject: string, refusal: Refusal, host: string, port: number, { server }: Seen): string {
    switch (refusal.stage) {
        case "dns":
        case "tcp":
        case "timeout":
            return diagnoseNetwork(subject, { host, port, ...refusal }, {}).sentence;
        case "tls-server":
            return diagnoseServerCertificate(subject, { host, port, at: new Date().toISOString(), ...(server && { server }), ...refusal }, {}).sentence;
        default:
            // A server that insists on a client certificate in TLS 1.2 ends the handshake before its own can be seen.
            return `${subject}: the server wants a client certificate in TLS (${refusal.stage}); ask its operator for the chain`;
    }
}
