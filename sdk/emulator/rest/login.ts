// Log-in, refresh, log-out.
import { empty, json, jsonLatin, type Exchange } from "./http";
import { general, type PlatformError, tokenExpired, unauthenticated } from "../platform/errors";
import { isObject } from "../platform/json";
import { authenticate } from "../platform/users";
import type { Routes } from "./app";
import { userJson } from "./shapes";

const refused = (): PlatformError => unauthenticated("Authentication failed");

export function loginRoutes({ route, open }: Routes): void {
    open("POST", "/api/auth/login", (x) => {
        const { username, password } = fields(x);
        if (typeof username !== "string" || typeof password !== "string" || username.trim() === "" || password.trim() === "") throw refused();
        return jsonLatin(x.tokens.issue(authenticate(x.platform, username, password)));
    });
    for (const method of ["GET", "PUT", "DELETE"] as const) {
        open(method, "/api/auth/login", () => {
            throw unauthenticated("Authentication method not supported");
        });
        open(method, "/api/auth/token", () => {
            throw unauthenticated("Authentication method not supported");
        });
    }

    open("POST", "/api/auth/token", (x) => {
        const { refreshToken } = fields(x);
        if (typeof refreshToken !== "string" || refreshToken.trim() === "") throw refused();
        const claims = x.tokens.read(refreshToken);
        if (claims.scopes[0] !== "REFRESH_TOKEN") throw general("Invalid Refresh Token scope");
        if (x.tokens.isLoggedOut(claims)) throw unauthenticated("Token is outdated");
        const user = x.platform.store.users.get(claims.userId);
        if (!user) throw unauthenticated("Invalid username or password");
        return jsonLatin(x.tokens.issue(user)); // the old refresh token stays usable
    });

    route("POST", "/api/auth/logout", (x) => {
        if (x.caller.claims) x.tokens.logOut(x.caller.claims.sessionId);
        return empty();
    });
    route("GET", "/api/auth/user", (x) => {
        const user = x.platform.store.users.get(x.caller.user.id);
        if (!user) throw tokenExpired();
        return json(userJson(x.platform, user));
    });
}

function fields(x: Exchange): Record<string, unknown> {
    try {
        const body: unknown = JSON.parse(x.body);
        if (isObject(body)) return body;
    } catch {
        // as with any other body that says nothing
    }
    throw refused();
}
