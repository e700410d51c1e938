// Rule chains and dashboards, as far as a device profile names one. From ThingsBoard's source, not from a running server.
import type { Named } from "../platform/entities";
import { notFound } from "../platform/errors";
import { newId, pathId } from "../platform/ids";
import { string } from "../platform/json";
import { pageOf } from "../platform/pages";
import type { Table } from "../platform/table";
import { checkName } from "../platform/validation";
import type { Routes } from "./app";
import { requireTenantAdmin } from "./auth";
import { json, jsonBody, pageLink, param, type Exchange } from "./http";
import { pageJson } from "./shapes";

interface Kind {
    readonly type: "RULE_CHAIN" | "DASHBOARD";
    readonly title: "name" | "title";
    readonly shown: string;
    readonly write: string;
    readonly read: string;
    readonly list: string;
    readonly table: (x: Exchange) => Table<Named, never>;
}

const KINDS: readonly Kind[] = [
    { type: "RULE_CHAIN", title: "name", shown: "Rule chain", write: "/api/ruleChain", read: "/api/ruleChain/:id", list: "/api/ruleChains", table: (x) => x.platform.store.ruleChains },
    { type: "DASHBOARD", title: "title", shown: "Dashboard", write: "/api/dashboard", read: "/api/dashboard/info/:id", list: "/api/tenant/dashboards", table: (x) => x.platform.store.dashboards },
];

export function namedRoutes({ route }: Routes): void {
    for (const kind of KINDS) {
        route("POST", kind.write, (x) => {
            const { tenantId } = requireTenantAdmin(x.caller);
            const name = string(jsonBody(x, `org.thingsboard.server.common.data.${kind.shown}`)[kind.title]);
            checkName(`${kind.shown} ${kind.title}`, name);
            const row = { id: newId(), createdTime: x.platform.now(), tenantId, name };
            kind.table(x).put(row);
            return json(shape(kind, row));
        });
        route("GET", kind.read, (x) => {
            const { tenantId } = requireTenantAdmin(x.caller);
            const id = pathId(param(x, "id"));
            const row = kind.table(x).get(id);
            if (!row || row.tenantId !== tenantId) throw notFound(`${kind.shown} with id [${id}] is not found`);
            return json(shape(kind, row));
        });
        route("GET", kind.list, (x) => {
            const { tenantId } = requireTenantAdmin(x.caller);
            const page = pageOf(kind.table(x), pageLink(x), {
                filter: (row) => row.tenantId === tenantId,
                searched: (row) => [row.name],
                sorts: { createdTime: (row) => row.createdTime, [kind.title]: (row) => row.name },
            });
            return json(pageJson(page, (row) => shape(kind, row)));
        });
    }
}

const shape = (kind: Kind, row: Named): string =>
    JSON.stringify({
        id: { entityType: kind.type, id: row.id },
        createdTime: row.createdTime,
        tenantId: { entityType: "TENANT", id: row.tenantId },
        [kind.title]: row.name,
        ...(kind.type === "RULE_CHAIN" ? { type: "CORE", root: row.name === "Root Rule Chain" } : { name: row.name }),
    });
