// What can go wrong with a call to ThingsBoard, as one sentence for the person at the terminal.

import { UserError } from "../userError";

export type ApiErrorKind =
    /** Wrong, expired or disabled password, key or token; a user with two-factor authentication. */
    | "unauthorized"
    | "forbidden"
    | "notFound"
    /** Somebody else saved in between (409): read again, decide again. */
    | "versionConflict"
    | "nameTaken"
    /** The certificate or token is bound to another device, perhaps of another tenant. */
    | "credentialsTaken"
    /** The tenant may have no more devices, which is not a matter of rate. */
    | "deviceLimit"
    | "rateLimited"
    /** ThingsBoard refuses what was sent. */
    | "invalid"
    /** This ThingsBoard has no such call: too old, or another edition. */
    | "unsupported"
    | "server"
    | "unreachable"
    /** The server's certificate is not trusted, or is for another host. */
    | "untrusted"
    | "timeout"
    /** Somebody else answered: a login page, a proxy, a redirect. */
    | "notThingsBoard";

export interface ApiErrorDetails {
    readonly kind: ApiErrorKind;
    /** HTTP status, if there was an answer. */
    readonly status?: number | undefined;
    /** ThingsBoard's own number, such as 32 for "not found". */
    readonly errorCode?: number | undefined;
    /** What ThingsBoard said: cut to 300 characters, without control characters and secrets. */
    readonly serverMessage?: string | undefined;
    /** Whether the server may have done what was asked although no good answer came back. */
    readonly mayHaveHappened: boolean;
    /** The sentence's own parts, for whoever tells them one below the other: what happened. */
    readonly what?: string | undefined;
    /** What is known of why, or what to do. */
    readonly remedy?: string | undefined;
}

/**
 * Carries no `cause`: the errors below hold the request with its headers, and Node prints causes. What ThingsBoard
 * answered is in `serverMessage`, and nothing else of the answer is kept: some answers hold secrets (`resetToken`).
 */
export class ApiError extends UserError implements ApiErrorDetails {
    override readonly name = "ApiError";
    readonly kind: ApiErrorKind;
    readonly status: number | undefined;
    readonly errorCode: number | undefined;
    readonly serverMessage: string | undefined;
    readonly mayHaveHappened: boolean;
    readonly what: string | undefined;
    readonly remedy: string | undefined;

    constructor(message: string, details: ApiErrorDetails) {
        super(message);
        this.kind = details.kind;
        this.status = details.status;
        this.errorCode = details.errorCode;
        this.serverMessage = details.serverMessage;
        this.mayHaveHappened = details.mayHaveHappened;
        this.what = details.what;
        this.remedy = details.remedy;
    }
}

/** `if (isApiError(error, "versionConflict")) …` */
export function isApiError(error: unknown, ...kinds: readonly ApiErrorKind[]): error is ApiError {
    return error instanceof ApiError && (kinds.length === 0 || kinds.includes(error.kind));
}
