// From a host name to a TLS socket whose server is known to be the right one.

import { X509Certificate } from "node:crypto";
import type { LookupAddress } from "node:dns";
import { isIP, type LookupFunction, type TcpNetConnectOpts } from "node:net";
import { checkServerIdentity, connect as connectTls, type ConnectionOptions, type SecureContext, type TLSSocket } from "node:tls";
import { excerpt } from "../printable";
import { oneLine } from "../x509/names";
import type { Deadline } from "./deadline";
import { Stopped } from "./deadline";
import type { Evidence, Refusal, ServerCertificate, Step } from "./outcome";
import { errorCode, handshakeRefusal, serverCertificateFault } from "./tlsFault";

export interface Target {
    readonly host: string;
    readonly port: number;
    readonly serverName: string;
    readonly secureContext: SecureContext;
}

/** All addresses of a name (`dns.promises.lookup`). */
export type Lookup = (host: string) => Promise<LookupAddress[]>;

/** Filled step by step, so that it tells how far a connection got whatever ended it. */
export type Seen = { -readonly [Field in keyof Evidence]?: Evidence[Field] };

export interface Watcher {
    /** As soon as there is a socket, to close it however the connection ends. */
    opened(socket: TLSSocket): void;
    /** For whoever tells of a connection while it is made. */
    reached?(step: Step): void;
}

/** @throws Stopped at dns, tcp, tls-server, tls-client or timeout. */
export async function dial(target: Target, lookup: Lookup, time: Deadline, seen: Seen, watcher: Watcher): Promise<TLSSocket> {
    const socket = await handshake(target, lookup, time, seen, watcher);
    const fault = serverFault(socket);
    if (fault) throw new Stopped(fault);
    reach("tls", seen, watcher);
    return socket;
}

function reach(step: Step, seen: Seen, watcher: Watcher): void {
    seen.reached = step;
    watcher.reached?.(step);
}

/** Node's verdict on the server's certificate, which is an error's code although its type says Error. */
export function serverFault(socket: TLSSocket): Extract<Refusal, { stage: "tls-server" }> | undefined {
    if (socket.authorized) return undefined;
    const verdict: Error | string | null = socket.authorizationError;
    const code = typeof verdict === "string" ? verdict : errorCode(verdict);
    return { stage: "tls-server", fault: serverCertificateFault(code), code };
}

/**
 * A finished handshake, its server not judged yet. Verification is left to the caller, who must ask `serverFault`
 * before a byte is sent: an untrusted certificate can be shown to the user only if the handshake is let through.
 */
export async function handshake(target: Target, lookup: Lookup, time: Deadline, seen: Seen, watcher: Watcher): Promise<TLSSocket> {
    const { host, port, serverName, secureContext } = target;
    const addresses = await time.within("dns", lookup(host)).catch(stopAt("dns"));
    reach("dns", seen, watcher);

    const found: LookupFunction = (_host, _options, done) => done(null, addresses);
    // One socket for TCP and TLS: with a socket under another, Node crashes when the lower one is destroyed first (22.23).
    const options: ConnectionOptions & TcpNetConnectOpts = {
        host,
        port,
        lookup: found,
        autoSelectFamily: true,
        // Node gives each of several addresses 250 ms, too little for a server on another continent.
        autoSelectFamilyAttemptTimeout: 2000,
        secureContext,
        rejectUnauthorized: false,
        // SNI carries names only.
        servername: isIP(serverName) ? "" : serverName,
        checkServerIdentity: (_name, certificate) => checkServerIdentity(serverName, certificate),
    };
    const socket = connectTls(options);
    watcher.opened(socket);
    const secured = emitted(socket, "secureConnect");
    await time.within("tcp", emitted(socket, "connect")).catch(stopAt("tcp"));
    reach("tcp", seen, watcher);
    if (socket.remoteAddress) seen.remoteAddress = `${socket.remoteAddress} port ${socket.remotePort}`;
    if (socket.localAddress) seen.localAddress = `${socket.localAddress} port ${socket.localPort}`;

    await time.within("tls", secured).catch((error: unknown) => {
        throw error instanceof Stopped ? error : new Stopped(handshakeRefusal(error));
    });
    seen.tlsVersion = socket.getProtocol() ?? "unknown";
    seen.cipher = socket.getCipher().standardName;
    const server = serverCertificate(socket);
    if (server) seen.server = server;
    return socket;
}

function serverCertificate(socket: TLSSocket): ServerCertificate | undefined {
    // Not getPeerX509Certificate: once that was called, getPeerCertificate has no chain any more (22.23).
    const { raw } = socket.getPeerCertificate();
    if (!raw) return undefined;
    const certificate = new X509Certificate(raw);
    return {
        fingerprint: certificate.fingerprint256,
        subject: shownName(certificate.subject),
        issuer: shownName(certificate.issuer),
        ...(certificate.subjectAltName && { names: excerpt(certificate.subjectAltName) }),
        notBefore: isoDate(certificate.validFrom),
        notAfter: isoDate(certificate.validTo),
    };
}

/** A server's certificate may have anything in the place of a date. */
export const isoDate = (text: string): string => (Number.isNaN(Date.parse(text)) ? "an unreadable date" : new Date(text).toISOString());

/** Whoever made the certificate chose what stands in it. */
export const shownName = (name: string | undefined): string => excerpt(oneLine(name));

function emitted(socket: TLSSocket, event: "connect" | "secureConnect"): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
        socket.once(event, () => resolve());
        socket.on("error", reject);
        socket.on("close", () => reject(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
    });
    promise.catch(() => undefined);
    return promise;
}

function stopAt(stage: "dns" | "tcp"): (error: unknown) => never {
    return error => {
        throw error instanceof Stopped ? error : new Stopped({ stage, code: errorCode(error) });
    };
}
