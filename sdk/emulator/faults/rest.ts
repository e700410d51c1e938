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
        const own = fault?.status === undefined ? undefined : answer(fault, fault.status, now());
        if (own && fault?.when !== "after") return send(c, own, fault ?? {}, wait, now());

        const work = async (): Promise<void> => {
            await pace.turn(workOf(method, path));
            await next();
        };
        if (method === "DELETE" && /^\/api\/device\/[^/]+$/.test(path)) {
            const { outcome } = await pace.deleting(work);
            // each of them waited for a second connection to the database; the device is gone all the same
            if (outcome === "stalled") c.res = errorResponse(general("Could not open JPA EntityManager for transaction"), undefined, now());
        } else await work();
        if (!fault) return undefined;
        if (fault.drop === "after") return hangUp(c);
        const done = own ?? c.res;
        c.res = undefined;
        c.res = await send(c, done, fault, wait, now());
        return undefined;
    };
}

const PIECES = 10;

/** The whole answer, or its bytes as a bad network brings them. */
async function send(c: Parameters<Intercept>[0], response: Response, { truncate, drip }: RestFault, wait: (time: number) => Promise<void>, now: number): Promise<Response> {
    if (!truncate && !drip) return response;
    const body = Buffer.from(await response.arrayBuffer());
    const { outgoing } = c.env;
    // of an empty body nothing could be missing
    const announced = truncate ? Math.max(1, body.length) : body.length;
    outgoing.writeHead(response.status, { ...Object.fromEntries(response.headers), date: new Date(now).toUTCString(), "content-length": String(announced) });
    const end = truncate ? body.length >> 1 : body.length;
    const size = Math.max(1, Math.ceil(end / PIECES));
    for (let at = 0; at < end && !outgoing.destroyed; at += size) {
        outgoing.write(body.subarray(at, Math.min(end, at + size)));
        if (drip) await wait(drip / PIECES);
    }
    if (truncate) c.env.incoming.socket.end();
    else outgoing.end();
    return RESPONSE_ALREADY_SENT.clone();
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
