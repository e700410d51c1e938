// Device profiles, with the X.509 chain strategy of provisioning.
import type { DeviceProfile } from "./entities";
import { badRequest, changedBySomeoneElse, notFound } from "./errors";
import { newId, sha3, trimCertificate, type Uuid } from "./ids";
import { isObject, type JsonObject } from "./json";
import { since, type Platform } from "./platform";
import { inTenant } from "./store";
import { checkFields, checkName } from "./validation";

export interface ProfileRequest {
    readonly id?: Uuid;
    readonly name: string | null;
    readonly description: string | null;
    readonly isDefault: boolean;
    readonly type: string | null;
    readonly transportType: string | null;
    readonly provisionType: string | null;
    readonly provisionDeviceKey: string | null;
    readonly profileData: JsonObject | undefined;
    readonly version: number | null;
    readonly details: JsonObject;
}

export function getProfile(platform: Platform, tenantId: Uuid, id: Uuid): DeviceProfile {
    const profile = platform.store.deviceProfiles.get(id);
    if (!profile || profile.tenantId !== tenantId) throw notFound(`Device profile with id [${id}] is not found`);
    return profile;
}

export function defaultProfile(platform: Platform, tenantId: Uuid): DeviceProfile {
    for (const profile of platform.store.deviceProfiles.values()) if (profile.isDefault && profile.tenantId === tenantId) return profile;
    return createProfile(platform, tenantId, "default", "DEFAULT");
}

/** A device of a type that no profile has gets a profile of that name: a typing error makes a profile. */
export function findOrCreateProfile(platform: Platform, tenantId: Uuid, name: string): DeviceProfile {
    return platform.store.deviceProfiles.find("name", inTenant({ tenantId }, name)) ?? createProfile(platform, tenantId, name, null);
}

export function saveProfile(platform: Platform, tenantId: Uuid, request: ProfileRequest): DeviceProfile {
    const { store } = platform;
    const old = request.id === undefined ? undefined : getProfile(platform, tenantId, request.id);
    checkFields({ name: request.name, description: null });
    checkName("Device profile name", request.name);
    if (request.type === null) throw badRequest("Device profile type should be specified!");
    if (request.transportType === null) throw badRequest("Device profile transport type should be specified!");
    const { profileData, provisionDeviceKey } = provision(request, old);
    if (old && since(platform, "3.8") && request.version !== null && request.version !== old.version) throw changedBySomeoneElse("Device profile");
    const namesake = store.deviceProfiles.find("name", inTenant({ tenantId }, request.name));
    if (namesake && namesake.id !== old?.id) throw badRequest("Device profile with such name already exists!");
    const rival = provisionDeviceKey === null ? undefined : store.deviceProfiles.find("provisionDeviceKey", provisionDeviceKey);
    if (rival && rival.id !== old?.id) {
        throw badRequest(`Device profile with such ${request.provisionType === "X509_CERTIFICATE_CHAIN" ? "certificate" : "provision device key"} already exists!`);
    }
    const profile: DeviceProfile = {
        id: old?.id ?? newId(),
        createdTime: old?.createdTime ?? platform.now(),
        tenantId,
        name: request.name,
        description: request.description,
        isDefault: old?.isDefault ?? false,
        type: request.type,
        transportType: request.transportType,
        provisionType: request.provisionType ?? "DISABLED",
        provisionDeviceKey,
        profileData,
        version: old ? old.version + 1 : 1,
        details: request.details,
    };
    store.deviceProfiles.put(profile);
    if (old && old.name !== profile.name) renameType(platform, profile);
    return profile;
}

export function removeProfile(platform: Platform, tenantId: Uuid, id: Uuid): void {
    const profile = getProfile(platform, tenantId, id);
    if (profile.isDefault) throw badRequest("Deletion of Default Device Profile is prohibited!");
    for (const device of platform.store.devices.values()) {
        if (device.deviceProfileId === id) throw badRequest("The device profile referenced by the devices cannot be deleted!");
    }
    platform.store.deviceProfiles.remove(id);
}

export function makeDefault(platform: Platform, profile: DeviceProfile): DeviceProfile {
    const old = defaultProfile(platform, profile.tenantId);
    if (old.id === profile.id) return old;
    platform.store.deviceProfiles.put({ ...old, isDefault: false, version: old.version + 1 });
    const now = { ...profile, isDefault: true, version: profile.version + 1 };
    platform.store.deviceProfiles.put(now);
    return now;
}

export function createProfile(platform: Platform, tenantId: Uuid, name: string, description: "DEFAULT" | null): DeviceProfile {
    const profile: DeviceProfile = {
        id: newId(),
        createdTime: platform.now(),
        tenantId,
        name,
        description: description === "DEFAULT" ? "Default device profile" : null,
        isDefault: description === "DEFAULT",
        type: "DEFAULT",
        transportType: "DEFAULT",
        provisionType: "DISABLED",
        provisionDeviceKey: null,
        profileData: {
            configuration: { type: "DEFAULT" },
            transportConfiguration: { type: "DEFAULT" },
            provisionConfiguration: { type: "DISABLED", provisionDeviceSecret: null },
            alarms: null,
        },
        version: 1,
        details: {},
    };
    platform.store.deviceProfiles.put(profile);
    return profile;
}

/**
 * The key of a chain profile is the hash of its first certificate. One certificate is stored without its markers, several
 * are stored with them. Neither certificate nor pattern is validated. A profile that is switched off keeps its key.
 */
function provision(request: ProfileRequest, old: DeviceProfile | undefined): { profileData: JsonObject; provisionDeviceKey: string | null } {
    const profileData = request.profileData ?? {};
    const configuration = profileData["provisionConfiguration"];
    const kept = request.provisionDeviceKey ?? old?.provisionDeviceKey ?? null;
    if (request.provisionType !== "X509_CERTIFICATE_CHAIN" || !isObject(configuration)) return { profileData, provisionDeviceKey: kept };
    const secret = configuration["provisionDeviceSecret"];
    if (typeof secret !== "string") return { profileData, provisionDeviceKey: kept };
    const certificates = secret.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
    const several = certificates.length > 1;
    const stored = several
        ? certificates.map((pem) => `-----BEGIN CERTIFICATE-----\n${trimCertificate(pem)}\n-----END CERTIFICATE-----`).join("\n")
        : trimCertificate(secret);
    return {
        profileData: { ...profileData, provisionConfiguration: { ...configuration, provisionDeviceSecret: stored } },
        provisionDeviceKey: sha3(several ? trimCertificate(certificates[0] ?? "") : stored),
    };
}

/** The type of a device is the name of its profile. */
function renameType(platform: Platform, profile: DeviceProfile): void {
    for (const device of [...platform.store.devices.values()]) {
        if (device.deviceProfileId === profile.id) platform.store.devices.put({ ...device, type: profile.name });
    }
}
