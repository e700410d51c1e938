// Reads, decides, writes back under the version that was read; decides anew if somebody else was faster.

import type { Device, DeviceCredentials, DeviceId, DeviceProfile, DeviceProfileId } from "../thingsboard/model";
import { isApiError, type ThingsBoard } from "../thingsboard";
import { sameJson } from "./reconciler";

const attempts = 5;

/** @param decide undefined leaves the device alone; so does the device as it was found */
export const saveDevice = (thingsboard: ThingsBoard, id: DeviceId, decide: (found: Device) => Device | undefined): Promise<Device | undefined> =>
    save(() => thingsboard.deviceById(id), decide, thingsboard.saveDevice, sameJson);

/** @param decide undefined leaves the profile alone; so does the profile as it was found */
export const saveProfile = (thingsboard: ThingsBoard, id: DeviceProfileId, decide: (found: DeviceProfile) => DeviceProfile | undefined): Promise<DeviceProfile | undefined> =>
    save(() => thingsboard.deviceProfile(id), decide, thingsboard.saveDeviceProfile, sameJson);

/** @param decide undefined leaves the row alone; so does the row as it was found, which is then the answer: an equal one is written, since its version rises */
export const saveRow = (
    thingsboard: ThingsBoard,
    deviceId: DeviceId,
    decide: (row: DeviceCredentials) => Promise<DeviceCredentials | undefined> | DeviceCredentials | undefined,
): Promise<DeviceCredentials | undefined> => save(() => thingsboard.credentials(deviceId), decide, thingsboard.saveCredentials, Object.is);

/** Undefined where it is gone, also when it goes between reading and writing. */
async function save<Entity>(
    read: () => Promise<Entity | undefined>,
    decide: (found: Entity) => Promise<Entity | undefined> | Entity | undefined,
    write: (wanted: Entity) => Promise<Entity>,
    same: (found: Entity, wanted: Entity) => boolean,
): Promise<Entity | undefined> {
    for (let attempt = 1; ; attempt++) {
        const found = await read();
        const wanted = found && (await decide(found));
        if (!found || !wanted) return undefined;
        if (same(found, wanted)) return found;
        try {
            return await write(wanted);
        } catch (error) {
            if (isApiError(error, "notFound")) return undefined;
            if (!isApiError(error, "versionConflict") || attempt === attempts) throw error;
        }
    }
}
