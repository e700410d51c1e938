// Puts back the certificate that a renewal has replaced, when the new one turns out to be refused.

import type { DeviceId } from "../thingsboard/model";
import type { ThingsBoard } from "../thingsboard";
import { readLeaf } from "../x509/leaf";
import { isRevoked, revokedOf } from "./revoked";
import { saveRow } from "./save";

export interface Rollback {
    readonly deviceId: DeviceId;
    /** The certificate that was refused: only in its place is anything put. */
    readonly from: string;
    readonly toPem: string;
}

/**
 * `"bound"`: the device has its previous certificate again; `"revoked"`: that one was revoked and is never bound again;
 * `"changed"`: the device holds neither of the two by now, and is left alone.
 */
export type RolledBack = "bound" | "revoked" | "changed";

export async function rollBack(thingsboard: ThingsBoard, { deviceId, from, toPem }: Rollback): Promise<RolledBack> {
    const { credentialsId, base64Der } = readLeaf(toPem);
    if (isRevoked(await revokedOf(thingsboard, deviceId), base64Der)) return "revoked";
    const saved = await saveRow(thingsboard, deviceId, row =>
        row.credentialsId === from ? { ...row, credentialsType: "X509_CERTIFICATE", credentialsId, credentialsValue: base64Der } : undefined,
    );
    return saved === undefined ? "changed" : "bound";
}
