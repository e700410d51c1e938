// The request of a device that keeps its key.

import { UserError } from "../../userError";
import { commonNameOf } from "../../x509/issue";
import { toPem } from "../../x509/leaf";
import { checkRequest } from "../../x509/request";
import type { Base64, DeviceName } from "./batch";

/** By device and request: what `check` has looked at is signed by the same process, and half a millisecond each is seconds for a fleet. */
const verified = new Map<string, Buffer>();

/**
 * @param csr base64 of the DER, or text that is perhaps none
 * @returns the public key that is to be certified (SubjectPublicKeyInfo, DER)
 * @throws UserError that names the device
 */
export async function verifiedKey(name: DeviceName, csr: Base64): Promise<Buffer> {
    const known = verified.get(`${name} ${csr}`);
    if (known) return known;
    try {
        const key = await checkRequest(csr.startsWith("M") ? toPem(csr, "CERTIFICATE REQUEST") : csr, { CN: commonNameOf(name) });
        verified.set(`${name} ${csr}`, key);
        return key;
    } catch (error) {
        throw error instanceof UserError ? new UserError(`device "${name}": csrPem: ${error.message}`) : error;
    }
}
