// Resources as a policy sees them: a type, and inputs that may not be known in preview.

import { X509Certificate } from "node:crypto";

/** Types of pulumi-thingsboard begin so, as those of all dynamic resources in TypeScript. */
export const ofThingsBoard = (name: string): string => `pulumi-nodejs:dynamic/thingsboard:${name}`;

/** A value, or undefined where it is not known before the deployment runs: the rule then looks again when it is. */
export function known<Value>(look: () => Value): Value | undefined {
    try {
        return look();
    } catch (error) {
        if (error instanceof Error && error.name === "UnknownValueError") return undefined;
        throw error;
    }
}

/** The certificate of a `DeviceCredential`, wherever it was made. */
export function boundCertificate(props: Record<string, unknown>): X509Certificate | undefined {
    const pem = known(() => props["certificatePem"]);
    return typeof pem === "string" ? new X509Certificate(pem) : undefined;
}

/** What the devices of a `DeviceFleet` have in common. */
export interface FleetSettings {
    readonly algorithm: string;
    readonly validityDays: number;
    readonly publishCheck: "none" | "sample" | "all" | object;
}

export const fleetSettings = (props: Record<string, unknown>): FleetSettings | undefined => known(() => props["settings"]) as FleetSettings | undefined;
