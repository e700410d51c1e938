// Puts back the certificate that a renewal has replaced, when the new one turns out to be refused.

import type { DeviceId } from "../thingsboard/model";
import { isApiError, type ThingsBoard } from "../thingsboard";
import { readLeaf } from "../x509/leaf";

export interface Rollback {
    readonly deviceId: DeviceId;
    /** The certificate that was refused: only in its place is anything put. */
    readonly from: string;
    readonly toPem: string;
}

const attempts = 5;

/** @returns whether the device has its previous certificate again */
export async function rollBack(thingsboard: ThingsBoard, { deviceId, from, toPem }: Rollback): Promise<boolean> {
    const leaf = readLeaf(toPem);
    for (let attempt = 1; ; attempt++) {
        const row = await thingsboard.credentials(deviceId);
        if (row?.credentialsId !== from) return false;
        try {
            await thingsboard.saveCredentials({ ...row, credentialsType: "X509_CERTIFICATE", credentialsId: leaf.credentialsId, credentialsValue: leaf.base64Der });
            return true;
        } catch (error) {
            if (!isApiError(error, "versionConflict") || attempt === attempts) throw error;
        }
    }
}
