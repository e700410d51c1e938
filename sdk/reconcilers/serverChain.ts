// Fetches the chain of the MQTT port, and notices when the server shows another one.

import { randomUUID } from "node:crypto";
import { daysInWords, millisecondsPerDay } from "../clock";
import { certificates } from "../mqtt/pem";
import { checkEndpoint } from "../mqtt/prepare";
import { type ServerChain, describeChain, fetchServerChain } from "../mqtt/serverChain";
import { shown } from "../printable";
import { UserError, faultOf } from "../userError";
import { type Reconciler, isUnknown, sameJson, toState } from "./reconciler";
import type { Server, ServerOf } from "./server";

export interface ServerChainInputs {
    readonly source: "download" | "handshake";
    readonly host?: string;
    readonly port?: number;
    readonly caPem?: string;
    readonly fingerprint?: string;
    readonly timeout: number;
    /**
     * Declared by nobody. `read` puts here what the server shows when that is no longer what was taken: the engine
     * compares inputs with inputs, so it shows the two and plans an update.
     */
    readonly foundFingerprint?: string;
}

export interface ServerChainState extends ServerChainInputs {
    readonly stateVersion: 1;
    readonly chainPem: string;
    readonly serverFingerprint: string;
    readonly subject: string;
    readonly issuer: string;
    readonly notAfter: string;
}

export function serverChain(server: ServerOf, warn: (text: string) => void, now: () => Date): Reconciler<ServerChainInputs, ServerChainState> {
    return {
        async check(_olds, news) {
            return { inputs: news, failures: chainFailures(news) };
        },

        async diff(_id, state, news) {
            if (isUnknown(news)) return {};
            const wanted = ({ source, host, port, caPem, fingerprint }: ServerChainInputs) => ({ source, host, port, caPem, fingerprint });
            const found = state.foundFingerprint === news.foundFingerprint;
            return found && sameJson(wanted(state), wanted(news)) ? { changes: false } : {};
        },

        async create(inputs) {
            return { id: randomUUID(), outs: await take(inputs) };
        },

        async read(id, state) {
            if (!state) return {};
            const { foundFingerprint: _before, ...before } = state;
            const chain = await fetch(server(), before);
            remind(chain);
            const found = sameChain(chain.chainPem, state.chainPem) ? {} : { foundFingerprint: chain.fingerprint };
            return { id, inputs: inputsOnly({ ...before, ...found }), props: toState({ ...before, ...found }) };
        },

        async update(_id, _state, news) {
            return { outs: await take(news) };
        },

        async delete() {
            // Nothing was made on the server.
        },
    };

    async function take(inputs: ServerChainInputs): Promise<ServerChainState> {
        const { chainPem, fingerprint, subject, issuer, notAfter } = await fetch(server(), inputs);
        remind({ subject, notAfter });
        return toState({ ...inputsOnly(inputs), stateVersion: 1, chainPem, serverFingerprint: fingerprint, subject, issuer, notAfter });
    }

    function remind({ subject, notAfter }: Pick<ServerChain, "subject" | "notAfter">): void {
        const left = Date.parse(notAfter) - now().getTime();
        if (left >= soon) return;
        const when = left < 0 ? `expired on ${notAfter}: devices refuse to connect` : `expires on ${notAfter}, in ${daysInWords(left)}: devices will refuse to connect`;
        warn(`the certificate ${JSON.stringify(subject)} of the MQTT server ${when}; renew it on the server`);
    }
}

/**
 * A root that the server does not send is added from what is trusted here, and comes and goes with the release of Node:
 * what signed it is the same.
 */
function sameChain(a: string, b: string): boolean {
    const sent = (pem: string) => certificates(pem, "the server's chain").filter(certificate => !certificate.checkIssued(certificate)).map(({ fingerprint256 }) => fingerprint256);
    const [left, right] = [sent(a), sent(b)];
    return left.length + right.length === 0 ? a === b : sameJson(left, right);
}

/** Milliseconds: 14 days; as long as the certificates of public authorities may be late. */
const soon = 14 * millisecondsPerDay;

async function fetch(server: Server, inputs: ServerChainInputs): Promise<ServerChain> {
    if (inputs.source === "download") return download(server);
    const caPem = inputs.caPem ?? server.mqtt.caPem;
    return fetchServerChain({
        host: inputs.host ?? server.mqtt.host,
        port: inputs.port ?? server.mqtt.port,
        timeoutSeconds: inputs.timeout,
        ...(caPem === undefined ? {} : { caPem }),
        ...(inputs.fingerprint === undefined ? {} : { fingerprint: inputs.fingerprint }),
    });
}

async function download(server: Server): Promise<ServerChain> {
    if (!server.restVerified) {
        throw new UserError("the server's certificate chain is not taken over plain http from another machine, where anybody on the way could put his own: use https, or source \"handshake\" with fingerprint");
    }
    const text = await server.thingsboard.serverCertificateChain();
    if (text !== undefined) return describeChain(text, "the chain that ThingsBoard offers for download");
    throw new UserError(
        "this ThingsBoard offers no certificate chain for download (DEVICE_CONNECTIVITY_MQTTS_CA_ROOT_CERT is not set, or it is older than 3.6): use source \"handshake\" with fingerprint or caPem",
    );
}

function chainFailures(news: ServerChainInputs): { property: string; reason: string }[] {
    const failures: { property: string; reason: string }[] = [];
    if (!isUnknown(news.source) && !["download", "handshake"].includes(news.source)) {
        failures.push({ property: "source", reason: `source is ${shown(news.source)}: expected "download" or "handshake"` });
    }
    for (const property of ["host", "port", "caPem", "fingerprint"] as const) {
        if (news.source === "download" && news[property] !== undefined) failures.push({ property, reason: `${property} belongs to source "handshake": a download is verified by the REST connection` });
    }
    if (news.fingerprint !== undefined && !isUnknown(news.fingerprint) && !/^[0-9a-f]{64}$/i.test(news.fingerprint.replace(/[:\s]/g, ""))) {
        failures.push({ property: "fingerprint", reason: "fingerprint is no SHA-256: expected 64 hex digits, as \"openssl x509 -noout -fingerprint -sha256\" prints them" });
    }
    const known = { ...(isUnknown(news.host) ? {} : { host: news.host }), ...(isUnknown(news.port) ? {} : { port: news.port }), ...(isUnknown(news.caPem) ? {} : { caPem: news.caPem }) };
    for (const [property, look] of [
        ["host", () => checkEndpoint(known.host ?? "localhost", known.port ?? 8883)],
        ["caPem", () => known.caPem !== undefined && certificates(known.caPem, "caPem")],
    ] as const) {
        const reason = faultOf(look);
        if (reason !== undefined) failures.push({ property, reason });
    }
    if (!isUnknown(news.timeout) && !(typeof news.timeout === "number" && news.timeout > 0 && news.timeout <= 600)) {
        failures.push({ property: "timeout", reason: `timeout is ${shown(news.timeout)}: expected seconds, above 0 and at most 600` });
    }
    return failures;
}

function inputsOnly({ source, host, port, caPem, fingerprint, timeout, foundFingerprint }: ServerChainInputs): ServerChainInputs {
    return toState({ source, host, port, caPem, fingerprint, timeout, foundFingerprint } as ServerChainInputs);
}
