// Devices: create, change, delete.
import type { Device } from "./entities";
import { badRequest, changedBySomeoneElse, notFound, PlatformError } from "./errors";
import { leaveGroups } from "./groups";
import { newId, NULL_ID, randomAlphanumeric, type Uuid } from "./ids";
import type { Json, JsonObject } from "./json";
import { limitsOf, since, type Platform } from "./platform";
import { defaultProfile, findOrCreateProfile } from "./profiles";
import { inTenant } from "./store";
import { newCredentials, type CredentialsRequest } from "./credentials";
import { checkFields, checkName } from "./validation";

/** What a caller may say about a device. */
export interface DeviceRequest {
    readonly id?: Uuid;
    readonly name: string | null;
    readonly type: string | null;
    readonly label: string | null;
    readonly deviceProfileId?: Uuid;
    readonly customerId?: Uuid;
    readonly firmwareId: Json;
    readonly softwareId: Json;
    readonly externalId: Json;
    readonly additionalInfo: Json;
    readonly configuration: JsonObject;
    readonly transportConfiguration?: JsonObject;
    readonly version: number | null;
}

export type NameConflict = { readonly policy: "FAIL" } | { readonly policy: "UNIQUIFY"; readonly separator: string; readonly strategy: "RANDOM" | "INCREMENTAL" };

export const deviceNotFound = (id: Uuid): PlatformError => notFound(`Device with id [${id}] is not found`);

/** A device of another tenant is as good as absent. */
export function getDevice(platform: Platform, tenantId: Uuid, id: Uuid): Device {
    const device = platform.store.devices.get(id);
    if (!device || device.tenantId !== tenantId) throw deviceNotFound(id);
    return device;
}

/**
 * Checks everything, then writes: device and credentials come to be together or not at all. The order of the checks
 * decides which of several faults the caller is told of.
 */
export function createDevice(platform: Platform, tenantId: Uuid, request: DeviceRequest, credentials: CredentialsRequest, conflict: NameConflict = { policy: "FAIL" }): Device {
    const checked = checkDevice(platform, tenantId, request);
    checkDeviceLimit(platform, tenantId);
    const draft = compose(platform, tenantId, request, checked, undefined);
    const device = { ...draft, name: freeName(platform, tenantId, draft.name, conflict) };
    const row = newCredentials(platform, device.id, credentials);
    platform.store.devices.put(device);
    platform.store.credentials.put(row);
    platform.store.keyValues.setAttribute(device.id, "SERVER_SCOPE", "active", { kind: "boolean", text: "false", ts: device.createdTime });
    return device;
}

/** What an update would make of the device; nothing is written yet. */
export function changedDevice(platform: Platform, tenantId: Uuid, old: Device, request: DeviceRequest): Device {
    const checked = checkDevice(platform, tenantId, request);
    const device = compose(platform, tenantId, request, checked, old);
    // no version means: overwrite. The version is looked at before the name.
    if (since(platform, "3.8") && request.version !== null && request.version !== old.version) throw changedBySomeoneElse("Device");
    const namesake = platform.store.devices.find("name", inTenant(device, device.name));
    if (namesake && namesake.id !== old.id) throw nameExists();
    return device;
}

export function removeDevice(platform: Platform, device: Device): void {
    const { store } = platform;
    const row = store.credentials.find("deviceId", device.id);
    if (row) store.credentials.remove(row.id);
    leaveGroups(platform, device.id);
    store.devices.remove(device.id);
    store.keyValues.forget(device.id);
    for (const listener of platform.listeners) listener.deviceRemoved?.(device.id);
}

const nameExists = (): PlatformError => badRequest("Device with such name already exists!");

function checkDevice(platform: Platform, tenantId: Uuid, request: DeviceRequest): string {
    checkFields({ name: request.name, type: request.type, label: request.label });
    checkName("Device name", request.name);
    if (request.customerId && request.customerId !== NULL_ID) {
        const customer = platform.store.customers.get(request.customerId);
        if (!customer) throw badRequest("Can't assign device to non-existent customer!");
        if (customer.tenantId !== tenantId) throw badRequest("Can't assign device to customer from different tenant!");
    }
    return request.name;
}

function checkDeviceLimit(platform: Platform, tenantId: Uuid): void {
    const limit = limitsOf(platform, tenantId).maxDevices ?? 0;
    if (limit <= 0) return;
    let devices = 0;
    for (const device of platform.store.devices.values()) if (device.tenantId === tenantId) devices++;
    if (devices >= limit) throw new PlatformError(403, 41, "Devices limit reached", { entityType: "DEVICE", limit });
}

/** A write replaces the device: what is left out becomes null, or the default profile. */
function compose(platform: Platform, tenantId: Uuid, request: DeviceRequest, name: string, old: Device | undefined): Device {
    const profile =
        request.deviceProfileId !== undefined ? platform.store.deviceProfiles.get(request.deviceProfileId)
        : request.type ? findOrCreateProfile(platform, tenantId, request.type)
        : defaultProfile(platform, tenantId);
    if (!profile) throw badRequest("Device is referencing non existing device profile!");
    if (profile.tenantId !== tenantId) throw badRequest("Device can`t be referencing to device profile from different tenant!");
    return {
        id: old?.id ?? newId(),
        createdTime: old?.createdTime ?? platform.now(),
        tenantId,
        customerId: request.customerId ?? NULL_ID,
        name,
        type: profile.name, // with a profile id the type that was sent is ignored
        label: request.label,
        deviceProfileId: profile.id,
        firmwareId: request.firmwareId,
        softwareId: request.softwareId,
        externalId: request.externalId,
        version: old ? old.version + 1 : 1,
        additionalInfo: request.additionalInfo,
        configuration: request.configuration,
        transportConfiguration: request.transportConfiguration ?? { type: profile.transportType },
    };
}

function freeName(platform: Platform, tenantId: Uuid, name: string, conflict: NameConflict): string {
    const taken = (candidate: string): boolean => platform.store.devices.find("name", inTenant({ tenantId }, candidate)) !== undefined;
    if (!taken(name)) return name;
    if (conflict.policy === "FAIL") throw nameExists();
    for (let n = 1; ; n++) {
        const candidate = `${name}${conflict.separator}${conflict.strategy === "RANDOM" ? randomAlphanumeric(6) : n}`;
        if (!taken(candidate)) return candidate;
    }
}
