// Looks at the TLS side of an MQTT port as its devices meet it, and judges nothing away: for whoever wants to know what is wrong.

import type { X509Certificate } from "node:crypto";
import { lookup } from "node:dns/promises";
import { checkServerIdentity, createSecureContext, type SecureVersion } from "node:tls";
import type { TLSSocket } from "node:tls";
import { deadline, Stopped } from "./deadline";
import { handshake, type Seen, serverFault } from "./dial";
import type { Evidence, Refusal } from "./outcome";
import { pemBlocks, readCertificate } from "./pem";
import { checkEndpoint } from "./prepare";
import { trustedRoots } from "./roots";
import { peerChain } from "./serverChain";

export interface InspectRequest {
    readonly host: string;
    readonly port: number;
    /** What devices trust, where that is not the public authorities. */
    readonly caPem?: string;
    /** For one connection; about six are made. Default 10. */
    readonly timeoutSeconds?: number;
}

type TlsRefusal = Extract<Refusal, { stage: "tls-server" }>;

/** Undefined: it verifies up to a root, whatever its name. */
export type Verdict = TlsRefusal | undefined;

export interface Inspection {
    readonly evidence: Seen;
    /** As the server sent them, leaf first. */
    readonly sent: readonly X509Certificate[];
    /** For those who trust the public authorities and this system's. */
    readonly publicly: Verdict;
    /** For those who trust `caPem`; the same as `publicly` without it. */
    readonly configured: Verdict;
    /** What verifies, up to its root, for those who trust `caPem` (or the public authorities); else what was sent. */
    readonly chain: readonly X509Certificate[];
    /** It is for this host. */
    readonly rightHost: boolean;
    /** Which versions the server takes. */
    readonly versions: readonly ("TLSv1.2" | "TLSv1.3")[];
}

/** Why there was nothing to look at. */
export type Unreachable = Pick<Evidence, "host" | "port" | "at"> & { readonly refusal: Refusal; readonly evidence: Seen };

export async function inspectServer(request: InspectRequest): Promise<Inspection | Unreachable> {
    const { host, port, caPem, timeoutSeconds = 10 } = request;
    checkEndpoint(host, port);
    const own = caPem === undefined ? undefined : pemBlocks(caPem, "the CA file").filter(pem => readCertificate(pem, "the CA file"));
    const seen: Seen = {};
    try {
        // With nobody trusted, the chain is what was sent and nothing from here.
        const sent = await look({ host, port, timeoutSeconds, ca: [] }, seen);
        const publicly = await look({ host, port, timeoutSeconds, ca: trustedRoots() });
        const configured = own === undefined ? publicly : await look({ host, port, timeoutSeconds, ca: own });
        const versions: Inspection["versions"][number][] = [];
        for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
            if (seen.tlsVersion === version || (await takes({ host, port, timeoutSeconds, ca: [], version }))) versions.push(version);
        }
        const [leaf] = sent.chain;
        return {
            evidence: seen,
            sent: sent.chain,
            publicly: publicly.verdict,
            configured: configured.verdict,
            chain: configured.verdict === undefined ? configured.chain : sent.chain,
            rightHost: leaf !== undefined && checkServerIdentity(host, leaf.toLegacyObject()) === undefined,
            versions,
        };
    } catch (error) {
        if (!(error instanceof Stopped)) throw error;
        return { host, port, at: new Date().toISOString(), refusal: error.refusal, evidence: seen };
    }
}

interface Look {
    readonly host: string;
    readonly port: number;
    readonly timeoutSeconds: number;
    /** Undefined: those that Node brings. */
    readonly ca: readonly string[] | undefined;
    readonly version?: SecureVersion;
}

/** @throws Stopped before the handshake was done */
async function look({ host, port, timeoutSeconds, ca, version }: Look, seen: Seen = {}): Promise<{ chain: readonly X509Certificate[]; verdict: Verdict }> {
    const limits = version === undefined ? { minVersion: "TLSv1.2" as const } : { minVersion: version, maxVersion: version };
    const secureContext = createSecureContext({ ...limits, ...(ca && { ca: [...ca] }) });
    const time = deadline(timeoutSeconds);
    let opened: TLSSocket | undefined;
    try {
        const socket = await handshake({ host, port, serverName: host, secureContext }, name => lookup(name, { all: true }), time, seen, { opened: socket => (opened = socket) });
        const fault = serverFault(socket);
        return { chain: peerChain(socket), verdict: fault?.fault === "wrong-host" ? undefined : fault };
    } finally {
        time.clear();
        opened?.destroy();
    }
}

async function takes(wanted: Look): Promise<boolean> {
    try {
        await look(wanted);
        return true;
    } catch (error) {
        if (error instanceof Stopped) return false;
        throw error;
    }
}
