// Who is asking: the header that every call carries, and the log-in behind it.

import { createHash } from "node:crypto";
import type { Clock } from "./clock";
import { ApiError } from "./errors";
import { explainAnswer } from "./explain";
import { explainFailure } from "./failure";
import type { Http } from "./http";
import type { Timestamp } from "./model";
import type { Connection, Credentials } from "./options";
import { apiError, type Purpose } from "./purpose";
import { explainNonsense } from "./stranger";
import { parseJson } from "./text";

export interface Session {
    /** The value of `X-Authorization`. Logs in if need be. */
    authorization(): Promise<string>;
    /** This value was answered "Token has expired": the next call logs in again. False if that makes no sense. */
    renew(authorization: string): boolean;
    /** Never to be quoted. */
    secrets(): readonly string[];
}

/**
 * Log-ins that were refused, by a hash of server, user and password. For the whole process: ThingsBoard can lock a user
 * after some wrong passwords, and a program with a thousand devices would do that at once.
 */
const refusedLogins = new Map<string, ApiError>();

export function session(connection: Connection, http: Http, clock: Clock): Session {
    const { credentials } = connection;
    if (!("apiKey" in credentials)) return passwordSession(connection, credentials, http, clock);
    const header = `ApiKey ${credentials.apiKey}`;
    return { authorization: async () => header, renew: () => false, secrets: () => [credentials.apiKey] };
}

interface Token {
    readonly header: string;
    readonly renewAt: Timestamp;
    readonly secrets: readonly string[];
}

function passwordSession(
    { base }: Connection,
    { username, password }: Extract<Credentials, { password: string }>,
    http: Http,
    clock: Clock,
): Session {
    const fingerprint = createHash("sha256").update(JSON.stringify([base, username, password])).digest("hex");
    let token: Token | undefined;
    let pending: Promise<Token> | undefined;

    return {
        async authorization() {
            if (token && clock.now() < token.renewAt) return token.header;
            // A failure is forgotten as soon as its callers know: they decide about repeating.
            pending ??= logIn().finally(() => (pending = undefined));
            token = await pending;
            return token.header;
        },

        renew(authorization) {
            if (token?.header === authorization) token = undefined;
            return true;
        },

        secrets: () => [password, ...(token?.secrets ?? [])],
    };

    async function logIn(): Promise<Token> {
        const known = refusedLogins.get(fingerprint);
        if (known) throw known;
        const purpose: Purpose = { subject: `ThingsBoard ${base}`, complaint: "cannot log in", base, credentials: "password", secrets: [password] };
        const outcome = await http.send({ method: "POST", path: "/api/auth/login", body: { username, password } });
        if (outcome.type === "failure") {
            // Nothing but a log-in can have happened, and that may happen twice.
            throw withoutDoubt(explainFailure(purpose, outcome));
        }
        if (outcome.status !== 200) {
            const error = withoutDoubt(explainAnswer(purpose, outcome));
            if (error.kind === "notFound") throw explainNonsense(purpose, outcome.status, "there is no log-in at this address");
            const refused = error.errorCode !== undefined && (error.kind === "unauthorized" || error.kind === "forbidden");
            if (refused) refusedLogins.set(fingerprint, error);
            throw error;
        }
        const body = parseJson(outcome.text);
        if (typeof body !== "object" || body === null || !("token" in body) || typeof body.token !== "string") {
            throw explainNonsense(purpose, outcome.status, "the answer holds no token");
        }
        if ("scope" in body && typeof body.scope === "string") {
            // 200 all the same: such a token is good for nothing but the second factor.
            const error = twoFactorError(purpose, body.scope);
            refusedLogins.set(fingerprint, error);
            throw error;
        }
        const refreshToken = "refreshToken" in body && typeof body.refreshToken === "string" ? [body.refreshToken] : [];
        return { header: `Bearer ${body.token}`, renewAt: renewalTime(body.token, clock.now()), secrets: [body.token, ...refreshToken] };
    }
}

function twoFactorError(purpose: Purpose, scope: string): ApiError {
    const what = scope === "MFA_CONFIGURATION_TOKEN" ? "the user has to set up two-factor authentication first" : "the user has two-factor authentication";
    const remedy = "give an API key (ThingsBoard 4.3 and later), or a user for automation that has no second factor";
    return apiError(purpose, what, remedy, { kind: "unauthorized", status: 200, mayHaveHappened: false });
}

/** The call that wanted to log in has not begun. */
function withoutDoubt(error: ApiError): ApiError {
    return new ApiError(error.message, { ...error, mayHaveHappened: false });
}

/**
 * A minute before the token expires, or at nine tenths of a short life. Only the difference of the token's own times is
 * used, since the server's clock may be another; how long tokens live is a setting of the server (2.5 hours).
 */
export function renewalTime(token: string, now: Timestamp): Timestamp {
    const claims = parseJson(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    if (typeof claims !== "object" || claims === null || !("exp" in claims) || !("iat" in claims)) return Infinity;
    const lifetime = (Number(claims.exp) - Number(claims.iat)) * 1_000;
    return Number.isFinite(lifetime) && lifetime > 0 ? now + lifetime - Math.min(60_000, lifetime / 10) : Infinity;
}
