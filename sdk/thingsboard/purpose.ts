// What a call is for, and the error that says why it failed.

import { ApiError, type ApiErrorDetails } from "./errors";

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

export function apiError({ subject, complaint }: Purpose, what: string, remedy: string, details: ApiErrorDetails): ApiError {
    return new ApiError(`${subject}: ${complaint}: ${what}: ${remedy}`, { ...details, what, remedy });
}
