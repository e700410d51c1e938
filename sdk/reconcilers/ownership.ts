// Whose a device is: the mark that this package leaves on what it creates.

import { randomUUID } from "node:crypto";
import type { Device } from "../thingsboard/model";

/**
 * Kept in the device's `additionalInfo`, where ThingsBoard's web page leaves it alone. The claim says which resource
 * holds the device *now*: the engine replaces by creating first and deleting afterwards, and the successor of a renamed
 * resource finds the same device and claims it anew, so that the predecessor's delete leaves it alone.
 */
export interface Mark {
    /** Project, stack and logical name, joined by slashes. */
    readonly declaredBy: string;
    readonly claim: string;
    /** The device was there before: destroying the stack leaves it. */
    readonly adopted: boolean;
}

const key = "pulumi";

/** The field of `additionalInfo` that is no user's. */
export const markKey = key;

export function markOf(device: Pick<Device, "additionalInfo">): Mark | undefined {
    const found = device.additionalInfo?.[key];
    if (typeof found !== "object" || found === null) return undefined;
    const { declaredBy, claim, adopted } = found as Partial<Record<keyof Mark, unknown>>;
    if (typeof declaredBy !== "string" || typeof claim !== "string") return undefined;
    return { declaredBy, claim, adopted: adopted === true };
}

export const newMark = (declaredBy: string, adopted: boolean): Mark => ({ declaredBy, claim: randomUUID(), adopted });

/** The stack, whatever the resource in it: `project/stack`. */
export function stackOf(declaredBy: string): string {
    return declaredBy.split("/", 2).join("/");
}

/** Not so after `pulumi stack rename` or `pulumi state move`: a mark that named the stack of before would make that one the owner. */
export const sameStack = (a: string, b: string): boolean => stackOf(a) === stackOf(b);

/** As it was given to the program, slashes and all. */
export const logicalName = (declaredBy: string): string => declaredBy.split("/").slice(2).join("/");

export function isOfStack(device: Pick<Device, "additionalInfo">, declaredBy: string): boolean {
    const mark = markOf(device);
    return mark !== undefined && sameStack(mark.declaredBy, declaredBy);
}
