// Certificates that were revoked, remembered where every stack and every machine finds them: on the device itself.

import type { DeviceId } from "../thingsboard/model";
import type { ThingsBoard } from "../thingsboard";
import { UserError } from "../userError";
import { certificateId, keyId } from "../x509/leaf";

/**
 * Server attribute of the device: `{ "<credentialsId>": "<when, ISO 8601>", "key:<keyId>": "<when>" }`. The key is noted
 * too: whoever stole it is no less dangerous with a new certificate for it, as a renewal that keeps the key makes one.
 */
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

/** What is noted of a certificate when it is revoked. */
export function revocationOf(credentialsId: string, base64Der: string | null, at: string): Revoked {
    const id = base64Der === null ? undefined : keyId(base64Der);
    return { [credentialsId]: at, ...(id === undefined ? {} : { [keyName(id)]: at }) };
}

export const keyName = (id: string): string => `key:${id}`;

export const revokedSentence = (deviceName: string, on: string): string =>
    `device "${deviceName}": this certificate was revoked on ${on} and is never bound again: issue a new key and certificate`;

export const revokedKeySentence = (deviceName: string, on: string): string =>
    `device "${deviceName}": the key of this certificate was revoked on ${on}, with an earlier certificate, and is never bound again: issue a certificate for a new key`;

/** The certificates alone, without their keys. */
export const revokedCertificates = (revoked: Revoked): [credentialsId: string, on: string][] => Object.entries(revoked).filter(([name]) => !name.startsWith(keyName("")));

/** When this certificate's key was revoked; undefined when it was not. */
export function keyRevokedOn(revoked: Revoked, base64Der: string): string | undefined {
    if (!Object.keys(revoked).some(name => name.startsWith(keyName("")))) return undefined;
    const id = keyId(base64Der);
    return id === undefined ? undefined : revoked[keyName(id)];
}

export const isRevoked = (revoked: Revoked, base64Der: string): boolean => revoked[certificateId(base64Der)] !== undefined || keyRevokedOn(revoked, base64Der) !== undefined;

/** @throws RevokedError if the certificate or its key is among the revoked ones. */
export function refuseRevoked(revoked: Revoked, deviceName: string, base64Der: string): void {
    const on = revoked[certificateId(base64Der)];
    if (on !== undefined) throw new RevokedError(revokedSentence(deviceName, on), on);
    const keyOn = keyRevokedOn(revoked, base64Der);
    if (keyOn !== undefined) throw new RevokedError(revokedKeySentence(deviceName, keyOn), keyOn);
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
