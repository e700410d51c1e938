// Makes an `ApiError` of an answer or a failure: what was being done, what the server said, what to do about it.

import { ApiError, type ApiErrorKind } from "./errors";
import type { Answer, Failure } from "./http";
import { clean } from "./text";

export interface Purpose {
    /** What it is about: `device "pump-1"`. */
    readonly subject: string;
    /** What can't be done: `cannot bind the certificate`. */
    readonly complaint: string;
    /** Origin and path of the server. */
    readonly base: string;
    readonly credentials: "apiKey" | "password" | "none";
    /** Of ThingsBoard, where it is known. */
    readonly version?: string | undefined;
    /** Left out of what the server is quoted with. */
    readonly secrets: readonly string[];
}

/** ThingsBoard's error body: `{"status":400,"message":"…","errorCode":31,"timestamp":…}`. */
interface Refusal {
    readonly status: number;
    readonly message: string;
    readonly errorCode: number | undefined;
    readonly limit: number | undefined;
}

const unknownDevice = "Device with requested id wasn't found!";

type Finding = readonly [kind: ApiErrorKind, remedy: string];

/** @param answer any but a good one */
export function explainAnswer(purpose: Purpose, answer: Answer): ApiError {
    const refusal = parseRefusal(answer, purpose.secrets);
    if (!refusal) return explainStranger(purpose, answer);
    const [kind, remedy] = findingOf(purpose, refusal);
    const said = refusal.message ? `ThingsBoard says "${refusal.message}" (${refusal.status})` : `ThingsBoard answers ${refusal.status}`;
    return new ApiError(sentence(purpose, said, remedy), {
        kind,
        status: refusal.status,
        errorCode: refusal.errorCode,
        serverMessage: refusal.message,
        mayHaveHappened: refusal.status >= 500,
    });
}

/** The request was good, the answer makes no sense: `what` says why. */
export function explainNonsense(purpose: Purpose, status: number, what: string): ApiError {
    const remedy = `is ${purpose.base} the address of ThingsBoard's web interface, without /api and without a page's path?`;
    return new ApiError(sentence(purpose, what, remedy), { kind: "notThingsBoard", status, mayHaveHappened: status < 300 });
}

function sentence({ subject, complaint }: Purpose, what: string, remedy: string): string {
    return `${subject}: ${complaint}: ${what}: ${remedy}`;
}

function parseRefusal({ status, text }: Answer, secrets: readonly string[]): Refusal | undefined {
    // Attributes and telemetry answer with bare text, even when they call it JSON.
    if (status === 404 && text === unknownDevice) return { status, errorCode: 32, message: unknownDevice, limit: undefined };
    const body = parseJson(text);
    if (typeof body !== "object" || body === null || !("errorCode" in body) || typeof body.errorCode !== "number") return undefined;
    return {
        status,
        errorCode: body.errorCode,
        message: "message" in body && typeof body.message === "string" ? clean(body.message, secrets) : "",
        limit: "limit" in body && typeof body.limit === "number" ? body.limit : undefined,
    };
}

export function parseJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

function findingOf(purpose: Purpose, refusal: Refusal): Finding {
    const { status, message, errorCode, limit } = refusal;
    switch (status) {
        case 401:
            return ["unauthorized", loginRemedy(purpose, message, errorCode)];
        case 403:
            if (errorCode === 41) {
                const most = limit === undefined ? "" : ` (${limit})`;
                return ["deviceLimit", `the tenant has as many devices as it may have${most}: remove some, or have the limit raised`];
            }
            if (errorCode === 40) return ["deviceLimit", "the subscription of this ThingsBoard doesn't cover it"];
            return ["forbidden", "the user needs the rights of a tenant administrator, and the device has to be of its tenant"];
        case 404:
            // What Spring says of a path that it doesn't know; for an entity ThingsBoard has texts of its own.
            if (/^No (static resource|endpoint|handler found|mapping)/i.test(message)) {
                return ["unsupported", `this ThingsBoard has no such call: it is too old, or another edition, or ${purpose.base} is not its address`];
            }
            return ["notFound", "it was deleted, or it belongs to another tenant"];
        case 405:
            return ["unsupported", "this ThingsBoard has no such call: it is too old, or another edition"];
        case 409:
            return ["versionConflict", "somebody else changed it at the same time: try again"];
        case 413:
            return ["invalid", "send less at a time"];
        case 429:
            return ["rateLimited", "the tenant's limit of requests is used up, which is not the limit of devices: wait, or lower rateLimit"];
        default:
            return status >= 500 ? ["server", "the reason is in the server's log"] : badRequest(message);
    }
}

