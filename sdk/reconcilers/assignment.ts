// Whom a device belongs to: a customer in the Community Edition; owner and groups in the Professional Edition and Cloud.

import type { Device, Owner } from "../thingsboard/model";
import { nobody } from "../thingsboard/model";
import type { ThingsBoard } from "../thingsboard";
import { UserError } from "../userError";
import { sameJson } from "./reconciler";

export interface Assignment {
    /** Title of the customer; Community Edition. */
    readonly customer?: string;
    /** Title of the customer that owns the device, or "tenant"; undeclared: whoever does. Professional Edition and Cloud. */
    readonly owner?: string;
    /** Names of device groups of that owner; Professional Edition and Cloud. */
    readonly groups?: readonly string[];
}

export const sameAssignment = (a: Assignment, b: Assignment): boolean =>
    a.customer === b.customer && a.owner === b.owner && sameJson([...(a.groups ?? [])].sort(), [...(b.groups ?? [])].sort());

/** Whether those that are named exist, asked before anything is made. */
export async function checkAssignment(thingsboard: ThingsBoard, deviceName: string, { customer, owner }: Assignment): Promise<void> {
    if (customer !== undefined) await customerId(thingsboard, deviceName, customer, "customer");
    if (owner !== undefined && owner !== "tenant") await customerId(thingsboard, deviceName, owner, "owner");
}

export async function assign(thingsboard: ThingsBoard, device: Device, wanted: Assignment, before: { customer?: string; owner?: string; setGroups: readonly string[] }): Promise<void> {
    if (wanted.customer !== undefined) {
        const customer = await customerId(thingsboard, device.name, wanted.customer, "customer");
        if (device.customerId?.id !== customer) await thingsboard.assignToCustomer(device.id.id, customer);
    } else if (before.customer !== undefined) {
        await thingsboard.unassignFromCustomer(device.id.id);
    }
    // As with a customer: what is taken out of the program is taken off the device.
    const declared = wanted.owner ?? (before.owner === undefined ? undefined : "tenant");
    const owner = declared === undefined ? presentOwner(device) : await ownerOf(thingsboard, device, declared);
    if (declared !== undefined) await thingsboard.setOwner(device.id.id, owner);
    const groups = wanted.groups ?? [];
    const dropped = before.setGroups.filter(name => !groups.includes(name));
    if (groups.length + dropped.length === 0) return;
    for (const name of groups) {
        const group = await thingsboard.deviceGroupByName(owner, name);
        if (!group) throw new UserError(`device "${device.name}": its owner has no device group "${name}": create it first, or correct groups`);
        await thingsboard.addToGroup(group.id.id, [device.id.id]);
    }
    for (const name of dropped) {
        const group = await thingsboard.deviceGroupByName(owner, name);
        if (group) await thingsboard.removeFromGroup(group.id.id, [device.id.id]);
    }
}

/** What the server says, in the place of what was declared. Group membership can't be read back by name and is taken as declared. */
export async function assignmentOf(thingsboard: ThingsBoard, device: Device, declared: Assignment): Promise<Assignment> {
    if (declared.customer === undefined) return {};
    const now = device.customerId?.id ?? nobody;
    if (now === nobody) return { customer: "" };
    const customer = await thingsboard.customerByTitle(declared.customer).catch(() => undefined);
    if (customer?.id.id === now) return { customer: declared.customer };
    const info = await thingsboard.deviceInfo(device.id.id);
    return { customer: info?.customerTitle ?? now };
}

/** Of a device that somebody else has given to a customer: its groups are that customer's. */
const presentOwner = ({ customerId, tenantId }: Device): Owner => (customerId === null || customerId.id === nobody ? tenantId : customerId);

async function ownerOf(thingsboard: ThingsBoard, device: Device, owner: string): Promise<Owner> {
    if (owner === "tenant") return device.tenantId;
    return { entityType: "CUSTOMER", id: await customerId(thingsboard, device.name, owner, "owner") };
}

async function customerId(thingsboard: ThingsBoard, deviceName: string, title: string, field: "customer" | "owner"): Promise<string> {
    const customer = await thingsboard.customerByTitle(title);
    if (!customer) throw new UserError(`device "${deviceName}": customer "${title}" does not exist on this ThingsBoard: create it first, or correct ${field}`);
    return customer.id.id;
}
