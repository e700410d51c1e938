// API keys: ThingsBoard 4.3 and later.
import { badRequest } from "../platform/errors";
import { pathId } from "../platform/ids";
import { boolean, entityId, integer, string } from "../platform/json";
import { pageOf } from "../platform/pages";
import { since, type Platform } from "../platform/platform";
import { createApiKey, getApiKey, getUser } from "../platform/users";
import { isBlank } from "../platform/validation";
import type { Routes } from "./app";
import { requireTenantUser } from "./auth";
import { empty, json, jsonBody, notConvertible, pageLink, param } from "./http";
import { apiKeyJson, pageJson } from "./shapes";

export function apiKeyRoutes({ route }: Routes, platform: Platform): void {
    if (!since(platform, "4.3")) return;

    route("POST", "/api/apiKey", (x) => {
        const caller = requireTenantUser(x.caller);
        const body = jsonBody(x, "ApiKeyInfo");
        const description = string(body["description"]);
        if (isBlank(description)) throw badRequest("Validation error: description must not be blank");
        const userId = entityId(body["userId"], "UserId");
        if (!userId) throw badRequest("Invalid entity id");
        const user = getUser(platform, caller.tenantId, userId);
        const key = createApiKey(platform, user, { description, enabled: boolean(body["enabled"]), expirationTime: integer(body["expirationTime"]) });
        return json(apiKeyJson(platform, key, "with value"));
    });
    route("GET", "/api/apiKeys/:userId", (x) => {
        const caller = requireTenantUser(x.caller);
        const user = getUser(platform, caller.tenantId, pathId(param(x, "userId")));
        const page = pageOf(platform.store.apiKeys, pageLink(x), {
            filter: (key) => key.userId === user.id,
            searched: (key) => [key.description],
            sorts: {
                createdTime: (key) => key.createdTime,
                description: (key) => key.description,
                expirationTime: (key) => key.expirationTime,
                enabled: (key) => Number(key.enabled),
            },
        });
        return json(pageJson(page, (key) => apiKeyJson(platform, key, "without value")));
    });
    route("PUT", "/api/apiKey/:id/description", (x) => {
        const key = getApiKey(platform, requireTenantUser(x.caller).tenantId, pathId(param(x, "id")));
        if (isBlank(x.body)) throw badRequest("Validation error: description must not be blank");
        const changed = { ...key, description: x.body };
        platform.store.apiKeys.put(changed);
        return json(apiKeyJson(platform, changed, "without value"));
    });
    route("PUT", "/api/apiKey/:id/enabled/:enabled", (x) => {
        const key = getApiKey(platform, requireTenantUser(x.caller).tenantId, pathId(param(x, "id")));
        const enabled = param(x, "enabled");
        if (!["true", "false"].includes(enabled)) throw notConvertible("enabledValue", enabled, "boolean", "PathVariable");
        const changed = { ...key, enabled: enabled === "true" };
        platform.store.apiKeys.put(changed);
        return json(apiKeyJson(platform, changed, "without value"));
    });
    route("DELETE", "/api/apiKey/:id", (x) => {
        const key = getApiKey(platform, requireTenantUser(x.caller).tenantId, pathId(param(x, "id")));
        platform.store.apiKeys.remove(key.id);
        return empty();
    });
}
