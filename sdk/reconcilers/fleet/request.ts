// The request of a device that keeps its key.

import { UserError } from "../../userError";
import { commonNameOf } from "../../x509/issue";
import { toPem } from "../../x509/leaf";
import { checkRequest } from "../../x509/request";
import type { Base64, DeviceName } from "./batch";

/**
 * @param csr base64 of the DER, or text that is perhaps none
 * @returns the public key that is to be certified (SubjectPublicKeyInfo, DER)
 * @throws UserError that names the device
 */
export async function verifiedKey(name: DeviceName, csr: Base64): Promise<Buffer> {
    try {
        return await checkRequest(csr.startsWith("M") ? toPem(csr, "CERTIFICATE REQUEST") : csr, { CN: commonNameOf(name) });
    } catch (error) {
        throw error instanceof UserError ? new UserError(`device "${name}": csrPem: ${error.message}`) : error;
    }
}
