// An answer that is not ThingsBoard's: a log-in page, a proxy, something else at this address.

import type { ApiError } from "./errors";
import type { Answer } from "./http";
import { apiError, type Purpose } from "./purpose";

/** An answer that ThingsBoard doesn't give: what stands before it speaks, or something else lives at this address. */
export function explainStranger(purpose: Purpose, { status, contentType, location, text }: Answer): ApiError {
    const url = new URL(purpose.base);
    if (status >= 300 && status < 400) return explainRedirect(purpose, status, location);
    if (status === 429) {
        const remedy = "something before ThingsBoard limits the requests: wait, or lower rateLimit";
        return apiError(purpose, `${url.host} answers 429`, remedy, { kind: "rateLimited", status, mayHaveHappened: false });
    }
    if (status >= 500) {
        const remedy = status === 500 ? "the reason is in the server's log" : "ThingsBoard is down or starting behind this address";
        return apiError(purpose, `${url.host} answers ${status}`, remedy, { kind: "server", status, mayHaveHappened: true });
    }
    // nginx and Tomcat name the mistake, each in its words.
    if (url.protocol === "http:" && /HTTPS port|requires TLS/i.test(text)) {
        const remedy = `write https://${url.host} as the url`;
        return apiError(purpose, `${url.host} wants TLS`, remedy, { kind: "notThingsBoard", status, mayHaveHappened: false });
    }
    if (text === "") return explainNonsense(purpose, status, `${url.host} answers ${status} and nothing else`);
    if (isPage(contentType, text)) return explainNonsense(purpose, status, `${url.host} answers ${status} with a web page`);
    // Bare text of the attributes and telemetry calls, which says the same as the status.
    if (status === 400) {
        return apiError(purpose, `${url.host} answers 400`, "correct what was declared", { kind: "invalid", status, mayHaveHappened: false });
    }
    if (status === 401 || status === 403) {
        const remedy = "the user lacks the right, or something before ThingsBoard refuses the call";
        return apiError(purpose, `${url.host} answers ${status}`, remedy, { kind: "forbidden", status, mayHaveHappened: false });
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
    const what = `${here.host} redirects to ${elsewhere ? `${target.protocol}//${target.host}` : "another page of its own"} (${status})`;
    const remedy =
        elsewhere && target.hostname === here.hostname && target.protocol === "https:"
            ? `write ${target.origin} as the url`
            : "credentials don't follow redirects: give the address that ThingsBoard itself has, not that of a log-in page before it";
    return apiError(purpose, what, remedy, { kind: "notThingsBoard", status, mayHaveHappened: false });
}

/** The request was good, the answer makes no sense: `what` says why. */
export function explainNonsense(purpose: Purpose, status: number, what: string): ApiError {
    const remedy = `is ${purpose.base} the address of ThingsBoard's web interface, without /api and without a page's path?`;
    return apiError(purpose, what, remedy, { kind: "notThingsBoard", status, mayHaveHappened: status < 300 });
}
