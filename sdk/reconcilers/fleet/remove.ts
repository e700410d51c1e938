// What becomes of a device that leaves the fleet.

import type { ThingsBoard } from "../../thingsboard";
import type { Device, DeviceCredentials } from "../../thingsboard/model";
import { certificateId } from "../../x509/leaf";
import { bindingAttribute } from "../binding";
import { freshToken } from "../credentialRow";
import { markOf } from "../ownership";
import { saveRow } from "../save";
import type { DeviceName, DeviceRecord } from "./batch";
import { type BatchContext, about } from "./context";

/** Acts on what is still ours alone: a successor that took the device over has put a mark of its own on it. */
export async function remove(context: BatchContext, name: DeviceName, record: DeviceRecord, found: Device | undefined): Promise<void> {
    const { onRemove } = context.inputs.settings;
    const mark = found && markOf(found);
    if (!found || onRemove === "keep" || (mark && mark.claim !== context.claim)) return;
    const thingsboard = about(context, name);
    // A device that was there before the fleet is never deleted with its history.
    if (onRemove === "delete" && mark?.adopted === false) await thingsboard.deleteDevice(record.id);
    else await saveRow(thingsboard, record.id, async row => ((await isOurs(thingsboard, row, record)) ? freshToken(row) : undefined));
}

/** Where the row was saved again with our certificate in it, a DeviceCredential may have done so, which says so on the device. */
async function isOurs(thingsboard: ThingsBoard, row: DeviceCredentials, record: DeviceRecord): Promise<boolean> {
    if (row.credentialsId !== certificateId(record.certificate)) return false;
    if (row.version !== undefined && row.version === record.version) return true;
    return (await thingsboard.attributes(record.id, "SERVER_SCOPE", [bindingAttribute]))?.length === 0;
}
