// Entity groups and owners: Professional Edition and Cloud, written from what their clients and documents say.
import type { EntityGroup } from "../platform/entities";
import { assignDevice } from "../platform/assignment";
import { getDevice } from "../platform/devices";
import { badRequest, itemNotFound, notFound, unreadable } from "../platform/errors";
import { newId, NULL_ID, pathId, toUuid, type Uuid } from "../platform/ids";
import { entityId, object, string, type Json } from "../platform/json";
import { cut } from "../platform/pages";
import { getGroup, leaveGroups } from "../platform/groups";
import { isCommunity, type Platform } from "../platform/platform";
import { checkFields, checkName } from "../platform/validation";
import type { Routes } from "./app";
import { requireTenantAdmin } from "./auth";
import { getCustomer } from "./customers";
import { empty, json, jsonBody, pageLink, param, type Exchange } from "./http";
import { deviceJson, groupJson, pageJson } from "./shapes";

type OwnerType = EntityGroup["ownerType"];

export function groupRoutes({ route }: Routes, platform: Platform): void {
    if (isCommunity(platform)) return;
    const { store } = platform;

    for (const type of ["TENANT", "CUSTOMER"] as const) {
        route("POST", `/api/owner/${type}/:ownerId/DEVICE/:deviceId`, (x) => {
            const { tenantId } = requireTenantAdmin(x.caller);
            const ownerId = owner(x, type, pathId(param(x, "ownerId")));
            const device = getDevice(platform, tenantId, pathId(param(x, "deviceId")));
            // a new owner takes the device out of the groups of the old one
            leaveGroups(platform, device.id, (group) => group.ownerId !== ownerId);
            assignDevice(platform, device, type === "CUSTOMER" ? ownerId : NULL_ID);
            return empty();
        });
    }

    route("POST", "/api/entityGroup", (x) => {
        const { tenantId } = requireTenantAdmin(x.caller);
        const body = jsonBody(x, "org.thingsboard.server.common.data.group.EntityGroup");
        const id = entityId(body["id"], "EntityGroupId");
        const old = id ? getGroup(platform, tenantId, id) : undefined;
        const [name, type] = [string(body["name"]), old?.type ?? string(body["type"])];
        checkFields({ name });
        checkName("Entity group name", name);
        if (type === null) throw badRequest("Entity group type should be specified!");
        const ownerBody = object(body["ownerId"], "EntityId");
        const ownerType: OwnerType = old?.ownerType ?? (string(ownerBody?.["entityType"]) === "CUSTOMER" ? "CUSTOMER" : "TENANT");
        const ownerId = old?.ownerId ?? owner(x, ownerType, entityId(ownerBody, "EntityId") ?? tenantId);
        const namesake = store.groups.find("name", `${ownerId} ${type} ${name}`);
        if (namesake && namesake.id !== old?.id) throw badRequest(`Entity group with such name, type and owner already exists!`);
        const group: EntityGroup = {
            id: old?.id ?? newId(),
            createdTime: old?.createdTime ?? platform.now(),
            tenantId,
            ownerType,
            ownerId,
            type,
            name,
            additionalInfo: body["additionalInfo"] ?? null,
            members: old?.members ?? [],
        };
        store.groups.put(group);
        return json(groupJson(group));
    });
    route("GET", "/api/entityGroup/:id", (x) => json(groupJson(one(x))));
    route("DELETE", "/api/entityGroup/:id", (x) => {
        const group = one(x);
        if (group.name === "All") throw badRequest("Unable to remove entity group: Removal of entity group 'All' is forbidden!");
        store.groups.remove(group.id);
        return empty();
    });
    route("GET", "/api/entityGroup/:ownerType/:ownerId/:groupType/:groupName", (x) => {
        const ownerId = owner(x, ownerTypeOf(x), pathId(param(x, "ownerId")));
        const name = param(x, "groupName");
        const group = store.groups.find("name", `${ownerId} ${param(x, "groupType")} ${name}`) ?? (name === "All" ? all(x, ownerId) : undefined);
        if (!group) throw itemNotFound();
        return json(groupJson(group));
    });
    route("GET", "/api/entityGroups/:ownerType/:ownerId/:groupType", (x) => {
        const ownerId = owner(x, ownerTypeOf(x), pathId(param(x, "ownerId")));
        all(x, ownerId);
        const link = pageLink(x);
        const wanted = link.textSearch?.toLowerCase() ?? "";
        const groups = [...store.groups.values()].filter((group) => group.ownerId === ownerId && group.type === param(x, "groupType") && group.name.toLowerCase().includes(wanted));
        return json(pageJson(cut(groups, link), groupJson));
    });
    route("GET", "/api/entityGroups/:entityType/:entityId", (x) => {
        const device = getDevice(platform, requireTenantAdmin(x.caller).tenantId, pathId(param(x, "entityId")));
        const groups = [...store.groups.values()].filter((group) => group.name === "All" || group.members.includes(device.id));
        return json(groups.map(({ id }) => ({ entityType: "ENTITY_GROUP", id })));
    });
    route("POST", "/api/entityGroup/:id/addEntities", (x) => {
        const group = one(x);
        const { tenantId } = requireTenantAdmin(x.caller);
        const added = ids(x).map((id) => getDevice(platform, tenantId, id).id);
        store.groups.put({ ...group, members: [...new Set([...group.members, ...added])] });
        return empty();
    });
    route("POST", "/api/entityGroup/:id/deleteEntities", (x) => {
        const group = one(x);
        const removed = new Set(ids(x));
        store.groups.put({ ...group, members: group.members.filter((id) => !removed.has(id)) });
        return empty();
    });
    route("GET", "/api/entityGroup/:id/devices", (x) => {
        const group = one(x);
        const { tenantId } = requireTenantAdmin(x.caller);
        const owned = group.ownerType === "CUSTOMER" ? group.ownerId : NULL_ID;
        const devices = group.name === "All"
            ? [...store.devices.values()].filter((device) => device.tenantId === tenantId && device.customerId === owned)
            : group.members.flatMap((id) => store.devices.get(id) ?? []);
        return json(pageJson(cut(devices, pageLink(x)), (device) => deviceJson(platform, device)));
    });

    const one = (x: Exchange): EntityGroup => getGroup(platform, requireTenantAdmin(x.caller).tenantId, pathId(param(x, "id")));

    const owner = (x: Exchange, type: OwnerType, id: Uuid): Uuid => {
        const { tenantId } = requireTenantAdmin(x.caller);
        if (type === "CUSTOMER") return getCustomer(platform, tenantId, id).id;
        if (id !== tenantId) throw notFound(`Tenant with id [${id}] is not found`);
        return id;
    };

    /** The group of everything that an owner has; it is there without being made. */
    const all = (x: Exchange, ownerId: Uuid): EntityGroup => {
        const found = store.groups.find("name", `${ownerId} DEVICE All`);
        if (found) return found;
        const { tenantId } = requireTenantAdmin(x.caller);
        const ownerType: OwnerType = ownerId === tenantId ? "TENANT" : "CUSTOMER";
        const group: EntityGroup = { id: newId(), createdTime: platform.now(), tenantId, ownerType, ownerId, type: "DEVICE", name: "All", additionalInfo: null, members: [] };
        store.groups.put(group);
        return group;
    };
}

function ownerTypeOf(x: Exchange): OwnerType {
    const type = param(x, "ownerType");
    if (type !== "TENANT" && type !== "CUSTOMER") throw badRequest(`No enum constant org.thingsboard.server.common.data.EntityType.${type}`);
    return type;
}

function ids(x: Exchange): Uuid[] {
    let body: Json;
    try {
        body = JSON.parse(x.body) as Json;
    } catch {
        throw unreadable("unexpected token");
    }
    if (!Array.isArray(body)) throw unreadable("Cannot deserialize value of type `java.lang.String[]`");
    return body.map((text) => {
        const id = typeof text === "string" ? toUuid(text) : undefined;
        if (!id) throw badRequest(`Invalid UUID string: ${typeof text === "string" ? text : JSON.stringify(text)}`);
        return id;
    });
}
