// Devices and their credentials.
import { setTimeout } from "node:timers/promises";
import type { Device, EntityGroup, User } from "../platform/entities";
import { CREDENTIALS_TYPES } from "../platform/entities";
import { accessToken, changedCredentials, writeCredentials, type CredentialsRequest } from "../platform/credentials";
import { changedDevice, createDevice, getDevice, removeDevice, type DeviceRequest, type NameConflict } from "../platform/devices";
import { badRequest, forbidden, itemNotFound } from "../platform/errors";
import { pathId, type Uuid } from "../platform/ids";
import { entityId, integer, object, oneOf, rowId, string, type JsonObject } from "../platform/json";
import { type cut, pageOf, type PageLink } from "../platform/pages";
import { isCommunity, since, type Platform } from "../platform/platform";
import { inTenant } from "../platform/store";
import { isActive } from "../platform/deviceState";
import { getGroup, joinGroups } from "../platform/groups";
import type { Routes } from "./app";
import { requireTenantAdmin, requireTenantUser } from "./auth";
import { empty, json, jsonBody, notConvertible, pageLink, param, query, requiredQuery, type Exchange } from "./http";
import { credentialsJson, deviceInfoJson, deviceJson, pageJson } from "./shapes";

/** A delete takes its time: of several at once all find the device, and all say that it is gone. */
const DELETING = 3;

const DEVICE = "org.thingsboard.server.common.data.Device";
const CREDENTIALS_TYPE = "org.thingsboard.server.common.data.security.DeviceCredentialsType";

export function deviceRoutes({ route }: Routes, platform: Platform): void {
    const { store } = platform;

    route("POST", "/api/device", (x) => {
        const conflict = nameConflict(x);
        const request = deviceRequest(jsonBody(x, DEVICE));
        const { tenantId } = requireTenantAdmin(x.caller);
        if (request.id === undefined) {
            const groups = groupsToJoin(x, tenantId);
            const created = createDevice(platform, tenantId, request, accessToken(query(x, "accessToken") || undefined), conflict);
            return json(deviceJson(platform, joinGroups(platform, created, groups)));
        }
        const device = changedDevice(platform, tenantId, getDevice(platform, tenantId, request.id), request);
        store.devices.put(device);
        return json(deviceJson(platform, device));
    });

    // device and credentials in one transaction; with the id of a device it changes both
    route("POST", "/api/device-with-credentials", (x) => {
        const conflict = nameConflict(x);
        const body = jsonBody(x, "org.thingsboard.server.common.data.SaveDeviceWithCredentialsRequest");
        const { tenantId } = requireTenantAdmin(x.caller);
        const [deviceBody, credentialsBody] = [object(body["device"], DEVICE), object(body["credentials"], "org.thingsboard.server.common.data.security.DeviceCredentials")];
        const missing = [...(deviceBody ? [] : ["device must not be null"]), ...(credentialsBody ? [] : ["credentials must not be null"])];
        if (!deviceBody || !credentialsBody) throw badRequest(`Validation error: ${missing.join(", ")}`);
        const [request, credentials] = [deviceRequest(deviceBody), credentialsRequest(credentialsBody)];
        if (request.id === undefined) {
            const groups = groupsToJoin(x, tenantId);
            return json(deviceJson(platform, joinGroups(platform, createDevice(platform, tenantId, request, credentials, conflict), groups)));
        }
        const device = changedDevice(platform, tenantId, getDevice(platform, tenantId, request.id), request);
        const row = store.credentials.find("deviceId", device.id);
        const changed = changedCredentials(platform, device.id, { ...credentials, ...(row ? { id: row.id } : {}) });
        store.devices.put(device);
        writeCredentials(platform, changed);
        return json(deviceJson(platform, device));
    });

    route("POST", "/api/device/credentials", (x) => {
        const body = jsonBody(x, "org.thingsboard.server.common.data.security.DeviceCredentials");
        const request = credentialsRequest(body);
        const { tenantId } = requireTenantAdmin(x.caller);
        const deviceId = entityId(body["deviceId"], "DeviceId");
        if (!deviceId) throw badRequest("Invalid entity id");
        const device = getDevice(platform, tenantId, deviceId);
        const row = changedCredentials(platform, device.id, request);
        writeCredentials(platform, row);
        return json(credentialsJson(platform, row));
    });
    route("GET", "/api/device/info/:id", (x) => json(deviceInfoJson(platform, visible(x, param(x, "id")))));
    // in front of the route with an id, whose pattern it fits
    route("GET", "/api/device/types", (x) => {
        const { tenantId } = requireTenantUser(x.caller);
        const types = new Set([...store.devices.values()].filter((device) => device.tenantId === tenantId).map((device) => device.type));
        return json([...types].sort().map((type) => ({ tenantId: { entityType: "TENANT", id: tenantId }, entityType: "DEVICE", type })));
    });
    route("GET", "/api/device/:id", (x) => json(deviceJson(platform, visible(x, param(x, "id")))));
    route("GET", "/api/device/:id/credentials", (x) => {
        const device = visible(x, param(x, "id"));
        const row = store.credentials.find("deviceId", device.id);
        if (!row) throw itemNotFound();
        return json(credentialsJson(platform, row));
    });
    route("DELETE", "/api/device/:id", async (x) => {
        const { tenantId } = requireTenantAdmin(x.caller);
        const device = getDevice(platform, tenantId, pathId(param(x, "id")));
        await setTimeout(DELETING);
        if (store.devices.get(device.id)) removeDevice(platform, device);
        return empty();
    });

    route("GET", "/api/devices", (x) => {
        const ids = requiredQuery(x, "deviceIds", "String[]").split(",").map(pathId);
        const { tenantId, customerId, authority } = requireTenantUser(x.caller);
        const found = ids.flatMap((id) => store.devices.get(id) ?? []).filter((device) => device.tenantId === tenantId && (authority === "TENANT_ADMIN" || device.customerId === customerId));
        return json(`[${found.map((device) => deviceJson(platform, device)).join(",")}]`);
    });
    // with a name it finds one device, without it lists
    route("GET", "/api/tenant/devices", (x) => {
        const name = query(x, "deviceName");
        if (name !== undefined) return byName(x, name);
        return json(pageJson(list(x, pageLink(x)), (device) => deviceJson(platform, device)));
    });
    if (since(platform, "4.3")) route("GET", "/api/tenant/device", (x) => byName(x, requiredQuery(x, "deviceName")));
    // the Professional Edition has listings of its own
    const infos = isCommunity(platform) ? "/api/tenant/deviceInfos" : "/api/deviceInfos/all";
    route("GET", infos, (x) => json(pageJson(list(x, pageLink(x)), (device) => deviceInfoJson(platform, device))));
    if (!isCommunity(platform)) route("GET", "/api/user/devices", (x) => json(pageJson(list(x, pageLink(x)), (device) => deviceJson(platform, device))));

    function byName(x: Exchange, name: string): Response {
        const device = store.devices.find("name", inTenant(requireTenantAdmin(x.caller), name));
        if (!device) throw itemNotFound();
        return json(deviceJson(platform, device));
    }
}

