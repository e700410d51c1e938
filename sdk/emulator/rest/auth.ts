// Who is calling: a token or an API key, in `X-Authorization` or `Authorization`.
import type { User } from "../platform/entities";
import { general, tokenExpired, unauthenticated, forbidden } from "../platform/errors";
import { since, type Platform } from "../platform/platform";
import { userOfApiKey } from "../platform/users";
import type { Claims, Tokens } from "./tokens";

export interface Caller {
    readonly user: User;
    /** Absent when an API key was used. */
    readonly claims?: Claims;
}

/** A scheme that is neither `Bearer` nor `ApiKey`: ThingsBoard sends the caller to a login page for browsers. */
export class ToLoginPage extends Error {}

export function callerOf(platform: Platform, tokens: Tokens, header: (name: string) => string | undefined): Caller {
    const headers = [header("x-authorization"), header("authorization")].filter((value): value is string => value !== undefined && value.trim() !== "");
    if (headers.length === 0) throw unauthenticated("Authentication failed");
    if (!since(platform, "4.3")) return byToken(platform, tokens, (headers[0] ?? "").slice("Bearer ".length)); // cuts seven characters, whatever they are
    const bearer = headers.find((value) => value.startsWith("Bearer "));
    if (bearer) return byToken(platform, tokens, bearer.slice("Bearer ".length));
    const key = headers.find((value) => value.startsWith("ApiKey "));
    if (key) return { user: userOfApiKey(platform, key.slice("ApiKey ".length)) };
    throw new ToLoginPage();
}

function byToken(platform: Platform, tokens: Tokens, token: string): Caller {
    const claims = tokens.read(token);
    if (claims.scopes[0] === "REFRESH_TOKEN") {
        throw general('Cannot invoke "java.lang.Boolean.booleanValue()" because the return value of "io.jsonwebtoken.Claims.get(String, java.lang.Class)" is null');
    }
    if (tokens.isLoggedOut(claims)) throw tokenExpired();
    const user = platform.store.users.get(claims.userId);
    if (!user) throw unauthenticated("Invalid username or password");
    return { user, claims };
}

export function requireTenantAdmin(caller: Caller): User {
    if (caller.user.authority !== "TENANT_ADMIN") throw forbidden();
    return caller.user;
}

export function requireTenantUser(caller: Caller): User {
    if (caller.user.authority === "SYS_ADMIN") throw forbidden();
    return caller.user;
}

export function requireSystemAdmin(caller: Caller): User {
    if (caller.user.authority !== "SYS_ADMIN") throw forbidden();
    return caller.user;
}
