// One HTTP request, and whatever comes of it. Knows nothing of ThingsBoard, and never throws.

import axios, { type AxiosResponse, isAxiosError } from "axios";
import { agents, ProxyError } from "./agents";
import type { Clock } from "./clock";
import type { Milliseconds, Timestamp } from "./model";
import type { Connection } from "./options";
import { type Environment, proxyFor, unusedProxy } from "./proxy";

export interface Request {
    readonly method: "GET" | "POST" | "DELETE";
    /** Begins with a slash; the parts are encoded. */
    readonly path: string;
    readonly body?: unknown;
    readonly authorization?: string | undefined;
}

export type Outcome = Answer | Failure;

export interface Answer {
    readonly type: "answer";
    readonly status: number;
    readonly contentType: string;
    readonly text: string;
    /** Where a redirect points to. None is followed: the credentials would go along. */
    readonly location: string | undefined;
    readonly retryAfter: Milliseconds | undefined;
}

export interface Failure {
    readonly type: "failure";
    readonly reason:
        | "unknownHost"
        | "refused"
        | "noRoute"
        | "timeout"
        | "reset"
        /** In the middle of an answer. */
        | "cut"
        | "unknownCa"
        | "otherHost"
        | "outOfDate"
        | "notTls"
        | "tls"
        | "notHttp"
        | "tooLarge"
        | "proxy";
    /** Such as ECONNREFUSED: for whoever looks it up. */
    readonly code: string;
    /** False where the request can't have reached the server. */
    readonly sent: boolean;
    /** A proxy that the environment names and that was not used, in words. */
    readonly unusedProxy?: string;
}

export interface Http {
    send(request: Request): Promise<Outcome>;
    /** How far the server's clock is ahead of ours. */
    clockSkew(): Milliseconds | undefined;
    hasAnswered(): boolean;
    /** A proxy that the environment names and that is not used, in words. */
    readonly unusedProxy: string | undefined;
}

/** ThingsBoard takes no more than this either. */
const largestAnswer = 16 * 1024 * 1024;
const skewSamples = 9;
/** A hundred years: such a clock says nothing. */
const largestSkew = 100 * 365 * 86_400_000;

export function http(connection: Connection, clock: Clock, environment: Environment): Http {
    const proxy = connection.loopback ? undefined : proxyFor(connection.url, environment);
    const unused = connection.loopback ? undefined : unusedProxy(connection.url, environment);
    const client = axios.create({
        ...agents(connection, proxy),
        maxRedirects: 0,
        maxContentLength: largestAnswer,
        responseType: "text",
        transformResponse: [(data: unknown) => data],
        validateStatus: () => true,
    });
    const skews: Milliseconds[] = [];
    let answered = false;

    return {
        async send({ method, path, body, authorization }) {
            const began = clock.now();
            try {
                const response = await client.request<unknown>({
                    method,
                    url: connection.base + path,
                    headers: {
                        Accept: "application/json, text/plain, */*",
                        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
                        ...(authorization === undefined ? {} : { "X-Authorization": authorization }),
                    },
                    ...(body === undefined ? {} : { data: JSON.stringify(body) }),
                    signal: AbortSignal.timeout(connection.timeout),
                });
                answered = true;
                noteClock(began, header(response, "date"));
                return answer(response, clock.now());
            } catch (error) {
                return { ...failure(error), ...(unused === undefined ? {} : { unusedProxy: unused }) };
            }
        },

        unusedProxy: unused,

        clockSkew: () => [...skews].sort((a, b) => a - b).at(skews.length >> 1),
        hasAnswered: () => answered,
    };

    /** The header is cut to whole seconds: on average the server's clock was half a second further. */
    function noteClock(began: Timestamp, date: string | undefined): void {
        const served = Date.parse(date ?? "") + 500;
        const skew = served - (began + clock.now()) / 2;
        if (!(Math.abs(skew) <= largestSkew)) return;
        skews.push(skew);
        if (skews.length > skewSamples) skews.shift();
    }
}

