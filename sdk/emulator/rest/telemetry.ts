// Attributes and telemetry. Errors of these controllers are bare sentences, not the error body.
import { badRequest, TextError } from "../platform/errors";
import { GsonError } from "../platform/gson";
import { pathId, type Uuid } from "../platform/ids";
import { isObject } from "../platform/json";
import { SCOPES, type Point, type Scope, type Value } from "../platform/keyValues";
import type { Platform } from "../platform/platform";
import { settleActivity } from "../platform/deviceState";
import { asText, at, attributeFromRest, parseTelemetry, typed } from "../platform/values";
import type { Routes } from "./app";
import { requireTenantUser } from "./auth";
import { empty, json, notConvertible, param, query, requiredQuery, type Exchange } from "./http";

const BASE = "/api/plugins/telemetry";
const ENTITY = `${BASE}/:entityType/:entityId`;

export function telemetryRoutes({ route }: Routes): void {
    route("GET", `${ENTITY}/keys/attributes`, (x) => {
        const id = entity(x);
        return json([...new Set(SCOPES.flatMap((scope) => [...attributes(x, id, scope).keys()]))]);
    });
    route("GET", `${ENTITY}/keys/attributes/:scope`, (x) => {
        const of = scope(x);
        return json([...attributes(x, entity(x), of).keys()]);
    });
    route("GET", `${ENTITY}/values/attributes`, (x) => {
        const id = entity(x);
        return json(attributesJson(SCOPES.flatMap((of) => [...attributes(x, id, of)]), keys(x)));
    });
    route("GET", `${ENTITY}/values/attributes/:scope`, (x) => {
        const of = scope(x);
        return json(attributesJson([...attributes(x, entity(x), of)], keys(x)));
    });
    route("POST", `${ENTITY}/attributes/:scope`, (x) => writeAttributes(x, entity(x), scope(x)));
    route("DELETE", `${ENTITY}/timeseries/delete`, deleteSeries);
    route("POST", `${ENTITY}/timeseries/:scope`, writeTelemetry);
    route("POST", `${ENTITY}/timeseries/:scope/:ttl`, writeTelemetry);
    route("POST", `${ENTITY}/:scope`, (x) => writeAttributes(x, entity(x), scope(x)));
    route("DELETE", `${ENTITY}/:scope`, (x) => deleteAttributes(x, entity(x), scope(x)));
    route("POST", `${BASE}/:deviceId/:scope`, (x) => writeAttributes(x, device(x, param(x, "deviceId")), scope(x)));
    route("DELETE", `${BASE}/:deviceId/:scope`, (x) => deleteAttributes(x, device(x, param(x, "deviceId")), scope(x)));

    route("GET", `${ENTITY}/keys/timeseries`, (x) => json(x.platform.store.keyValues.seriesKeys(entity(x))));
    route("GET", `${ENTITY}/values/timeseries`, readSeries);
}

const keys = (x: Exchange): string[] => (query(x, "keys") ?? "").split(",").filter((key) => key !== "");

function device(x: Exchange, text: string): Uuid {
    const id = pathId(text);
    const { user } = x.caller;
    if (user.authority === "SYS_ADMIN") throw new TextError(403, "System administrator is not allowed to perform this operation!");
    const found = x.platform.store.devices.get(id);
    if (!found || found.tenantId !== user.tenantId) throw new TextError(404, "Device with requested id wasn't found!");
    if (user.authority === "CUSTOMER_USER" && found.customerId !== user.customerId) throw new TextError(403, "You don't have permission to perform this operation!");
    return id;
}

function entity(x: Exchange): Uuid {
    const type = param(x, "entityType");
    if (type === "DEVICE") return device(x, param(x, "entityId"));
    const id = pathId(param(x, "entityId"));
    const { tenantId } = requireTenantUser(x.caller);
    if (type === "TENANT" && id === tenantId) return id;
    if (type === "CUSTOMER" && x.platform.store.customers.get(id)?.tenantId === tenantId) return id;
    if (type === "TENANT" || type === "CUSTOMER") throw new TextError(404, `${type === "TENANT" ? "Tenant" : "Customer"} with requested id wasn't found!`);
    throw badRequest(`No enum constant org.thingsboard.server.common.data.EntityType.${type}`);
}

function scope(x: Exchange): Scope {
    const text = param(x, "scope");
    const found = SCOPES.find((known) => known === text);
    if (!found) throw notConvertible("scope", text, "org.thingsboard.server.common.data.AttributeScope", "PathVariable");
    return found;
}

