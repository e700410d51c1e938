// Where faults and pace meet a REST call: in front of everything else.
import type { MiddlewareHandler } from "hono";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { general, PlatformError } from "../platform/errors";
import { errorResponse, type HonoEnv } from "../rest/http";
import type { FaultState, RestFault } from "./faults";
import type { PaceState, Work } from "./pace";

export type Intercept = MiddlewareHandler<HonoEnv>;

const CREATES = new Set(["/api/device", "/api/device-with-credentials"]);

const workOf = (method: string, path: string): Work =>
    method === "GET" || method === "HEAD" ? "read" : method === "DELETE" ? "delete" : CREATES.has(path) ? "create" : "write";

export function interceptRest(faults: FaultState, pace: PaceState, wait: (time: number) => Promise<void>, now: () => number): Intercept {
    return async (c, next) => {
        const { method, path } = c.req;
        const fault = faults.takeRest(method, path);
        if (fault?.latency) await wait(fault.latency);
        if (fault?.drop === "before") return hangUp(c);
        if (fault?.status !== undefined) return answer(fault, fault.status, now());

        const work = async (): Promise<void> => {
            await pace.turn(workOf(method, path));
            await next();
        };
        if (method === "DELETE" && /^\/api\/device\/[^/]+$/.test(path)) {
            const { outcome } = await pace.deleting(work);
            // each of them waited for a second connection to the database; the device is gone all the same
            if (outcome === "stalled") c.res = errorResponse(general("Could not open JPA EntityManager for transaction"), undefined, now());
        } else await work();
        if (fault?.drop === "after") return hangUp(c);
        return undefined;
    };
}

function hangUp(c: Parameters<Intercept>[0]): Response {
    c.env.incoming.socket.destroy();
    return RESPONSE_ALREADY_SENT.clone();
}

const MESSAGES: Record<number, [code: number, message: string]> = {
    401: [10, "Authentication failed"],
    403: [20, "You don't have permission to perform this operation!"],
    404: [32, "Requested item wasn't found!"],
    409: [35, "Entity was already changed by someone else"],
    429: [33, "Too many requests for current tenant!"],
};

function answer(fault: RestFault, status: number, now: number): Response {
    const headers = new Headers(fault.headers);
    if (fault.body !== undefined) {
        if (!headers.has("content-type")) headers.set("content-type", "text/plain");
        return new Response(fault.body, { status, headers });
    }
    const [code, message] = MESSAGES[status] ?? (status >= 500 ? [2, "Internal server error"] : [31, "Bad request"]);
    const response = errorResponse(new PlatformError(status, code, message), undefined, now);
    for (const [name, value] of headers) response.headers.set(name, value);
    return response;
}
