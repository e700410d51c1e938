// Where ThingsBoard is and who is asking, checked before anything is sent.

import { X509Certificate } from "node:crypto";
import { cloudMqttHosts } from "../cloud";
import { UserError } from "../userError";
import type { Milliseconds } from "./model";

/** An API key (ThingsBoard 4.3 and later), or user and password. */
export type Credentials = { readonly apiKey: string } | { readonly username: string; readonly password: string };

export interface ConnectionOptions {
    /** Where the web interface is: `https://eu.thingsboard.cloud`. May have a path. */
    readonly url: string;
    readonly credentials: Credentials;
    /** The CA certificates to trust, instead of the public ones. */
    readonly caPem?: string | undefined;
    /** Requests per second. Default: 25, and 900 per minute, on ThingsBoard Cloud; elsewhere unlimited. */
    readonly rateLimit?: number | undefined;
    /** Calls in flight, counted over the whole process for one server. Default 8. */
    readonly concurrency?: number | undefined;
    /** How many of them may delete devices. Default 4: sixteen stop a ThingsBoard for half a minute. */
    readonly deleteConcurrency?: number | undefined;
    /** Seconds that one request may take, at most an hour. Default 30. */
    readonly timeout?: number | undefined;
    /** Lets keys and passwords travel unencrypted to another machine. Default false. */
    readonly allowInsecureHttp?: boolean | undefined;
}

/** The options, checked and complete. */
export interface Connection {
    /** Origin and path, without a slash at the end. */
    readonly base: string;
    readonly url: URL;
    readonly loopback: boolean;
    readonly credentials: Credentials;
    readonly caPem: string | undefined;
    readonly rates: readonly Rate[];
    readonly concurrency: number;
    readonly deleteConcurrency: number;
    readonly timeout: Milliseconds;
}

/** At most `count` requests begin within any `period`. */
export interface Rate {
    readonly count: number;
    readonly period: Milliseconds;
}

/** Per tenant, Cloud grants 100 requests a second and 1,000 a minute in its free plan; the web interface needs its share. */
const cloudRates: readonly Rate[] = [
    { count: 25, period: 1_000 },
    { count: 900, period: 60_000 },
];

/** @throws UserError that names the option; never its value, which may be a secret in the wrong place */
export function checkOptions(options: ConnectionOptions): Connection {
    const url = parseUrl(options.url);
    const loopback = isLoopback(url.hostname);
    if (url.protocol === "http:" && !loopback && !options.allowInsecureHttp) {
        throw new UserError(
            `url: http://${url.host} would send the key or password unencrypted: use https://, or allowInsecureHttp: true on a network you trust`,
        );
    }
    return {
        base: url.origin + url.pathname.replace(/\/+$/, ""),
        url,
        loopback,
        credentials: checkCredentials(options.credentials),
        caPem: options.caPem === undefined ? undefined : checkCa(options.caPem),
        rates: rates(url.hostname, options.rateLimit),
        concurrency: wholeNumber("concurrency", options.concurrency ?? 8),
        deleteConcurrency: wholeNumber("deleteConcurrency", options.deleteConcurrency ?? 4),
        // Node begins no request whose time is not a whole number of milliseconds.
        timeout: Math.ceil(positive("timeout", options.timeout ?? 30, longestTimeout) * 1_000),
    };
}

/** 127.0.0.0/8, ::1 and localhost. URL has brought other spellings of these (`127.1`, `0:0::1`) into this form. */
export function isLoopback(hostname: string): boolean {
    return /^127(\.\d{1,3}){3}$/.test(hostname) || hostname === "[::1]" || hostname === "localhost";
}

function parseUrl(text: string): URL {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) {
        throw new UserError("url: this is not a web address: write it like https://thingsboard.example.com");
    }
    if (url.username || url.password) {
        throw new UserError("url: user and password don't belong into the address: give them as username and password");
    }
    if (url.search || url.hash) {
        throw new UserError("url: remove what follows the ? or #: only the address of the server is needed");
    }
    return url;
}

function checkCredentials(credentials: Credentials): Credentials {
    if (!("apiKey" in credentials)) {
        if (!credentials.username || !credentials.password) {
            throw new UserError("username and password: one of them is empty");
        }
        return credentials;
    }
    // A line break comes along with a key that was read from a file, and could not be sent.
    if (!/^[\x21-\x7e]+$/.test(credentials.apiKey)) {
        throw new UserError("apiKey: it is empty or holds a blank, a line break or another character that no key has");
    }
    return credentials;
}

/** All authorities that browsers trust are a quarter of it. */
const longestCa = 1024 * 1024;

/** OpenSSL skips what it can't read, and the complaint would come later and be about an untrusted server. */
function checkCa(pem: string): string {
    if (pem.length > longestCa) throw new UserError(`caPem: it has ${pem.length} characters: expected at most ${longestCa}, and the certificates that are needed alone`);
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    try {
        for (const block of blocks) new X509Certificate(block);
    } catch {
        throw new UserError("caPem: it holds a certificate that can't be read");
    }
    if (blocks.length === 0) throw new UserError("caPem: it holds no certificate: it has to begin with -----BEGIN CERTIFICATE-----");
    return blocks.join("\n");
}

function rates(hostname: string, rateLimit: number | undefined): readonly Rate[] {
    if (rateLimit === undefined) return cloudMqttHosts.has(hostname) ? cloudRates : [];
    const count = Math.max(1, Math.floor(positive("rateLimit", rateLimit)));
    return [{ count, period: Math.min(longestTimer, (count / rateLimit) * 1_000) }];
}

/** Seconds. */
const longestTimeout = 3_600;
/** Milliseconds, 25 days: Node takes a longer wait for none. */
const longestTimer = 2 ** 31 - 1;

function wholeNumber(option: string, value: number): number {
    if (!Number.isInteger(value) || value < 1) throw new UserError(`${option}: ${value} is not a whole number of at least 1`);
    return value;
}

function positive(option: string, value: number, most = Infinity): number {
    if (!Number.isFinite(value) || value <= 0) throw new UserError(`${option}: ${value} is not a number above 0`);
    if (value > most) throw new UserError(`${option}: ${value} is above ${most}, the most it may be`);
    return value;
}
