// The calls that reconcilers make.

import type {
    Attribute,
    AttributeScope,
    CurrentUser,
    Customer,
    CustomerId,
    Device,
    DeviceConnectivity,
    DeviceCredentials,
    DeviceId,
    DeviceInfo,
    DeviceProfile,
    DeviceProfileId,
    DeviceProfileInfo,
    EntityGroup,
    EntityGroupId,
    NamedEntity,
    Milliseconds,
    NewCredentials,
    NewDevice,
    NewDeviceProfile,
    Owner,
    SystemInfo,
    TelemetryValue,
    Usage,
} from "./model";

/**
 * One ThingsBoard, as one user. Nothing is sent before the first call; the log-in is shared by all of them.
 *
 * Each call repeats what is safe to repeat: after 429, 502, 503, 504 and network failures, with growing and jittered
 * pauses. `undefined` means that ThingsBoard answered 404 for this entity. Everything else that fails is an `ApiError`.
 */
export interface ThingsBoard {
    /**
     * The same client, whose errors begin with this: `thingsboard.about('device "pump-1"')`.
     * @param whole what the subject is one of many parts of, such as a fleet: it waits in line with all of them. Default: the subject.
     */
    about(subject: string, whole?: string): ThingsBoard;

    // Devices

    deviceById(id: DeviceId): Promise<Device | undefined>;
    /** With `active`, the profile's name and the customer's title. */
    deviceInfo(id: DeviceId): Promise<DeviceInfo | undefined>;
    /** Exact and case-sensitive. */
    deviceByName(name: string): Promise<Device | undefined>;
    /** In any order; devices that don't exist are left out. */
    devicesByIds(ids: readonly DeviceId[]): Promise<Device[]>;
    /**
     * After an answer that got lost, looks the device up by name before it asks again, and returns what is there if
     * `isOurs` says so.
     * @throws ApiError nameTaken, deviceLimit
     */
    createDevice(device: NewDevice, isOurs: (found: Device) => boolean): Promise<Device>;
    /**
     * Device and credentials in one transaction: no device without the certificate, also after a failure. Lost answers
     * are handled as in `createDevice`.
     * @throws ApiError nameTaken, credentialsTaken, deviceLimit
     */
    createDeviceWithCredentials(device: NewDevice, credentials: NewCredentials, isOurs: (found: Device) => boolean): Promise<Device>;
    /**
     * Replaces the whole device: what is left out is lost, so spread what was read.
     * @throws ApiError versionConflict, notFound, nameTaken
     */
    saveDevice(device: Device): Promise<Device>;
    /** A device that is gone already is done. */
    deleteDevice(id: DeviceId): Promise<void>;

    // Credentials

    credentials(deviceId: DeviceId): Promise<DeviceCredentials | undefined>;
    /**
     * Send the row that was read, with its `id` and `version`. After an answer that got lost, the row is read again and
     * returned if it holds what was sent.
     * @throws ApiError versionConflict, credentialsTaken, notFound
     */
    saveCredentials(row: DeviceCredentials): Promise<DeviceCredentials>;

    // Attributes and telemetry. ThingsBoard separates keys by commas: a key with a comma can't be asked for.

    attributes(deviceId: DeviceId, scope: AttributeScope, keys?: readonly string[]): Promise<Attribute[] | undefined>;
    /** Into SERVER_SCOPE. */
    saveAttributes(deviceId: DeviceId, attributes: Readonly<Record<string, unknown>>): Promise<void>;
    /** From SERVER_SCOPE. A device that is gone is done. */
    deleteAttributes(deviceId: DeviceId, keys: readonly string[]): Promise<void>;
    latestTelemetry(deviceId: DeviceId, keys: readonly string[]): Promise<Readonly<Record<string, TelemetryValue | undefined>> | undefined>;
    /** All values of these keys. A device that is gone is done. */
    deleteTelemetry(deviceId: DeviceId, keys: readonly string[]): Promise<void>;

    // Device profiles

    deviceProfile(id: DeviceProfileId): Promise<DeviceProfile | undefined>;
    /** Exact and case-sensitive. */
    deviceProfileByName(name: string): Promise<DeviceProfileInfo | undefined>;
    defaultDeviceProfile(): Promise<DeviceProfileInfo>;
    /** After an answer that got lost, looks the profile up by name, as `createDevice` does. */
    createDeviceProfile(profile: NewDeviceProfile, isOurs: (found: DeviceProfile) => boolean): Promise<DeviceProfile>;
    /** @throws ApiError versionConflict, notFound, nameTaken */
    saveDeviceProfile(profile: DeviceProfile): Promise<DeviceProfile>;
    /** A profile that is gone already is done. @throws ApiError invalid, as long as devices use it */
    deleteDeviceProfile(id: DeviceProfileId): Promise<void>;

    makeDefaultDeviceProfile(id: DeviceProfileId): Promise<DeviceProfile>;
    /** How many devices have it; `undefined` where this ThingsBoard can't be asked. */
    devicesOfProfile(id: DeviceProfileId): Promise<number | undefined>;

    // What a profile refers to. Names of rule chains and dashboards need not be unique.

    ruleChainsByName(name: string): Promise<NamedEntity[]>;
    ruleChainName(id: string): Promise<string | undefined>;
    dashboardsByTitle(title: string): Promise<NamedEntity[]>;
    dashboardTitle(id: string): Promise<string | undefined>;

    // Customers: of the Community Edition

    customerByTitle(title: string): Promise<Customer | undefined>;
    assignToCustomer(deviceId: DeviceId, customerId: CustomerId): Promise<void>;
    /** A device that is not assigned, or gone, is done. */
    unassignFromCustomer(deviceId: DeviceId): Promise<void>;

    // Owners and groups: of the Professional Edition and Cloud, from their documentation

    setOwner(deviceId: DeviceId, owner: Owner): Promise<void>;
    /** A group of devices, by its owner and exact name. */
    deviceGroupByName(owner: Owner, name: string): Promise<EntityGroup | undefined>;
    addToGroup(groupId: EntityGroupId, deviceIds: readonly DeviceId[]): Promise<void>;
    removeFromGroup(groupId: EntityGroupId, deviceIds: readonly DeviceId[]): Promise<void>;

    // The server

    /** Version and edition; only the version if the user may not ask; `undefined` if the server tells nobody. */
    systemInfo(): Promise<SystemInfo | undefined>;
    /** Who is asking. */
    currentUser(): Promise<CurrentUser>;
    /** `undefined` where this ThingsBoard, or this user's role, does not tell. */
    usage(): Promise<Usage | undefined>;
    /**
     * PEM of what the operator offers for download as the certificate chain of the MQTT port (since 3.6); `undefined` if
     * nothing is offered, which is the default. Not necessarily what the port sends.
     */
    serverCertificateChain(): Promise<string | undefined>;
    deviceConnectivity(deviceId: DeviceId): Promise<DeviceConnectivity | undefined>;
    /**
     * How far the server's clock is ahead of ours (negative: behind), from the answers so far; `undefined` before the
     * first one. From the `Date` header, which has whole seconds: right to about half a second, plus half the time
     * that the call took.
     */
    clockSkewMs(): Milliseconds | undefined;
}
