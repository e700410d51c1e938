// How rows look on the wire. Order of fields and oddities are those of the real server.
import type { ApiKey, Credentials, Customer, Device, DeviceProfile, EntityGroup, Tenant, User } from "../platform/entities";
import { NULL_ID } from "../platform/ids";
import { isActive } from "../platform/deviceState";
import { isCommunity, since, type Platform } from "../platform/platform";
import { isExpired } from "../platform/users";
import type { Page } from "../platform/pages";

const ref = (entityType: string, id: string): { entityType: string; id: string } => ({ entityType, id });

const versioned = (platform: Platform, version: number): { version?: number } => (since(platform, "3.8") ? { version } : {});

/** The part of a device's JSON in front of `deviceData`, without the closing brace. */
function deviceFields(platform: Platform, device: Device): string {
    return JSON.stringify({
        id: ref("DEVICE", device.id),
        createdTime: device.createdTime,
        tenantId: ref("TENANT", device.tenantId),
        customerId: ref("CUSTOMER", device.customerId),
        ...(isCommunity(platform) ? {} : { ownerId: device.customerId === NULL_ID ? ref("TENANT", device.tenantId) : ref("CUSTOMER", device.customerId) }),
        name: device.name,
        type: device.type,
        label: device.label,
        deviceProfileId: ref("DEVICE_PROFILE", device.deviceProfileId),
        firmwareId: device.firmwareId,
        softwareId: device.softwareId,
        externalId: device.externalId,
        ...versioned(platform, device.version),
        additionalInfo: device.additionalInfo,
    }).slice(0, -1);
}

/** Jackson prints the type of the configuration twice since 4.3.1.2. A parser that forbids equal keys must fail here too. */
function deviceDataJson(platform: Platform, device: Device): string {
    const configuration = JSON.stringify(device.configuration);
    const type = JSON.stringify({ type: device.configuration["type"] ?? "DEFAULT" }).slice(1, -1);
    const twice = since(platform, "4.3") ? `{${type},${configuration.slice(1)}` : configuration;
    return `{"configuration":${twice},"transportConfiguration":${JSON.stringify(device.transportConfiguration)}}`;
}

export const deviceJson = (platform: Platform, device: Device): string => `${deviceFields(platform, device)},"deviceData":${deviceDataJson(platform, device)}}`;

export function deviceInfoJson(platform: Platform, device: Device): string {
    const customer = device.customerId === NULL_ID ? undefined : platform.store.customers.get(device.customerId);
    const info = isCommunity(platform)
        ? { customerTitle: customer?.title ?? null, customerIsPublic: false }
        : { ownerName: customer?.title ?? platform.store.tenants.get(device.tenantId)?.title ?? null, groups: groupsOf(platform, device) };
    const more = JSON.stringify({ ...info, deviceProfileName: device.type, active: isActive(platform, device) });
    return `${deviceFields(platform, device)},"deviceData":${deviceDataJson(platform, device)},${more.slice(1)}`;
}

function groupsOf(platform: Platform, device: Device): { id: { entityType: string; id: string }; name: string }[] {
    return [...platform.store.groups.values()]
        .filter((group) => group.name !== "All" && group.members.includes(device.id))
        .map((group) => ({ id: ref("ENTITY_GROUP", group.id), name: group.name }));
}

export const pageJson = <Row>(page: Page<Row>, rowJson: (row: Row) => string): string =>
    `{"data":[${page.data.map(rowJson).join(",")}],"totalPages":${page.totalPages},"totalElements":${page.totalElements},"hasNext":${page.hasNext}}`;

export const credentialsJson = (platform: Platform, row: Credentials): string =>
    JSON.stringify({
        id: { id: row.id }, // the one id without an entityType
        createdTime: row.createdTime,
        deviceId: ref("DEVICE", row.deviceId),
        credentialsType: row.credentialsType,
        credentialsId: row.credentialsId,
        credentialsValue: row.credentialsValue,
        ...versioned(platform, row.version),
    });

export const profileJson = (platform: Platform, profile: DeviceProfile): string =>
    JSON.stringify({
        id: ref("DEVICE_PROFILE", profile.id),
        createdTime: profile.createdTime,
        tenantId: ref("TENANT", profile.tenantId),
        name: profile.name,
        description: profile.description,
        image: null,
        type: profile.type,
        transportType: profile.transportType,
        provisionType: profile.provisionType,
        defaultRuleChainId: null,
        defaultDashboardId: null,
        defaultQueueName: null,
        provisionDeviceKey: profile.provisionDeviceKey,
        firmwareId: null,
        softwareId: null,
        defaultEdgeRuleChainId: null,
        externalId: null,
        ...profile.details,
        ...versioned(platform, profile.version),
        default: profile.isDefault,
        profileData: profile.profileData,
    });

export const profileInfoJson = (profile: DeviceProfile): string =>
    JSON.stringify({
        id: ref("DEVICE_PROFILE", profile.id),
        tenantId: ref("TENANT", profile.tenantId),
        name: profile.name,
        image: profile.details["image"] ?? null,
        defaultDashboardId: profile.details["defaultDashboardId"] ?? null,
        type: profile.type,
        transportType: profile.transportType,
    });

export const userJson = (platform: Platform, user: User): string =>
    JSON.stringify({
        id: ref("USER", user.id),
        createdTime: user.createdTime,
        tenantId: ref("TENANT", user.tenantId),
        customerId: ref("CUSTOMER", user.customerId),
        email: user.email,
        authority: user.authority,
        firstName: user.firstName,
        lastName: user.lastName,
        phone: user.phone,
        ...versioned(platform, user.version),
        name: user.email,
        additionalInfo: user.additionalInfo,
    });

export const apiKeyJson = (platform: Platform, key: ApiKey, value: "with value" | "without value"): string =>
    JSON.stringify({
        id: ref("API_KEY", key.id),
        createdTime: key.createdTime,
        tenantId: ref("TENANT", key.tenantId),
        userId: ref("USER", key.userId),
        expirationTime: key.expirationTime,
        description: key.description,
        enabled: key.enabled,
        ...(value === "with value" ? { value: key.value } : {}),
        expired: isExpired(platform, key),
    });

export const customerJson = (platform: Platform, customer: Customer): string =>
    JSON.stringify({
        id: ref("CUSTOMER", customer.id),
        createdTime: customer.createdTime,
        country: null,
        state: null,
        city: null,
        address: null,
        address2: null,
        zip: null,
        phone: null,
        email: null,
        ...customer.details,
        title: customer.title,
        tenantId: ref("TENANT", customer.tenantId),
        externalId: null,
        ...versioned(platform, customer.version),
        name: customer.title,
        additionalInfo: customer.additionalInfo,
    });

export const tenantJson = (platform: Platform, tenant: Tenant): string =>
    JSON.stringify({
        id: ref("TENANT", tenant.id),
        createdTime: tenant.createdTime,
        title: tenant.title,
        region: null,
        tenantProfileId: ref("TENANT_PROFILE", tenant.tenantProfileId),
        ...versioned(platform, tenant.version),
        name: tenant.title,
        additionalInfo: null,
    });

export const groupJson = (group: EntityGroup): string =>
    JSON.stringify({
        id: ref("ENTITY_GROUP", group.id),
        createdTime: group.createdTime,
        ownerId: ref(group.ownerType, group.ownerId),
        name: group.name,
        type: group.type,
        additionalInfo: group.additionalInfo,
        groupAll: group.name === "All",
        edgeGroupAll: false,
    });
