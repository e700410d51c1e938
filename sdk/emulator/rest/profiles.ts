// Device profiles.
import type { DeviceProfile } from "../platform/entities";
import { badRequest } from "../platform/errors";
import { pathId } from "../platform/ids";
import { boolean, entityId, integer, object, oneOf, string, type JsonObject } from "../platform/json";
import { pageOf, type Page } from "../platform/pages";
import { defaultProfile, getProfile, makeDefault, removeProfile, saveProfile, type ProfileRequest } from "../platform/profiles";
import type { Routes } from "./app";
import { requireTenantAdmin, requireTenantUser } from "./auth";
import { empty, json, jsonBody, pageLink, param, type Exchange } from "./http";
import { pageJson, profileInfoJson, profileJson } from "./shapes";

const DATA = "org.thingsboard.server.common.data";

export function profileRoutes({ route }: Routes): void {
    route("POST", "/api/deviceProfile", (x) => {
        const request = profileRequest(jsonBody(x, `${DATA}.DeviceProfile`));
        return json(profileJson(x.platform, saveProfile(x.platform, requireTenantAdmin(x.caller).tenantId, request)));
    });
    // in front of the route with an id, whose pattern it fits
    route("GET", "/api/deviceProfile/names", (x) => {
        const { tenantId } = requireTenantUser(x.caller);
        const profiles = [...x.platform.store.deviceProfiles.values()].filter((profile) => profile.tenantId === tenantId);
        return json(profiles.map(({ id, name }) => ({ id: { entityType: "DEVICE_PROFILE", id }, name })).sort((a, b) => (a.name < b.name ? -1 : 1)));
    });
    route("GET", "/api/deviceProfile/:id", (x) => json(profileJson(x.platform, one(x))));
    route("DELETE", "/api/deviceProfile/:id", (x) => {
        removeProfile(x.platform, requireTenantAdmin(x.caller).tenantId, pathId(param(x, "id")));
        return empty();
    });
    route("POST", "/api/deviceProfile/:id/default", (x) => {
        requireTenantAdmin(x.caller);
        return json(profileJson(x.platform, makeDefault(x.platform, one(x))));
    });
    route("GET", "/api/deviceProfileInfo/default", (x) => json(profileInfoJson(defaultProfile(x.platform, requireTenantUser(x.caller).tenantId))));
    route("GET", "/api/deviceProfileInfo/:id", (x) => json(profileInfoJson(one(x))));
    route("GET", "/api/deviceProfileInfos", (x) => json(pageJson(list(x), profileInfoJson)));
    route("GET", "/api/deviceProfiles", (x) => json(pageJson(list(x), (profile) => profileJson(x.platform, profile))));
}

const one = (x: Exchange): DeviceProfile => getProfile(x.platform, requireTenantUser(x.caller).tenantId, pathId(param(x, "id")));

function list(x: Exchange): Page<DeviceProfile> {
    const { tenantId } = requireTenantUser(x.caller);
    return pageOf(x.platform.store.deviceProfiles, pageLink(x), {
        filter: (profile) => profile.tenantId === tenantId,
        searched: (profile) => [profile.name],
        sorts: {
            createdTime: (profile) => profile.createdTime,
            name: (profile) => profile.name,
            type: (profile) => profile.type,
            transportType: (profile) => profile.transportType,
            description: (profile) => profile.description,
            isDefault: (profile) => Number(profile.isDefault),
        },
    });
}

const KEPT = ["image", "defaultRuleChainId", "defaultDashboardId", "defaultQueueName", "firmwareId", "softwareId", "defaultEdgeRuleChainId"] as const;

function profileRequest(body: JsonObject): ProfileRequest {
    const id = entityId(body["id"], "DeviceProfileId");
    if (id === null) throw badRequest("Invalid entity id");
    return {
        ...(id !== undefined ? { id } : {}),
        name: string(body["name"]),
        description: string(body["description"]),
        isDefault: boolean(body["default"]),
        type: oneOf(body["type"], ["DEFAULT"], `${DATA}.DeviceProfileType`),
        transportType: oneOf(body["transportType"], ["DEFAULT", "MQTT", "COAP", "LWM2M", "SNMP"], `${DATA}.DeviceTransportType`),
        provisionType: oneOf(
            body["provisionType"],
            ["DISABLED", "ALLOW_CREATE_NEW_DEVICES", "CHECK_PRE_PROVISIONED_DEVICES", "X509_CERTIFICATE_CHAIN"],
            `${DATA}.DeviceProfileProvisionType`,
        ),
        provisionDeviceKey: string(body["provisionDeviceKey"]),
        profileData: object(body["profileData"], `${DATA}.device.profile.DeviceProfileData`),
        version: integer(body["version"]),
        details: Object.fromEntries(KEPT.map((key) => [key, body[key] ?? null])),
    };
}
