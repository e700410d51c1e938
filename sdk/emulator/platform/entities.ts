// The rows that the platform keeps. Rows are never changed in place: a new one replaces the old one.
import type { Uuid } from "./ids";
import type { Json, JsonObject } from "./json";

export type Milliseconds = number;

interface Row {
    readonly id: Uuid;
    readonly createdTime: Milliseconds;
}

export interface Tenant extends Row {
    readonly title: string;
    readonly tenantProfileId: Uuid;
    readonly version: number;
}

/** The part of a tenant profile that decides what is refused. Rates are "capacity:seconds,…", 0 and "" are no limit. */
export interface TenantLimits {
    /** How many devices the tenant may have. */
    readonly maxDevices?: number;
    /** REST calls of the tenant, as `count:seconds` pairs such as `100:1,2000:60`. */
    readonly tenantServerRestLimitsConfiguration?: string;
    /** REST calls of one customer, likewise. */
    readonly customerServerRestLimitsConfiguration?: string;
    /** Messages of one device, likewise. */
    readonly transportDeviceMsgRateLimit?: string;
    /** Telemetry messages of one device, likewise. */
    readonly transportDeviceTelemetryMsgRateLimit?: string;
}

export interface TenantProfile extends Row {
    readonly name: string;
    readonly isDefault: boolean;
    readonly description: string | null;
    readonly configuration: JsonObject & TenantLimits;
}

export type Authority = "SYS_ADMIN" | "TENANT_ADMIN" | "CUSTOMER_USER";

export interface User extends Row {
    readonly tenantId: Uuid;
    readonly customerId: Uuid;
    readonly email: string;
    readonly authority: Authority;
    readonly firstName: string | null;
    readonly lastName: string | null;
    readonly phone: string | null;
    readonly additionalInfo: Json;
    readonly version: number;
    /** SHA-256 of salt and password; null until the account is activated. */
    readonly passwordHash: string | null;
    readonly activateToken: string | null;
}

export interface ApiKey extends Row {
    readonly tenantId: Uuid;
    readonly userId: Uuid;
    readonly description: string;
    readonly enabled: boolean;
    readonly expirationTime: Milliseconds;
    readonly value: string;
}

export interface Customer extends Row {
    readonly tenantId: Uuid;
    readonly title: string;
    readonly version: number;
    /** Address, phone and the like: kept as they were sent. */
    readonly details: JsonObject;
    readonly additionalInfo: Json;
}

export interface Device extends Row {
    readonly tenantId: Uuid;
    readonly customerId: Uuid;
    readonly name: string;
    readonly type: string;
    readonly label: string | null;
    readonly deviceProfileId: Uuid;
    readonly firmwareId: Json;
    readonly softwareId: Json;
    readonly externalId: Json;
    readonly version: number;
    readonly additionalInfo: Json;
    readonly configuration: JsonObject;
    readonly transportConfiguration: JsonObject;
}

export const CREDENTIALS_TYPES = ["LWM2M_CREDENTIALS", "MQTT_BASIC", "ACCESS_TOKEN", "X509_CERTIFICATE"] as const;
export type CredentialsType = (typeof CREDENTIALS_TYPES)[number];

export interface Credentials extends Row {
    readonly deviceId: Uuid;
    readonly credentialsType: CredentialsType;
    readonly credentialsId: string;
    readonly credentialsValue: string | null;
    readonly version: number;
}

export interface DeviceProfile extends Row {
    readonly tenantId: Uuid;
    readonly name: string;
    readonly description: string | null;
    readonly isDefault: boolean;
    readonly type: string;
    readonly transportType: string;
    readonly provisionType: string;
    readonly provisionDeviceKey: string | null;
    readonly profileData: JsonObject;
    readonly version: number;
    /** Image, rule chains, queue and the like: kept as they were sent. */
    readonly details: JsonObject;
}

/** A rule chain or a dashboard, as far as profiles refer to one: nothing runs or shows in it. */
export interface Named extends Row {
    readonly tenantId: Uuid;
    readonly name: string;
}

/** Professional Edition and Cloud only. */
export interface EntityGroup extends Row {
    readonly tenantId: Uuid;
    readonly ownerType: "TENANT" | "CUSTOMER";
    readonly ownerId: Uuid;
    readonly type: string;
    readonly name: string;
    readonly additionalInfo: Json;
    readonly members: readonly Uuid[];
}
