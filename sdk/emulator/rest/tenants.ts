// What a system administrator does: tenants, their profiles with the limits, and users.
import type { TenantProfile } from "../platform/entities";
import { badRequest, itemNotFound, notFound } from "../platform/errors";
import { newId, NULL_ID, pathId, type Uuid } from "../platform/ids";
import { entityId, isObject, object, oneOf, string, type JsonObject } from "../platform/json";
import { pageOf } from "../platform/pages";
import type { Platform } from "../platform/platform";
import { defaultProfile } from "../platform/profiles";
import { removeDevice } from "../platform/devices";
import { createUser, getTenant, getUser, hashPassword } from "../platform/users";
import { checkFields, checkName } from "../platform/validation";
import type { Routes } from "./app";
import { requireSystemAdmin } from "./auth";
import { empty, json, jsonBody, jsonLatin, pageLink, param } from "./http";
import { pageJson, tenantJson, userJson } from "./shapes";

export function tenantRoutes({ route, open }: Routes): void {
    route("POST", "/api/tenant", (x) => {
        requireSystemAdmin(x.caller);
        const body = jsonBody(x, "org.thingsboard.server.common.data.Tenant");
        const { platform } = x;
        const id = entityId(body["id"], "TenantId");
        const old = id ? getTenant(platform, id) : undefined;
        const title = string(body["title"]);
        checkFields({ title });
        checkName("Tenant title", title);
        const profileId = entityId(body["tenantProfileId"], "TenantProfileId");
        const tenant = {
            id: old?.id ?? newId(),
            createdTime: old?.createdTime ?? platform.now(),
            title,
            tenantProfileId: profileId ? getTenantProfile(platform, profileId).id : defaultTenantProfile(platform).id,
            version: old ? old.version + 1 : 1,
        };
        platform.store.tenants.put(tenant);
        if (!old) defaultProfile(platform, tenant.id);
        return json(tenantJson(platform, tenant));
    });
    route("GET", "/api/tenant/:id", (x) => {
        const id = pathId(param(x, "id"));
        if (x.caller.user.tenantId !== id) requireSystemAdmin(x.caller);
        return json(tenantJson(x.platform, getTenant(x.platform, id)));
    });
    route("GET", "/api/tenants", (x) => {
        requireSystemAdmin(x.caller);
        const page = pageOf(x.platform.store.tenants, pageLink(x), {
            filter: () => true,
            searched: (tenant) => [tenant.title],
            sorts: { createdTime: (tenant) => tenant.createdTime, title: (tenant) => tenant.title },
        });
        return json(pageJson(page, (tenant) => tenantJson(x.platform, tenant)));
    });
    route("DELETE", "/api/tenant/:id", (x) => {
        requireSystemAdmin(x.caller);
        removeTenant(x.platform, getTenant(x.platform, pathId(param(x, "id"))).id);
        return empty();
    });

    route("GET", "/api/tenantProfileInfo/default", (x) => {
        requireSystemAdmin(x.caller);
        const { id, name } = defaultTenantProfile(x.platform);
        return json({ id: { entityType: "TENANT_PROFILE", id }, name });
    });
    route("GET", "/api/tenantProfile/:id", (x) => {
        requireSystemAdmin(x.caller);
        return json(profileJson(getTenantProfile(x.platform, pathId(param(x, "id")))));
    });
    route("GET", "/api/tenantProfiles", (x) => {
        requireSystemAdmin(x.caller);
        const page = pageOf(x.platform.store.tenantProfiles, pageLink(x), {
            filter: () => true,
            searched: (profile) => [profile.name],
            sorts: { createdTime: (profile) => profile.createdTime, name: (profile) => profile.name },
        });
        return json(pageJson(page, (profile) => JSON.stringify(profileJson(profile))));
    });
    route("POST", "/api/tenantProfile", (x) => {
        requireSystemAdmin(x.caller);
        return json(profileJson(saveTenantProfile(x.platform, jsonBody(x, "org.thingsboard.server.common.data.TenantProfile"))));
    });

    route("POST", "/api/user", (x) => {
        const body = jsonBody(x, "org.thingsboard.server.common.data.User");
        const authority = oneOf(body["authority"], ["SYS_ADMIN", "TENANT_ADMIN", "CUSTOMER_USER"], "org.thingsboard.server.common.data.security.Authority");
        const email = string(body["email"]);
        checkName("User email", email);
        if (!authority) throw badRequest("User authority isn't defined!");
        const caller = x.caller.user;
        // a tenant administrator may add customer users only
        if (authority !== "CUSTOMER_USER" || caller.authority === "CUSTOMER_USER") requireSystemAdmin(x.caller);
        const tenantId = caller.authority === "SYS_ADMIN" ? (entityId(body["tenantId"], "TenantId") ?? NULL_ID) : caller.tenantId;
        if (authority === "TENANT_ADMIN") getTenant(x.platform, tenantId);
        const user = createUser(x.platform, {
            tenantId,
            customerId: entityId(body["customerId"], "CustomerId") ?? NULL_ID,
            email,
            authority,
            firstName: string(body["firstName"]),
            lastName: string(body["lastName"]),
        });
        return json(userJson(x.platform, user));
    });
    route("GET", "/api/user/:id", (x) => json(userJson(x.platform, getUser(x.platform, x.caller.user.tenantId, pathId(param(x, "id"))))));
    route("GET", "/api/user/:id/activationLink", (x) => {
        const user = getUser(x.platform, x.caller.user.tenantId, pathId(param(x, "id")));
        if (user.activateToken === null) throw badRequest("User is already activated!");
        const link = `${new URL(x.c.req.url).origin}/api/noauth/activate?activateToken=${user.activateToken}`;
        return new Response(link, { headers: { "content-type": "text/plain;charset=UTF-8" } });
    });
    route("GET", "/api/user/:id/token", (x) => {
        requireSystemAdmin(x.caller);
        return json(x.tokens.issue(getUser(x.platform, NULL_ID, pathId(param(x, "id")))));
    });
    route("DELETE", "/api/user/:id", (x) => {
        const user = getUser(x.platform, x.caller.user.tenantId, pathId(param(x, "id")));
        if (user.authority !== "CUSTOMER_USER") requireSystemAdmin(x.caller);
        x.platform.store.users.remove(user.id);
        return empty();
    });
    open("POST", "/api/noauth/activate", (x) => {
        const body = jsonBody(x, "org.thingsboard.server.common.data.security.model.ActivateUserRequest");
        const [token, password] = [string(body["activateToken"]), string(body["password"])];
        const user = [...x.platform.store.users.values()].find((candidate) => token !== null && candidate.activateToken === token);
        if (!user || !password) throw itemNotFound();
        const active = { ...user, passwordHash: hashPassword(password), activateToken: null };
        x.platform.store.users.put(active);
        return jsonLatin(x.tokens.issue(active));
    });
}

