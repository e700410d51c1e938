// The device API over HTTP, for devices with an access token: what the connectivity hints tell to try with curl.
import type { Device } from "../platform/entities";
import { deviceActive } from "../platform/deviceState";
import { badRequest } from "../platform/errors";
import { GsonError } from "../platform/gson";
import type { Point, Scope } from "../platform/keyValues";
import { at, parseAttributes, parseTelemetry, typed } from "../platform/values";
import type { Routes } from "./app";
import { empty, json, param, query, type Exchange } from "./http";

export function deviceApiRoutes({ open }: Routes): void {
    open("POST", "/api/v1/:token/telemetry", (x) =>
        withDevice(x, (device) => {
            const groups = readable(() => parseTelemetry(x.body, x.platform.now()));
            for (const { ts, values } of groups) for (const [key, value] of values) x.platform.store.keyValues.addPoint(device.id, key, at(value, ts));
            return empty();
        }),
    );
    open("POST", "/api/v1/:token/attributes", (x) =>
        withDevice(x, (device) => {
            const values = readable(() => parseAttributes(x.body));
            for (const [key, value] of values) x.platform.store.keyValues.setAttribute(device.id, "CLIENT_SCOPE", key, at(value, x.platform.now()));
            return empty();
        }),
    );
    open("GET", "/api/v1/:token/attributes", (x) =>
        withDevice(x, (device) => {
            const part = (scope: Scope, name: string): [string, Point][] => {
                const keys = query(x, name)?.split(",");
                const all = query(x, "clientKeys") === undefined && query(x, "sharedKeys") === undefined;
                return [...x.platform.store.keyValues.attributes(device.id, scope)].filter(([key]) => all || keys?.includes(key));
            };
            const parts = Object.entries({ client: part("CLIENT_SCOPE", "clientKeys"), shared: part("SHARED_SCOPE", "sharedKeys") });
            const print = (values: [string, Point][]): string => values.map(([key, point]) => `${JSON.stringify(key)}:${typed(point)}`).join(",");
            return json(`{${parts.flatMap(([name, values]) => (values.length > 0 ? [`"${name}":{${print(values)}}`] : [])).join(",")}}`);
        }),
    );
}

function withDevice(x: Exchange, run: (device: Device) => Response): Response {
    const row = x.platform.store.credentials.find("credentialsId", param(x, "token"));
    const device = row?.credentialsType === "ACCESS_TOKEN" ? x.platform.store.devices.get(row.deviceId) : undefined;
    if (!device) return new Response(null, { status: 401 });
    deviceActive(x.platform, device.id);
    return run(device);
}

function readable<T>(parse: () => T): T {
    try {
        return parse();
    } catch (error) {
        if (error instanceof GsonError) throw badRequest(error.message);
        throw error;
    }
}
