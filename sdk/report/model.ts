// What a report knows of each certificate, and of all of them together. Plain JSON; times are ISO 8601.

/**
 * `unknown`: a refresh has overwritten the certificate in the state, and no other resource of the stack has it; or the device
 * could not be made yet.
 */
export type Standing = "expired" | "due" | "valid" | "unknown";

/** One device with the certificate that the stack has bound to it. */
export interface ReportRow {
    readonly device: string;
    /** Empty for one that could not be made yet. */
    readonly deviceId: string;
    readonly stack: string;
    /** Logical name of the DeviceFleet; absent for a DeviceCredential of its own. */
    readonly fleet?: string;
    /** Distinguished names on one line. This and what follows, up to the dates, is empty for an `unknown` one. */
    readonly subject: string;
    readonly issuer: string;
    /** Such as `EC P-256` and `RSA 4096`. */
    readonly algorithm: string;
    /** Upper-case hex. */
    readonly serialNumber: string;
    readonly notBefore: string;
    readonly notAfter: string;
    /** ThingsBoard's name for the certificate: SHA3-256, lower-case hex. */
    readonly credentialsId: string;
    readonly standing: Standing;
    /** Why the last `up` could not finish this device. */
    readonly failed?: string;
    /** How it differs from what was deployed: as the last refresh saw it, or as the server says now. */
    readonly drift?: string;
    readonly check?: CheckRow;
    /** Where the server was asked. */
    readonly server?: ServerRow;
}

export interface CheckRow {
    readonly outcome: "accepted" | "refused";
    readonly message: string;
    readonly checkedAt: string;
    /** Milliseconds until CONNACK. */
    readonly connectMs?: number;
    /** Milliseconds until PUBACK. */
    readonly publishMs?: number;
}

export interface ServerRow {
    readonly active: boolean;
    /** Absent for a device that has never connected. */
    readonly lastConnect?: string;
}

export interface Report {
    /** When it was made. */
    readonly at: string;
    readonly stacks: readonly string[];
    /** Address of the server that was asked; absent where only the states were read. */
    readonly server?: string;
    /** A certificate is due so many days before its end, unless its fleet says otherwise. */
    readonly dueDays: number;
    readonly summary: Summary;
    readonly rows: readonly ReportRow[];
}

export interface Summary {
    readonly devices: number;
    readonly standing: Readonly<Record<Standing, number>>;
    /** First certificate to expire of those that have not. */
    readonly nextExpiry?: string;
    /** Certificates by month of their end (`2027-03`), in order, months without any included. */
    readonly byMonth: readonly MonthCount[];
    readonly byAlgorithm: Readonly<Record<string, number>>;
    readonly byIssuer: Readonly<Record<string, number>>;
    readonly checks: { readonly accepted: number; readonly refused: number; readonly none: number };
    readonly failed: number;
    readonly drifted: number;
    /** Absent where the server was not asked. */
    readonly neverSeen?: number;
}

export interface MonthCount {
    readonly month: string;
    readonly count: number;
}
