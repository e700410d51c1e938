// What becomes of a device that leaves the fleet.

import { randomBytes } from "node:crypto";
import type { Device, DeviceCredentials } from "../../thingsboard/model";
import { certificateId } from "../../x509/leaf";
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
    else await saveRow(thingsboard, record.id, async row => (isOurs(row, record) ? freshToken(row) : undefined));
}

const isOurs = (row: DeviceCredentials, record: DeviceRecord): boolean => row.credentialsId === certificateId(record.certificate) && (row.version ?? null) === record.version;

/** ThingsBoard can't delete a credential: a token that nobody knows is what revokes a certificate. */
const freshToken = (row: DeviceCredentials): DeviceCredentials => ({ ...row, credentialsType: "ACCESS_TOKEN", credentialsId: randomBytes(15).toString("base64url"), credentialsValue: null });