function defaultTenantProfile(platform: Platform): TenantProfile {
    for (const profile of platform.store.tenantProfiles.values()) if (profile.isDefault) return profile;
    throw itemNotFound();
}

function getTenantProfile(platform: Platform, id: Uuid): TenantProfile {
    const profile = platform.store.tenantProfiles.get(id);
    if (!profile) throw notFound(`Tenant profile with id [${id}] is not found`);
    return profile;
}

function saveTenantProfile(platform: Platform, body: JsonObject): TenantProfile {
    const id = entityId(body["id"], "TenantProfileId");
    const old = id ? getTenantProfile(platform, id) : undefined;
    const name = string(body["name"]);
    checkName("Tenant profile name", name);
    const configuration = object(body["profileData"], "TenantProfileData")?.["configuration"];
    const profile: TenantProfile = {
        id: old?.id ?? newId(),
        createdTime: old?.createdTime ?? platform.now(),
        name,
        isDefault: old?.isDefault ?? false,
        description: string(body["description"]),
        configuration: isObject(configuration) ? configuration : { type: "DEFAULT" },
    };
    platform.store.tenantProfiles.put(profile);
    return profile;
}

const profileJson = (profile: TenantProfile): Record<string, unknown> => ({
    id: { entityType: "TENANT_PROFILE", id: profile.id },
    createdTime: profile.createdTime,
    name: profile.name,
    description: profile.description,
    isolatedTbRuleEngine: false,
    default: profile.isDefault,
    profileData: { configuration: profile.configuration, queueConfiguration: null },
});

function removeTenant(platform: Platform, tenantId: Uuid): void {
    const { store } = platform;
    for (const device of [...store.devices.values()]) if (device.tenantId === tenantId) removeDevice(platform, device);
    for (const table of [store.deviceProfiles, store.customers, store.users, store.apiKeys, store.groups] as const) {
        for (const row of [...table.values()]) if (row.tenantId === tenantId) table.remove(row.id);
    }
    store.tenants.remove(tenantId);
}
