// JSON Web Tokens of the platform: HS512, an access token of two and a half hours and a refresh token of a week.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import type { User } from "../platform/entities";
import { tokenExpired, unauthenticated } from "../platform/errors";
import type { Platform } from "../platform/platform";

export const ACCESS_SECONDS = 9000;
export const REFRESH_SECONDS = 604_800;

export interface Claims {
    readonly sub: string;
    readonly userId: string;
    readonly scopes: readonly string[];
    readonly sessionId: string;
    readonly exp: number;
    readonly iat: number;
}

export interface TokenPair {
    readonly token: string;
    readonly refreshToken: string;
}

export interface Tokens {
    issue(user: User): TokenPair;
    /** Good claims, or the refusal that ThingsBoard has for it. */
    read(token: string): Claims;
    /** Ends one session; both of its tokens are outdated. */
    logOut(sessionId: string): void;
    isLoggedOut(claims: Claims): boolean;
    /** As if the lifetime of every access token issued so far were over. */
    expireAll(): void;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const HEADER = encode({ alg: "HS512" });

export function createTokens(platform: Platform, key: Buffer): Tokens {
    const ended = new Map<string, number>();
    // sessions by name, not by time: a token issued in the second of the fault is a new one
    const expiredSessions = new Set<string>();
    let liveSessions = new Set<string>();
    const sign = (payload: unknown): string => {
        const body = `${HEADER}.${encode(payload)}`;
        return `${body}.${createHmac("sha512", key).update(body).digest("base64url")}`;
    };
    const expired = (claims: Claims): boolean => claims.exp * 1000 <= platform.now() || (claims.scopes[0] !== "REFRESH_TOKEN" && expiredSessions.has(claims.sessionId));

    return {
        issue: (user) => {
            const iat = Math.floor(platform.now() / 1000);
            const sessionId = randomUUID();
            liveSessions.add(sessionId);
            const common = { sub: user.email, userId: user.id };
            return {
                token: sign({
                    ...common,
                    scopes: [user.authority],
                    sessionId,
                    exp: iat + ACCESS_SECONDS,
                    iss: "thingsboard.io",
                    iat,
                    enabled: true,
                    isPublic: false,
                    tenantId: user.tenantId,
                    customerId: user.customerId,
                }),
                refreshToken: sign({ ...common, scopes: ["REFRESH_TOKEN"], sessionId, exp: iat + REFRESH_SECONDS, iss: "thingsboard.io", iat, isPublic: false, jti: randomUUID() }),
            };
        },
        read: (token) => {
            const [header = "", payload = "", signature = "", ...rest] = token.split(".");
            let claims: Claims;
            try {
                if (rest.length > 0 || typeof (JSON.parse(Buffer.from(header, "base64url").toString()) as { alg?: unknown }).alg !== "string") throw new Error("not a token");
                claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Claims;
                if (typeof claims !== "object" || claims === null) throw new Error("not a token");
            } catch {
                throw unauthenticated("Invalid username or password");
            }
            const good = createHmac("sha512", key).update(`${header}.${payload}`).digest();
            const given = Buffer.from(signature, "base64url");
            // a wrong signature is told in the words of an expired token
            if (given.length !== good.length || !timingSafeEqual(given, good)) throw tokenExpired();
            if (expired(claims)) throw tokenExpired();
            return claims;
        },
        logOut: (sessionId) => {
            ended.set(sessionId, Math.floor(platform.now() / 1000));
        },
        // granularity of a second: a token of the very second of the log-out stays usable
        isLoggedOut: (claims) => claims.iat < (ended.get(claims.sessionId) ?? 0),
        expireAll: () => {
            for (const session of liveSessions) expiredSessions.add(session);
            liveSessions = new Set();
        },
    };
}
