// What a batch of a fleet is declared with, and what it keeps.

import type { DeviceId } from "../../thingsboard/model";
import type { KeyAlgorithm, SigningAuthority } from "../../x509/issue";

export type DeviceName = string;
/** DER as base64 on one line. */
export type Base64 = string;

export interface FleetSettings {
    /** By name; undeclared: the tenant's default at creation, and whatever it is later. */
    readonly deviceProfile?: string;
    readonly algorithm: KeyAlgorithm;
    readonly validityDays: number;
    readonly renewBeforeDays: number;
    readonly renewalJitterDays: number;
    readonly rotationPolicy: "always" | "never";
    readonly renewal: "report" | "immediate";
    /** Of the whole fleet in this stack; undeclared: as many as fall due. */
    readonly maxRenewalsPerUp?: number;
    readonly publishCheck: "none" | "sample" | "all";
    /** Undeclared: "publish". */
    readonly checkMode?: "publish" | "connect";
    readonly onRemove: "revoke" | "delete" | "keep";
    readonly onDrift: "repair" | "fail";
    readonly adopt: boolean;
}

/** What a device has beyond its name. */
export interface DeviceDetails {
    readonly label?: string;
    /** Server scope. */
    readonly attributes?: Readonly<Record<string, unknown>>;
    /** From outside: base64 of the DER, or text that `check` complains about. */
    readonly certificate?: Base64;
    /** Request of a device that keeps its key: base64 of the DER, or text that `check` complains about. */
    readonly csr?: Base64;
    /** Raised to have the device issued anew; undeclared: 1. */
    readonly generation?: number;
}

export interface FleetBatchInputs {
    /** Project, stack and logical name of the fleet, joined by slashes. */
    readonly fleet: string;
    readonly batch: number;
    readonly batches: number;
    /** `3/16` */
    readonly shard?: string;
    /** Sorted. Not called `devices` as in the state: in preview the engine shows inputs in the place of outputs of the same name. */
    readonly members: readonly DeviceName[];
    /** Of those that have any. */
    readonly details?: Readonly<Record<DeviceName, DeviceDetails>>;
    readonly settings: FleetSettings;
    /** Secret, in the state too. Signs certificates that are issued from then on. */
    readonly authority?: SigningAuthority;
    /** Devices in work at once. Not part of what is declared: a change of it alone is no change. */
    readonly concurrency: number;
    /**
     * Declared by nobody. `read` puts here how a device differs from what we left: the engine compares inputs with
     * inputs, so it shows the device and plans an update.
     */
    readonly drift?: Readonly<Record<DeviceName, string>>;
    /** Declared by nobody, likewise: devices whose certificate was revoked by hand, and when (ISO 8601). */
    readonly revoked?: Readonly<Record<DeviceName, string>>;
}

export interface DeviceRecord {
    readonly id: DeviceId;
    /** Of the row of credentials, as we left it; null before ThingsBoard 3.8. */
    readonly version: number | null;
    /** ISO 8601, without fractions of a second. */
    readonly notAfter: string;
    readonly certificate: Base64;
}

export interface FleetBatchState extends Omit<FleetBatchInputs, "members" | "details"> {
    readonly stateVersion: 1;
    /** In the ownership mark of each device: see `Mark`. */
    readonly claim: string;
    readonly devices: Readonly<Record<DeviceName, DeviceRecord>>;
    /** Secret. PKCS#8 DER as base64 of the devices whose certificate was made here. One map, so that it is encrypted once. */
    readonly keys: Readonly<Record<DeviceName, Base64>>;
    /** As they were applied. The name is that of the input, so that what was secret there stays it. */
    readonly details?: Readonly<Record<DeviceName, DeviceDetails>>;
    /** What could not be done, by device, with the reason. The next `up` tries again. */
    readonly failed?: Readonly<Record<DeviceName, string>>;
    readonly summary: BatchSummary;
}

export interface BatchSummary {
    /** Bound as declared. */
    readonly devices: number;
    readonly failed: number;
    /** First of their certificates to expire (ISO 8601). */
    readonly nextExpiry?: string;
}
