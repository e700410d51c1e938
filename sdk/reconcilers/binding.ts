// Whose a device's credential is: what a resource notes on the device when it binds a certificate.

import type { Device, DeviceCredentials, DeviceId } from "../thingsboard/model";
import type { ThingsBoard } from "../thingsboard";
import { heldByOthers } from "./credentialRow";
import { isOfStack, stackOf } from "./ownership";
import { revokedAttribute } from "./revoked";
import { asTime } from "./serverTime";

/**
 * Server attribute that says which resource bound last. The version alone can't tell a row that somebody has saved again
 * from one that a successor has bound, in this stack or in another.
 */
export const bindingAttribute = "pulumiBinding";

/** Its value. */
export interface Binding {
    /** Of the resource in the engine's state. */
    readonly id: string;
    /** Project, stack and logical name. */
    readonly declaredBy: string;
    /** Of the certificate that it bound. Written first: where the binding then failed, the row holds another one. */
    readonly credentialsId: string;
}

/** What the row holds, in words, if it is neither this stack's nor free. */
export async function foreign(thingsboard: ThingsBoard, device: Device, row: DeviceCredentials, binding: Binding | undefined, credentialsId: string, { declaredBy }: { readonly declaredBy: string }): Promise<string | undefined> {
    if (row.credentialsId === credentialsId || isOfStack(device, declaredBy)) return undefined;
    if (binding?.credentialsId === row.credentialsId && stackOf(binding.declaredBy) === stackOf(declaredBy)) return undefined;
    return heldByOthers(thingsboard, device, row);
}

/** What is noted on the device itself, in server attributes: who bound it last, and what was revoked. */
export async function notesOn(thingsboard: ThingsBoard, deviceId: DeviceId): Promise<ReadonlyMap<string, unknown>> {
    const found = await thingsboard.attributes(deviceId, "SERVER_SCOPE", [bindingAttribute, revokedAttribute]);
    return new Map(found?.map(({ key, value }) => [key, value]));
}

/**
 * When this certificate was bound, by the server's own clock and to the millisecond: the note is written just before the row.
 * Undefined where somebody else has bound since, or the server keeps no time of it.
 */
export async function boundSince(thingsboard: ThingsBoard, deviceId: DeviceId, credentialsId: string): Promise<number | undefined> {
    const note = (await thingsboard.attributes(deviceId, "SERVER_SCOPE", [bindingAttribute]))?.find(({ key }) => key === bindingAttribute);
    const binding = note && bindingIn(new Map([[note.key, note.value]]));
    return binding?.credentialsId === credentialsId ? asTime(note?.lastUpdateTs) : undefined;
}

export function bindingIn(notes: ReadonlyMap<string, unknown>): Binding | undefined {
    const found = notes.get(bindingAttribute);
    if (typeof found !== "object" || found === null) return undefined;
    const { id, declaredBy, credentialsId } = found as Partial<Record<keyof Binding, unknown>>;
    return typeof id === "string" && typeof declaredBy === "string" && typeof credentialsId === "string" ? { id, declaredBy, credentialsId } : undefined;
}
