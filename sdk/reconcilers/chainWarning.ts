// Says where a binding protects less than it seems to: in a profile under which devices enrol by their chain.

import { isApiError, type ThingsBoard } from "../thingsboard";
import type { Device, DeviceProfileId } from "../thingsboard/model";

/** One question for each profile and run. */
const asked = new Map<DeviceProfileId, Promise<string | undefined>>();

export async function warnOfChain(thingsboard: ThingsBoard, device: Device, warn: (text: string) => void): Promise<void> {
    const id = device.deviceProfileId?.id;
    if (id === undefined) return;
    const warning = asked.get(id) ?? ask(thingsboard, id);
    asked.set(id, warning);
    const text = await warning;
    if (text !== undefined) warn(text);
}

/** What can't be asked goes without a warning: the binding itself is done. */
async function ask(thingsboard: ThingsBoard, id: DeviceProfileId): Promise<string | undefined> {
    try {
        const profile = await thingsboard.deviceProfile(id);
        if (profile?.provisionType !== "X509_CERTIFICATE_CHAIN") return undefined;
        return (
            `device profile "${profile.name}" has the X.509 chain strategy: whoever holds a key of its authority can take over any device in it, ` +
            "whatever is bound here, and releasing a certificate later shuts nobody out; keep directly bound devices in a profile without it"
        );
    } catch (error) {
        if (isApiError(error)) return undefined;
        throw error;
    }
}
