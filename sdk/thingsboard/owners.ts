// Whose a device is: a customer in the Community Edition; an owner and groups in the Professional Edition and Cloud,
// whose calls are taken from their documentation and clients.

import type { Call, Calls } from "./calls";
import { isApiError } from "./errors";
import type { Customer, DeviceId, EntityGroup } from "./model";
import { part, query } from "./path";
import type { ThingsBoard } from "./thingsboard";

type Owners = Pick<
    ThingsBoard,
    | "customerByTitle"
    | "assignToCustomer"
    | "unassignFromCustomer"
    | "setOwner"
    | "deviceGroupByName"
    | "addToGroup"
    | "removeFromGroup"
>;

export function owners(calls: Calls): Owners {
    return {
        customerByTitle: title =>
            calls.find<Customer>({
                path: `/api/tenant/customers${query({ customerTitle: title })}`,
                subject: `customer "${title}"`,
                complaint: "cannot read the customer",
                answer: "entity",
            }),

        assignToCustomer: async (deviceId, customerId) => {
            await calls.make<unknown>({
                ...moving(deviceId, "cannot assign the device to the customer"),
                path: `/api/customer/${part(customerId)}/device/${part(deviceId)}`,
                answer: "entity",
            });
        },

        async unassignFromCustomer(deviceId) {
            try {
                await calls.dispose({
                    ...moving(deviceId, "cannot take the device from its customer"),
                    method: "DELETE",
                    path: `/api/customer/device/${part(deviceId)}`,
                });
            } catch (error) {
                // 400 "Device isn't assigned to any customer!"
                if (!isApiError(error, "invalid") || !error.serverMessage?.includes("isn't assigned")) throw error;
            }
        },

        setOwner: (deviceId, owner) =>
            calls.make({
                ...moving(deviceId, "cannot change the owner of the device"),
                path: `/api/owner/${owner.entityType}/${part(owner.id)}/DEVICE/${part(deviceId)}`,
            }),

        deviceGroupByName: (owner, name) =>
            calls.find<EntityGroup>({
                path: `/api/entityGroup/${owner.entityType}/${part(owner.id)}/DEVICE/${part(name)}`,
                subject: `device group "${name}"`,
                complaint: "cannot read the group",
                answer: "entity",
            }),

        addToGroup: (groupId, deviceIds) =>
            calls.make({
                ...moving(deviceIds.join(", "), "cannot add to the group"),
                path: `/api/entityGroup/${part(groupId)}/addEntities`,
                body: deviceIds,
            }),

        removeFromGroup: (groupId, deviceIds) =>
            calls.dispose({
                ...moving(deviceIds.join(", "), "cannot remove from the group"),
                path: `/api/entityGroup/${part(groupId)}/deleteEntities`,
                body: deviceIds,
            }),
    };
}

/** Moving a thing to where it is already changes nothing. */
function moving(deviceId: DeviceId, complaint: string): Omit<Call, "path"> {
    return { method: "POST", subject: `device ${deviceId}`, complaint, repeating: "safe", answer: "nothing" };
}