function badRequest(message: string): Finding {
    if (/with such name already exists/.test(message)) {
        return ["nameTaken", "take another name, or adopt what is there"];
    }
    if (/credentials are already (assigned|registered)|already assigned to another device/.test(message)) {
        return ["credentialsTaken", "another device, perhaps of another tenant, holds these credentials: release them there, or issue new ones"];
    }
    return ["invalid", "correct what was declared"];
}

function loginRemedy({ credentials, version }: Purpose, message: string, errorCode: number | undefined): string {
    if (errorCode === 15) return "the user's password has expired: set a new one in the web interface";
    if (/locked/i.test(message)) return "the user is locked: an administrator has to unlock it; it is not tried again";
    if (/not active/i.test(message)) return "the user or its API key is disabled, or was never activated";
    if (credentials === "apiKey") {
        if (/expired/i.test(message)) return "make a new API key";
        if (version !== undefined && isBefore43(version)) {
            return `this is ThingsBoard ${version}, and API keys need 4.3 or later: give username and password`;
        }
        return "the API key is wrong, was deleted or is of another server; API keys need ThingsBoard 4.3 or later, before that give username and password";
    }
    if (errorCode === 11) return "a new log-in didn't help: compare the clocks of the servers behind this address, and their JWT signing key";
    return "correct username and password; they are not tried again, since ThingsBoard may lock the user";
}

function isBefore43(version: string): boolean {
    const [major = NaN, minor = NaN] = version.split(".").map(Number);
    return major < 4 || (major === 4 && minor < 3);
}

/** An answer that ThingsBoard doesn't give: what stands before it speaks, or something else lives at this address. */
function explainStranger(purpose: Purpose, { status, contentType, location, text }: Answer): ApiError {
    const url = new URL(purpose.base);
    if (status >= 300 && status < 400) return explainRedirect(purpose, status, location);
    if (status === 429) {
        const remedy = "something before ThingsBoard limits the requests: wait, or lower rateLimit";
        return new ApiError(sentence(purpose, `${url.host} answers 429`, remedy), { kind: "rateLimited", status, mayHaveHappened: false });
    }
    if (status >= 500) {
        const remedy = status === 500 ? "the reason is in the server's log" : "ThingsBoard is down or starting behind this address";
        return new ApiError(sentence(purpose, `${url.host} answers ${status}`, remedy), { kind: "server", status, mayHaveHappened: true });
    }
    // nginx and Tomcat name the mistake, each in its words.
    if (url.protocol === "http:" && /HTTPS port|requires TLS/i.test(text)) {
        const remedy = `write https://${url.host} as the url`;
        return new ApiError(sentence(purpose, `${url.host} wants TLS`, remedy), { kind: "notThingsBoard", status, mayHaveHappened: false });
    }
    if (text === "") return explainNonsense(purpose, status, `${url.host} answers ${status} and nothing else`);
    if (isPage(contentType, text)) return explainNonsense(purpose, status, `${url.host} answers ${status} with a web page`);
    // Bare text of the attributes and telemetry calls, which says the same as the status.
    if (status === 400) {
        return new ApiError(sentence(purpose, `${url.host} answers 400`, "correct what was declared"), { kind: "invalid", status, mayHaveHappened: false });
    }
    if (status === 401 || status === 403) {
        const remedy = "the user lacks the right, or something before ThingsBoard refuses the call";
        return new ApiError(sentence(purpose, `${url.host} answers ${status}`, remedy), { kind: "forbidden", status, mayHaveHappened: false });
    }
    return explainNonsense(purpose, status, `${url.host} answers ${status} with something that isn't ThingsBoard's`);
}

