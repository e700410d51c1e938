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

/** @returns whether the device has its previous certificate again; one that was revoked it never has */
export async function rollBack(thingsboard: ThingsBoard, { deviceId, from, toPem }: Rollback): Promise<boolean> {
    const { credentialsId, base64Der } = readLeaf(toPem);
    const saved = await saveRow(thingsboard, deviceId, async row => {
        if (row.credentialsId !== from) return undefined;
        // It may be why there is a new one.
        const revoked = await revokedOf(thingsboard, deviceId);
        if (isRevoked(revoked, base64Der)) return undefined;
        return { ...row, credentialsType: "X509_CERTIFICATE", credentialsId, credentialsValue: base64Der };
    });
    return saved !== undefined;
}