function answer(response: AxiosResponse<unknown>, now: Timestamp): Answer {
    return {
        type: "answer",
        status: response.status,
        contentType: header(response, "content-type") ?? "",
        text: typeof response.data === "string" ? response.data : "",
        location: header(response, "location"),
        retryAfter: retryAfter(header(response, "retry-after"), now),
    };
}

function header(response: AxiosResponse<unknown>, name: string): string | undefined {
    const value: unknown = response.headers[name];
    return typeof value === "string" ? value : undefined;
}

/** Seconds or a date. ThingsBoard sends none, a proxy in front of it may. */
function retryAfter(value: string | undefined, now: Timestamp): Milliseconds | undefined {
    if (value === undefined) return undefined;
    const duration = /^\d+$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - now;
    return Number.isFinite(duration) ? Math.max(0, duration) : undefined;
}

/** By OpenSSL's and Node's codes. Certificates are judged before anything is sent. */
const reasons: Readonly<Record<string, readonly [Failure["reason"], sent: boolean]>> = {
    ENOTFOUND: ["unknownHost", false],
    EAI_AGAIN: ["unknownHost", false],
    ECONNREFUSED: ["refused", false],
    EHOSTUNREACH: ["noRoute", false],
    ENETUNREACH: ["noRoute", false],
    EADDRNOTAVAIL: ["noRoute", false],
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["unknownCa", false],
    UNABLE_TO_GET_ISSUER_CERT: ["unknownCa", false],
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ["unknownCa", false],
    SELF_SIGNED_CERT_IN_CHAIN: ["unknownCa", false],
    DEPTH_ZERO_SELF_SIGNED_CERT: ["unknownCa", false],
    CERT_UNTRUSTED: ["unknownCa", false],
    CERT_SIGNATURE_FAILURE: ["unknownCa", false],
    INVALID_CA: ["unknownCa", false],
    ERR_TLS_CERT_ALTNAME_INVALID: ["otherHost", false],
    HOSTNAME_MISMATCH: ["otherHost", false],
    CERT_HAS_EXPIRED: ["outOfDate", false],
    CERT_NOT_YET_VALID: ["outOfDate", false],
    ERR_SSL_WRONG_VERSION_NUMBER: ["notTls", false],
    ERR_SSL_PACKET_LENGTH_TOO_LONG: ["notTls", false],
    EPROTO: ["tls", true],
    ERR_CANCELED: ["timeout", true],
    ECONNABORTED: ["timeout", true],
    ETIMEDOUT: ["timeout", true],
};

function failure(error: unknown): Failure {
    const cause = (isAxiosError(error) && error.cause) || error;
    const code = codeOf(cause) ?? codeOf(error) ?? "unknown";
    const message = error instanceof Error ? error.message : "";
    const of = (reason: Failure["reason"], sent: boolean): Failure => ({ type: "failure", reason, code, sent });

    if (cause instanceof ProxyError) return { ...of("proxy", false), code: cause.message };
    if (message.includes("maxContentLength")) return of("tooLarge", true);
    if (message.includes("wrong version number") || message.includes("packet length too long")) return of("notTls", false);
    if (message.includes("before secure TLS connection")) return of("reset", false);
    if (isAxiosError(error) && error.code === "ERR_BAD_RESPONSE" && message.includes("aborted")) return of("cut", true);
    if (code.startsWith("HPE_")) return of("notHttp", true);
    if (code === "ETIMEDOUT" && isConnecting(cause)) return of("timeout", false);
    const [reason, sent] = reasons[code] ?? (code.startsWith("ERR_SSL_") ? ["tls", true] : ["reset", true]);
    return of(reason, sent);
}

function codeOf(error: unknown): string | undefined {
    return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Node tries several addresses of a host one after another, and bundles their errors. */
function isConnecting(error: unknown): boolean {
    return error instanceof AggregateError || (error instanceof Error && "syscall" in error && error.syscall === "connect");
}
