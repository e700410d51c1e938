// One request as a route sees it, and the answers it may give.
import type { Context } from "hono";
import type { HttpBindings } from "@hono/node-server";
import { badRequest, general, MvcError, PlatformError, TextError } from "../platform/errors";
import { parseObject, type JsonObject } from "../platform/json";
import { checkPage, type PageLink } from "../platform/pages";
import type { Platform } from "../platform/platform";
import type { Caller } from "./auth";
import type { Tokens } from "./tokens";

export type HonoEnv = { Bindings: HttpBindings };

export interface Exchange {
    readonly platform: Platform;
    readonly tokens: Tokens;
    readonly c: Context<HonoEnv>;
    readonly caller: Caller;
    readonly body: string;
}

/** ThingsBoard's own filters and its error handler write with the servlet's default character set. */
const LATIN = "application/json;charset=ISO-8859-1";

export const json = (value: unknown): Response => new Response(typeof value === "string" ? value : JSON.stringify(value), { headers: { "content-type": "application/json" } });
export const jsonLatin = (value: unknown): Response => new Response(JSON.stringify(value), { headers: { "content-type": LATIN } });
export const empty = (): Response => new Response(null);

export function errorResponse(error: unknown, accept: string | undefined, now: number): Response {
    if (error instanceof TextError) {
        return new Response(error.text, { status: error.status, headers: { "content-type": acceptsJsonFirst(accept) ? "application/json" : "text/plain;charset=UTF-8" } });
    }
    const known = error instanceof PlatformError ? error : general(error instanceof Error ? error.message : null);
    const { status, errorCode, text: message, more } = known;
    const body =
        known instanceof MvcError
            ? { message, errorCode, status, timestamp: now }
            : { status, message, errorCode, timestamp: now, ...more };
    return new Response(JSON.stringify(body), { status, headers: { "content-type": known instanceof MvcError ? "application/json" : LATIN } });
}

/** A bare text goes under the first media type that the caller named. */
const acceptsJsonFirst = (accept: string | undefined): boolean => (accept ?? "").split(",")[0]?.split(";")[0]?.trim() === "application/json";

export function jsonBody(x: Exchange, type: string): JsonObject {
    const contentType = (x.c.req.header("content-type") ?? "application/octet-stream").split(";")[0]?.trim() ?? "";
    if (x.body !== "" && !/^application\/(?:[\w.-]+\+)?json$/i.test(contentType)) {
        throw general(`Content-Type '${x.c.req.header("content-type") ?? contentType}' is not supported`);
    }
    return parseObject(x.body, type);
}

export const param = (x: Exchange, name: string): string => {
    const value = x.c.req.param(name);
    if (value === undefined) throw general(`Required path variable '${name}' is not present`);
    return value;
};

export const query = (x: Exchange, name: string): string | undefined => x.c.req.query(name);

export function requiredQuery(x: Exchange, name: string, type = "String"): string {
    const value = query(x, name);
    if (value === undefined) throw general(`Required request parameter '${name}' for method parameter type ${type} is not present`);
    return value;
}

export const notConvertible = (name: string, value: string, type: string, annotation: "RequestParam" | "PathVariable"): PlatformError =>
    badRequest(
        `Method parameter '${name}': Failed to convert value of type 'java.lang.String' to required type '${type}'; Failed to convert from type [java.lang.String] ` +
            `to type [@io.swagger.v3.oas.annotations.Parameter @org.springframework.web.bind.annotation.${annotation} ${type}] for value [${value}]`,
    );

function int(x: Exchange, name: string): number {
    const value = requiredQuery(x, name, "int");
    if (!/^[+-]?\d{1,9}$/.test(value)) {
        throw badRequest(`Method parameter '${name}': Failed to convert value of type 'java.lang.String' to required type 'int'; For input string: "${value}"`);
    }
    return Number(value);
}

export function pageLink(x: Exchange): PageLink {
    const [pageSize, page, sortProperty] = [int(x, "pageSize"), int(x, "page"), query(x, "sortProperty") || undefined];
    const sortOrder = sortProperty === undefined ? undefined : query(x, "sortOrder") || undefined;
    checkPage(pageSize, page, sortOrder);
    return { pageSize, page, textSearch: query(x, "textSearch") || undefined, sortProperty, sortOrder: sortOrder?.toUpperCase() };
}