export function isPage(contentType: string, text: string): boolean {
    return /html/i.test(contentType) || /^\s*</.test(text);
}

function explainRedirect(purpose: Purpose, status: number, location: string | undefined): ApiError {
    const target = location !== undefined && URL.canParse(location, purpose.base) ? new URL(location, purpose.base) : undefined;
    const here = new URL(purpose.base);
    const elsewhere = target !== undefined && target.origin !== here.origin;
    const what = `${here.host} redirects to ${elsewhere ? target.origin : "another page of its own"} (${status})`;
    const remedy =
        elsewhere && target.hostname === here.hostname && target.protocol === "https:"
            ? `write ${target.origin} as the url`
            : "credentials don't follow redirects: give the address that ThingsBoard itself has, not that of a log-in page before it";
    return new ApiError(sentence(purpose, what, remedy), { kind: "notThingsBoard", status, mayHaveHappened: false });
}

export function explainFailure(purpose: Purpose, failure: Failure): ApiError {
    const { host, hostname, protocol } = new URL(purpose.base);
    const [kind, what, remedy] = ((): readonly [ApiErrorKind, string, string] => {
        switch (failure.reason) {
            case "unknownHost":
                return ["unreachable", `the name ${hostname} can't be resolved (${failure.code})`, "correct the url, or the DNS of this machine"];
            case "refused":
                return ["unreachable", `${host} refuses the connection`, "is ThingsBoard running, and is the port right?"];
            case "noRoute":
                return ["unreachable", `there is no way to ${host} (${failure.code})`, "check network, VPN and firewall"];
            case "timeout":
                return ["timeout", `${host} didn't answer in time`, "check firewall and load, or raise timeout"];
            case "reset":
                return ["unreachable", `the connection to ${host} broke off (${failure.code})`, resetRemedy(protocol)];
            case "unknownCa":
                return ["untrusted", `the certificate of ${host} is of a CA that is not trusted here`, "give that CA's certificate as caPem"];
            case "otherHost":
                return ["untrusted", `the certificate of ${host} is for another host`, "use the host name that stands in the certificate"];
            case "outOfDate":
                return ["untrusted", `the certificate of ${host} has expired or is not valid yet`, "renew it, or correct this machine's clock"];
            case "notTls":
                return ["notThingsBoard", `${host} doesn't speak TLS`, "correct the port, or write http:// (and allowInsecureHttp) in a network you trust"];
            case "tls":
                return ["unreachable", `no TLS connection with ${host} (${failure.code})`, "it takes TLS 1.2 or later on both sides"];
            case "notHttp":
                return ["notThingsBoard", `${host} doesn't speak HTTP`, `correct the port${protocol === "http:" ? ", or write https://" : ""}`];
            case "tooLarge":
                return ["notThingsBoard", `the answer of ${host} is larger than 16 MiB`, "is this the address of ThingsBoard?"];
            case "proxy":
                return ["unreachable", `the proxy makes no connection to ${host} (${failure.code})`, "correct HTTPS_PROXY, or except the host by NO_PROXY"];
        }
    })();
    return new ApiError(sentence(purpose, what, remedy), { kind, mayHaveHappened: failure.sent });
}

function resetRemedy(protocol: string): string {
    return protocol === "http:" ? "if the server wants TLS, write https://; else it or a proxy broke down" : "the server or a proxy before it broke down";
}