/** A customer's user sees what is assigned to the customer, and is told that the rest is there. */
function visible(x: Exchange, text: string): Device {
    const id = pathId(text);
    const user = requireTenantUser(x.caller);
    const device = getDevice(x.platform, user.tenantId, id);
    if (user.authority === "CUSTOMER_USER" && device.customerId !== user.customerId) throw forbidden();
    return device;
}

export function list(x: Exchange, link: PageLink, customerId?: Uuid): ReturnType<typeof cut<Device>> {
    const user: User = requireTenantUser(x.caller);
    const [type, profile, active] = [query(x, "type") || undefined, query(x, "deviceProfileId"), query(x, "active")];
    const profileId = profile ? pathId(profile) : undefined;
    const owner = user.authority === "CUSTOMER_USER" ? user.customerId : customerId;
    return pageOf(x.platform.store.devices, link, {
        filter: (device) =>
            device.tenantId === user.tenantId &&
            (owner === undefined || device.customerId === owner) &&
            (type === undefined || device.type === type) &&
            (profileId === undefined || device.deviceProfileId === profileId) &&
            (active === undefined || isActive(x.platform, device) === (active === "true")),
        searched: (device) => [device.name, device.label, device.type],
        sorts: {
            createdTime: (device) => device.createdTime,
            name: (device) => device.name,
            type: (device) => device.type,
            label: (device) => device.label,
            deviceProfileName: (device) => device.type,
            customerTitle: (device) => x.platform.store.customers.get(device.customerId)?.title ?? null,
            active: (device) => Number(isActive(x.platform, device)),
        },
    });
}

export function deviceRequest(body: JsonObject): DeviceRequest {
    const data = object(body["deviceData"], "org.thingsboard.server.common.data.device.data.DeviceData");
    const configuration = object(data?.["configuration"], "DeviceConfiguration");
    const transport = object(data?.["transportConfiguration"], "DeviceTransportConfiguration");
    const [id, profile, customer] = [entityId(body["id"], "DeviceId"), entityId(body["deviceProfileId"], "DeviceProfileId"), entityId(body["customerId"], "CustomerId")];
    if (id === null || profile === null) throw badRequest("Invalid entity id");
    return {
        ...(id !== undefined ? { id } : {}),
        ...(profile !== undefined ? { deviceProfileId: profile } : {}),
        ...(customer ? { customerId: customer } : {}),
        name: string(body["name"]),
        type: string(body["type"]),
        label: string(body["label"]),
        firmwareId: body["firmwareId"] ?? null,
        softwareId: body["softwareId"] ?? null,
        externalId: body["externalId"] ?? null,
        additionalInfo: body["additionalInfo"] ?? null,
        configuration: configuration ?? { type: "DEFAULT" },
        ...(transport ? { transportConfiguration: transport } : {}),
        version: integer(body["version"]),
    };
}

export function credentialsRequest(body: JsonObject): CredentialsRequest {
    const id = rowId(body["id"], "DeviceCredentialsId");
    return {
        ...(id !== undefined ? { id } : {}),
        credentialsType: oneOf(body["credentialsType"], CREDENTIALS_TYPES, CREDENTIALS_TYPE),
        credentialsId: string(body["credentialsId"]),
        credentialsValue: string(body["credentialsValue"]),
        version: integer(body["version"]),
    };
}

/** Professional Edition and Cloud: a device is born into groups. */
function groupsToJoin(x: Exchange, tenantId: Uuid): EntityGroup[] {
    if (isCommunity(x.platform)) return [];
    const ids = [query(x, "entityGroupId"), ...(query(x, "entityGroupIds")?.split(",") ?? [])];
    return ids.flatMap((id) => (id ? [getGroup(x.platform, tenantId, pathId(id))] : []));
}

function nameConflict(x: Exchange): NameConflict {
    const policy = query(x, "nameConflictPolicy");
    if (!since(x.platform, "4.3") || policy === undefined || policy === "" || policy === "FAIL") return { policy: "FAIL" };
    if (policy !== "UNIQUIFY") throw notConvertible("nameConflictPolicy", policy, "org.thingsboard.server.common.data.NameConflictPolicy", "RequestParam");
    const strategy = query(x, "uniquifyStrategy") === "INCREMENTAL" ? "INCREMENTAL" : "RANDOM";
    return { policy, separator: query(x, "uniquifySeparator") ?? "_", strategy };
}
