// Reads, decides, writes back under the version that was read; decides anew if somebody else was faster.

import type { Device, DeviceCredentials, DeviceId } from "../thingsboard/model";
import { isApiError, type ThingsBoard } from "../thingsboard";
import { sameJson } from "./reconciler";

const attempts = 5;

/** @param decide undefined leaves the device alone; so does the device as it was found */
export async function saveDevice(thingsboard: ThingsBoard, id: DeviceId, decide: (found: Device) => Device | undefined): Promise<Device | undefined> {
    for (let attempt = 1; ; attempt++) {
        const found = await thingsboard.deviceById(id);
        const wanted = found && decide(found);
        if (!found || !wanted) return undefined;
        if (sameJson(found, wanted)) return found;
        try {
            return await thingsboard.saveDevice(wanted);
        } catch (error) {
            if (!isApiError(error, "versionConflict") || attempt === attempts) throw error;
        }
    }
}

/** @param decide undefined leaves the row alone; so does the row as it was found, which is then the answer */
export async function saveRow(
    thingsboard: ThingsBoard,
    deviceId: DeviceId,
    decide: (row: DeviceCredentials) => Promise<DeviceCredentials | undefined>,
): Promise<DeviceCredentials | undefined> {
    for (let attempt = 1; ; attempt++) {
        const row = await thingsboard.credentials(deviceId);
        const wanted = row && (await decide(row));
        if (!wanted) return undefined;
        if (wanted === row) return row;
        try {
            return await thingsboard.saveCredentials(wanted);
        } catch (error) {
            if (isApiError(error, "notFound")) return undefined;
            if (!isApiError(error, "versionConflict") || attempt === attempts) throw error;
        }
    }
}
