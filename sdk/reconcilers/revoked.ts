// Certificates that were revoked, remembered where every stack and every machine finds them: on the device itself.

import type { DeviceId } from "../thingsboard/model";
import type { ThingsBoard } from "../thingsboard";
import { UserError } from "../userError";

/** Server attribute of the device: `{ "<credentialsId>": "<when, ISO 8601>" }`. */
export const revokedAttribute = "pulumiRevoked";

export type Revoked = Readonly<Record<string, string>>;

export function revokedIn(value: unknown): Revoked {
    if (typeof value !== "object" || value === null) return {};
    return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

export async function revokedOf(thingsboard: ThingsBoard, deviceId: DeviceId): Promise<Revoked> {
    const found = await thingsboard.attributes(deviceId, "SERVER_SCOPE", [revokedAttribute]);
    return revokedIn(found?.find(({ key }) => key === revokedAttribute)?.value);
}

export const revokedSentence = (deviceName: string, on: string): string =>
    `device "${deviceName}": this certificate was revoked on ${on} and is never bound again: issue a new key and certificate`;

/** @throws RevokedError if the certificate is among the revoked ones. */
export function refuseRevoked(revoked: Revoked, deviceName: string, credentialsId: string): void {
    const on = revoked[credentialsId];
    if (on !== undefined) throw new RevokedError(revokedSentence(deviceName, on), on);
}

/** No later try gets further with the same certificate. */
export class RevokedError extends UserError {
    constructor(
        message: string,
        /** When it was revoked (ISO 8601). */
        readonly on: string,
    ) {
        super(message);
    }
}