function attributes(x: Exchange, id: Uuid, of: Scope): ReadonlyMap<string, Point> {
    if (of === "SERVER_SCOPE") settleActivity(x.platform, id);
    return x.platform.store.keyValues.attributes(id, of);
}

function attributesJson(all: readonly (readonly [string, Point])[], wanted: readonly string[]): string {
    const shown = wanted.length > 0 ? all.filter(([key]) => wanted.includes(key)) : all;
    return `[${shown.map(([key, point]) => `{"lastUpdateTs":${point.ts},"key":${JSON.stringify(key)},"value":${typed(point)}}`).join(",")}]`;
}

function writeAttributes(x: Exchange, id: Uuid, of: Scope): Response {
    let body: unknown;
    try {
        body = JSON.parse(x.body);
    } catch {
        throw new TextError(400, "Invalid JSON");
    }
    if (!isObject(body)) throw new TextError(400, "Request is not a JSON object");
    if (of === "CLIENT_SCOPE") throw new TextError(400, `Invalid scope: ${of}`);
    const values = new Map(Object.entries(body).filter(([, value]) => value !== null).map(([key, value]) => [key, attributeFromRest(value)]));
    if (values.size === 0) throw new TextError(400, "No attributes data found in request body!");
    for (const [key, value] of values) x.platform.store.keyValues.setAttribute(id, of, key, at(value, x.platform.now()));
    tellDevice(x.platform, id, of, values, []);
    return empty();
}

function deleteAttributes(x: Exchange, id: Uuid, of: Scope): Response {
    requiredQuery(x, "keys");
    const wanted = keys(x);
    if (wanted.length === 0) throw new TextError(400, "Empty keys: []");
    for (const key of wanted) x.platform.store.keyValues.setAttribute(id, of, key, null);
    tellDevice(x.platform, id, of, new Map(), wanted);
    return empty();
}

function tellDevice(platform: Platform, id: Uuid, of: Scope, updated: ReadonlyMap<string, Value>, removed: readonly string[]): void {
    if (of === "SHARED_SCOPE") for (const listener of platform.listeners) listener.sharedAttributesChanged?.(id, updated, removed);
}

function writeTelemetry(x: Exchange): Response {
    const id = entity(x);
    let groups;
    try {
        groups = parseTelemetry(x.body, x.platform.now());
    } catch (error) {
        if (!(error instanceof GsonError)) throw error;
        throw new TextError(400, "Unable to parse timeseries payload. Invalid JSON: ");
    }
    if (groups.every((group) => group.values.size === 0)) throw new TextError(400, "No timeseries data found in request body!");
    for (const { ts, values } of groups) for (const [key, value] of values) x.platform.store.keyValues.addPoint(id, key, at(value, ts));
    return empty();
}

function readSeries(x: Exchange): Response {
    const id = entity(x);
    const { keyValues } = x.platform.store;
    const print = query(x, "useStrictDataTypes") === "true" ? typed : asText;
    const pointJson = (point: Point): string => `{"ts":${point.ts},"value":${print(point)}}`;
    const [from, to] = [query(x, "startTs"), query(x, "endTs")];
    const wanted = keys(x).length > 0 ? keys(x) : keyValues.seriesKeys(id);
    const entries = wanted.flatMap((key) => {
        const points = keyValues.series(id, key);
        if (from === undefined || to === undefined) {
            // a key that is not there has a value all the same: null, as of now
            return [`${JSON.stringify(key)}:[${points[0] ? pointJson(points[0]) : `{"ts":${x.platform.now()},"value":null}`}]`];
        }
        const within = points.filter((point) => point.ts >= Number(from) && point.ts < Number(to)).slice(0, Number(query(x, "limit") ?? 100));
        if (query(x, "orderBy") === "ASC") within.reverse();
        return within.length > 0 ? [`${JSON.stringify(key)}:[${within.map(pointJson).join(",")}]`] : [];
    });
    return json(`{${entries.join(",")}}`);
}

function deleteSeries(x: Exchange): Response {
    const id = entity(x);
    const { keyValues } = x.platform.store;
    const wanted = keys(x);
    if (wanted.length === 0) throw new TextError(400, "Empty keys: []");
    const all = query(x, "deleteAllDataForKeys") === "true";
    const [from, to] = [query(x, "startTs"), query(x, "endTs")];
    if (!all && (from === undefined || to === undefined)) {
        throw new TextError(400, "When deleteAllDataForKeys is false, start and end timestamp values shouldn't be empty");
    }
    for (const key of wanted) {
        keyValues.replaceSeries(id, key, all ? [] : keyValues.series(id, key).filter((point) => point.ts < Number(from) || point.ts >= Number(to)));
    }
    return empty();
}
