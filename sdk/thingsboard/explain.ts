// Makes an `ApiError` of an answer: what was being done, what ThingsBoard said, what to do about it.

import type { ApiError, ApiErrorKind } from "./errors";
import type { Answer } from "./http";
import { apiError, type Purpose } from "./purpose";
import { explainStranger } from "./stranger";
import { clean, parseJson } from "./text";

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
    return apiError(purpose, said, remedy, {
        kind,
        status: refusal.status,
        errorCode: refusal.errorCode,
        serverMessage: refusal.message,
        mayHaveHappened: refusal.status >= 500,
    });
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

const remedies: Readonly<Record<string, string>> = {
    "profile with such certificate already exists": "a CA can be in one device profile of the whole server, whatever the tenant: use a CA of its own",
    "well known root CA": "whoever gets a certificate from a public authority could enrol: use a CA of your own",
    "referenced by the devices": "move these devices to another profile or delete them first",
    "entity views": "delete what refers to the device first",
    "Invalid UUID": "an id of ThingsBoard looks like 784f394c-42b6-11ef-983c-b7beff2784f9",
};

function badRequest(message: string): Finding {
    if (/with such name already exists/.test(message)) {
        return ["nameTaken", "take another name, or adopt what is there"];
    }
    if (/credentials are already (assigned|registered)|already assigned to another device/.test(message)) {
        return ["credentialsTaken", "another device, perhaps of another tenant, holds these credentials: release them there, or issue new ones"];
    }
    const known = Object.entries(remedies).find(([text]) => message.includes(text));
    return ["invalid", known?.[1] ?? "correct what was declared"];
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
