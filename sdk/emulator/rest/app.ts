// The REST side: every request passes the faults, the log-in, the rate limit and its route, in this order.
import { Hono } from "hono";
import { MvcError, PlatformError } from "../platform/errors";
import { limitsOf, type Platform } from "../platform/platform";
import { createRateLimits } from "../platform/rateLimits";
import type { Intercept } from "../faults/rest";
import { apiKeyRoutes } from "./apiKeys";
import { callerOf, ToLoginPage, type Caller } from "./auth";
import { connectivityRoutes, type Addresses } from "./connectivity";
import { customerRoutes } from "./customers";
import { deviceApiRoutes } from "./deviceApi";
import { deviceRoutes } from "./devices";
import { groupRoutes } from "./groups";
import { errorResponse, type Exchange, type HonoEnv } from "./http";
import { importRoutes } from "./bulkImport";
import { loginRoutes } from "./login";
import { namedRoutes } from "./named";
import { profileRoutes } from "./profiles";
import { systemRoutes } from "./system";
import { telemetryRoutes } from "./telemetry";
import { tenantRoutes } from "./tenants";
import type { Tokens } from "./tokens";

export type Method = "GET" | "POST" | "PUT" | "DELETE";
export type Handler = (x: Exchange) => Response | Promise<Response>;

/** Declares a route. `open` ones need no log-in; their `caller` must not be used. */
export interface Routes {
    route(method: Method, path: string, handler: Handler): void;
    open(method: Method, path: string, handler: Handler): void;
}

const MAX_BODY = 16_777_216;
const PAGE = "<!doctype html><html><head><title>ThingsBoard</title></head><body>This is an emulated ThingsBoard. It has no user interface.</body></html>";

export function createApp(platform: Platform, tokens: Tokens, addresses: () => Addresses, intercept: Intercept): Hono<HonoEnv> {
    const app = new Hono<HonoEnv>();
    const limits = createRateLimits();
    const known: { method: Method; pattern: RegExp }[] = [];

    const authorised = (header: (name: string) => string | undefined): Caller => {
        const caller = callerOf(platform, tokens, header);
        const { user } = caller;
        if (user.authority !== "SYS_ADMIN") {
            const { tenantServerRestLimitsConfiguration, customerServerRestLimitsConfiguration } = limitsOf(platform, user.tenantId);
            const spent = !limits.take(user.tenantId, tenantServerRestLimitsConfiguration, platform.now()) ? "tenant"
                : user.authority === "CUSTOMER_USER" && !limits.take(user.customerId, customerServerRestLimitsConfiguration, platform.now()) ? "customer"
                : undefined;
            if (spent) throw new PlatformError(429, 33, `Too many requests for current ${spent}!`);
        }
        return caller;
    };
    const declare = (method: Method, path: string, handler: Handler, access: "open" | "logged in"): void => {
        known.push({ method, pattern: new RegExp(`^${path.replace(/:\w+/g, "[^/]+")}$`) });
        app.on(method, path, async (c) => {
            const caller = access === "open" ? (undefined as never) : authorised((name) => c.req.header(name));
            const body = method === "GET" ? "" : await readBody(c.req.raw);
            return handler({ platform, tokens, c, caller, body });
        });
    };
    const routes: Routes = {
        route: (method, path, handler) => declare(method, path, handler, "logged in"),
        open: (method, path, handler) => declare(method, path, handler, "open"),
    };

    // The header says what time it is for the platform, as a server whose clock is wrong says it.
    app.use("*", async (c, next) => {
        await next();
        c.res.headers.set("date", new Date(platform.now()).toUTCString());
    });
    app.use("*", intercept);
    loginRoutes(routes);
    systemRoutes(routes, platform);
    deviceApiRoutes(routes);
    connectivityRoutes(routes, platform, addresses);
    apiKeyRoutes(routes, platform);
    importRoutes(routes);
    deviceRoutes(routes, platform);
    profileRoutes(routes);
    namedRoutes(routes);
    telemetryRoutes(routes);
    customerRoutes(routes, platform);
    groupRoutes(routes, platform);
    tenantRoutes(routes);

    app.notFound((c) => {
        const { path } = c.req;
        // everything else is the user interface: whoever follows the way to the login page gets a page, with status 200
        if (c.req.method === "GET" && !path.startsWith("/api/")) return c.html(PAGE);
        authorised((name) => c.req.header(name));
        const methods = known.filter((route) => route.pattern.test(path)).map((route) => route.method);
        const error =
            methods.length > 0
                ? new MvcError(405, 31, `Request method '${c.req.method}' is not supported`)
                : new MvcError(404, 32, `No static resource ${path.slice(1)}.`);
        return errorResponse(error, c.req.header("accept"), platform.now());
    });
    app.onError((error, c) => {
        if (error instanceof ToLoginPage) return c.redirect(new URL("/oauth2Login", c.req.url).href, 302);
        return errorResponse(error, c.req.header("accept"), platform.now());
    });
    return app;
}

async function readBody(request: Request): Promise<string> {
    if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY) throw tooLarge();
    const text = await request.text();
    if (text.length > MAX_BODY) throw tooLarge();
    return text;
}

const tooLarge = (): PlatformError => new PlatformError(413, 31, "Request payload size exceeds the limit");
