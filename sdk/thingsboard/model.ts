// What ThingsBoard's REST API sends and takes, as far as this package uses it.

/** UUIDs, as text. A row of credentials has an id of its own, which is not the device's. */
export type DeviceId = string;
export type CredentialsRowId = string;
export type DeviceProfileId = string;
export type CustomerId = string;
export type EntityGroupId = string;

/** Milliseconds since 1970. */
export type Timestamp = number;
export type Milliseconds = number;

export interface EntityId<Type extends string> {
    readonly id: string;
    readonly entityType: Type;
}

/** What a read answers may hold more fields than these; they have to survive a full replace, so spread what was read. */
export interface Device extends NewDevice {
    readonly id: EntityId<"DEVICE">;
    readonly createdTime: Timestamp;
    readonly tenantId: EntityId<"TENANT">;
    /** Of an unassigned device: `nobody`. */
    readonly customerId: EntityId<"CUSTOMER"> | null;
    /** Optimistic lock, since 3.8. Left out or null, the server overwrites whatever is there. */
    readonly version?: number;
}

export interface NewDevice {
    readonly name: string;
    /** The profile's name. Without `deviceProfileId` the server makes a profile of this name if there is none. */
    readonly type?: string;
    readonly label?: string | null;
    readonly deviceProfileId?: EntityId<"DEVICE_PROFILE"> | null;
    readonly additionalInfo?: Readonly<Record<string, unknown>> | null;
}

/** The customer of a device that belongs to no customer. */
export const nobody: CustomerId = "13814000-1dd2-11b2-8080-808080808080";

/** `GET /api/device/info/{id}` */
export interface DeviceInfo extends Device {
    readonly active?: boolean;
    readonly customerTitle?: string | null;
    readonly deviceProfileName?: string;
}

export type CredentialsType = "ACCESS_TOKEN" | "X509_CERTIFICATE" | "MQTT_BASIC" | "LWM2M_CREDENTIALS";

/** `GET /api/device/{id}/credentials`. A device has exactly one such row, for all of its life. */
export interface DeviceCredentials {
    /** The row's own id, which is not the device's. */
    readonly id: { readonly id: CredentialsRowId };
    readonly deviceId: EntityId<"DEVICE">;
    readonly credentialsType: CredentialsType;
    /** For X.509 the server computes it (SHA3-256 of the base64 text) and ignores what is sent. */
    readonly credentialsId: string;
    /** For X.509 base64 of the DER: the server drops the BEGIN and END lines and line breaks. */
    readonly credentialsValue: string | null;
    /** Optimistic lock, since 3.8. Left out or null, the server overwrites whatever is there. */
    readonly version?: number;
}

/** The credentials of a device that is created together with them. */
export interface NewCredentials {
    readonly credentialsType: CredentialsType;
    readonly credentialsId?: string;
    readonly credentialsValue: string | null;
}

export type AttributeScope = "SERVER_SCOPE" | "SHARED_SCOPE" | "CLIENT_SCOPE";

export interface Attribute {
    readonly key: string;
    readonly value: unknown;
    readonly lastUpdateTs: Timestamp;
}

/** The latest value of a telemetry key. */
export interface TelemetryValue {
    readonly ts: Timestamp;
    /** Text as the server sends it, also for numbers; null for a key that was never written (`ts` is then the server's now). */
    readonly value: string | null;
}

/** `GET /api/deviceProfileInfos` */
export interface DeviceProfileInfo {
    readonly id: EntityId<"DEVICE_PROFILE">;
    readonly name: string;
    readonly type?: string;
    readonly transportType?: string;
}

/** What a read answers may hold more fields than these; they have to survive a full replace, so spread what was read. */
export interface DeviceProfile extends NewDeviceProfile {
    readonly id: EntityId<"DEVICE_PROFILE">;
    readonly createdTime: Timestamp;
    readonly default: boolean;
    /** For the X.509 chain strategy the server computes it from the certificate. */
    readonly provisionDeviceKey: string | null;
    /** Optimistic lock, since 3.8. */
    readonly version?: number;
}

/** A rule chain or a dashboard. */
export interface NamedEntity {
    readonly id: string;
    readonly name: string;
}

export interface NewDeviceProfile {
    readonly name: string;
    readonly description?: string | null;
    readonly type: string;
    readonly transportType: string;
    readonly provisionType: "DISABLED" | "ALLOW_CREATE_NEW_DEVICES" | "CHECK_PRE_PROVISIONED_DEVICES" | "X509_CERTIFICATE_CHAIN";
    readonly profileData: DeviceProfileData;
    readonly defaultRuleChainId?: EntityId<"RULE_CHAIN"> | null;
    readonly defaultDashboardId?: EntityId<"DASHBOARD"> | null;
}

export interface DeviceProfileData {
    readonly configuration: { readonly type: string };
    readonly transportConfiguration: TransportConfiguration;
    readonly provisionConfiguration: ProvisionConfiguration;
    readonly alarms?: readonly unknown[] | null;
}

/** A profile of transport type MQTT may move telemetry to another topic and ask for Protobuf. */
export interface TransportConfiguration {
    readonly type: string;
    readonly deviceTelemetryTopic?: string;
    readonly deviceAttributesTopic?: string;
    readonly transportPayloadTypeConfiguration?: TransportPayload;
    /** A bad payload is answered with PUBACK instead of a closed connection (MQTT 3.1.1), since 3.4. */
    readonly sendAckOnValidationException?: boolean;
}

export interface TransportPayload {
    readonly transportPayloadType: string;
    readonly deviceTelemetryProtoSchema?: string;
    readonly deviceAttributesProtoSchema?: string;
    readonly deviceRpcRequestProtoSchema?: string;
    readonly deviceRpcResponseProtoSchema?: string;
}

export interface ProvisionConfiguration {
    readonly type: NewDeviceProfile["provisionType"];
    /** For the X.509 chain strategy the certificate; answered without its BEGIN and END lines. For others a secret. */
    readonly provisionDeviceSecret: string | null;
    readonly certificateRegExPattern?: string;
    readonly allowCreateNewDevicesByX509Certificate?: boolean;
}

export interface Customer {
    readonly id: EntityId<"CUSTOMER">;
    readonly title: string;
    readonly name?: string;
}

/** Whose a device is, in ThingsBoard PE and Cloud. */
export type Owner = EntityId<"TENANT"> | EntityId<"CUSTOMER">;

/** ThingsBoard PE and Cloud. */
export interface EntityGroup {
    readonly id: EntityId<"ENTITY_GROUP">;
    readonly name: string;
    readonly type: string;
}

export interface PageData<Item> {
    readonly data: readonly Item[];
    readonly totalPages: number;
    readonly totalElements: number;
    readonly hasNext: boolean;
}

export interface SystemInfo {
    readonly version: string;
    /** "CE", "PE", ...: only when the user may ask for it. */
    readonly type?: string;
}

/** `GET /api/auth/user` */
export interface CurrentUser {
    readonly id: EntityId<"USER">;
    readonly authority: "SYS_ADMIN" | "TENANT_ADMIN" | "CUSTOMER_USER";
    readonly email: string;
}

/** `GET /api/usage`: what the tenant has used of what it may have; 0 as a maximum is none. Only the part that concerns devices. */
export interface Usage {
    readonly devices: number;
    readonly maxDevices: number;
    /** Of this month. */
    readonly transportMessages?: number;
    readonly maxTransportMessages?: number;
}

/** `GET /api/device-connectivity/{id}`: commands to publish with, by protocol. "Check documentation" for X.509 devices. */
export type DeviceConnectivity = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
