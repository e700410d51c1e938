// What the other DeviceCredentials of a program want, where the engine comes to them only when this one is done.

import { runtime } from "@pulumi/pulumi";
import type { DeviceId } from "../thingsboard/model";

export interface OtherCredential {
    /** Project, stack and logical name. */
    readonly declaredBy: string;
    readonly deviceId?: DeviceId;
    readonly deviceName?: string;
    /** Of the certificate that it declares, where that is known already. */
    readonly credentialsId?: string;
    /** It is not known, but surely another one than that of whoever tells it. */
    readonly another?: true;
}

const told = new Map<string, readonly OtherCredential[]>();

/** @param others as it came over the wire: perhaps not known yet, as in preview */
export function noteOthers(declaredBy: string, others: unknown): void {
    if (Array.isArray(others)) told.set(declaredBy, others.filter(isOther));
}

/** Those of them that want another certificate than this one. */
export const othersWithout = (credentialsId: string, declaredBy: string): OtherCredential[] =>
    (told.get(declaredBy) ?? []).filter(other => (other.credentialsId === undefined ? other.another === true : other.credentialsId !== credentialsId));

function isOther(value: unknown): value is OtherCredential {
    if (typeof value !== "object" || value === null) return false;
    const { declaredBy, deviceId, deviceName, credentialsId, another } = value as Partial<Record<keyof OtherCredential, unknown>>;
    const text = (field: unknown) => typeof field === "string" && field !== runtime.unknownValue;
    return text(declaredBy) && (text(credentialsId) || another === true) && (text(deviceId) || text(deviceName));
}
