// What the platform answers when it refuses: HTTP status, ThingsBoard's own error code and a text.

export class PlatformError extends Error {
    constructor(
        readonly status: number,
        readonly errorCode: number,
        readonly text: string | null,
        /** Further fields of the body, behind `timestamp`. */
        readonly more: Record<string, unknown> = {},
    ) {
        super(text ?? "(no message)");
    }
}

/** An answer of Spring MVC itself (unknown path, wrong method): same fields, another order and content type. */
export class MvcError extends PlatformError {}

/** Controllers of telemetry answer with a bare sentence instead of the error body. */
export class TextError extends Error {
    constructor(readonly status: number, readonly text: string) {
        super(text);
    }
}

export const badRequest = (text: string): PlatformError => new PlatformError(400, 31, text);
export const notFound = (text: string): PlatformError => new PlatformError(404, 32, text);
export const itemNotFound = (): PlatformError => notFound("Requested item wasn't found!");
export const general = (text: string | null): PlatformError => new PlatformError(500, 2, text);
export const unauthenticated = (text: string): PlatformError => new PlatformError(401, 10, text);
export const tokenExpired = (): PlatformError => new PlatformError(401, 11, "Token has expired");
export const forbidden = (): PlatformError => new PlatformError(403, 20, "You don't have permission to perform this operation!");
export const changedBySomeoneElse = (what: string): PlatformError => new PlatformError(409, 35, `${what} was already changed by someone else`);

/** A body that Jackson can't read is an internal error, not a bad request. */
export const unreadable = (text: string): PlatformError => general(`JSON parse error: ${text}`);
