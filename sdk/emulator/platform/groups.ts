// Entity groups of the Professional Edition and Cloud: who is in which.
import { assignDevice } from "./assignment";
import type { Device, EntityGroup } from "./entities";
import { notFound } from "./errors";
import type { Uuid } from "./ids";
import type { Platform } from "./platform";

export function getGroup(platform: Platform, tenantId: Uuid, id: Uuid): EntityGroup {
    const group = platform.store.groups.get(id);
    if (!group || group.tenantId !== tenantId) throw notFound(`Entity group with id [${id}] is not found`);
    return group;
}

/** A device that is born into a group belongs to the owner of the group. */
export function joinGroups(platform: Platform, device: Device, groups: readonly EntityGroup[]): Device {
    for (const group of groups) platform.store.groups.put({ ...group, members: [...group.members, device.id] });
    const owner = groups.find((group) => group.ownerType === "CUSTOMER")?.ownerId;
    return owner === undefined || owner === device.customerId ? device : assignDevice(platform, device, owner);
}

export function leaveGroups(platform: Platform, deviceId: Uuid, which: (group: EntityGroup) => boolean = () => true): void {
    for (const group of [...platform.store.groups.values()]) {
        if (which(group) && group.members.includes(deviceId)) platform.store.groups.put({ ...group, members: group.members.filter((id) => id !== deviceId) });
    }
}
