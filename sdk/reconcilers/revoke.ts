// Revokes a device's certificate at once, without a deployment, and so that no later deployment binds it again.

import type { Device, DeviceProfile } from "../thingsboard/model";
import { isApiError, type ThingsBoard } from "../thingsboard";
import { UserError } from "../userError";
import { freshToken } from "./credentialRow";
import { deviceNamed } from "./deviceNamed";
import { type Revoked, revocationOf, revokedAttribute, revokedOf } from "./revoked";
import { serverTime } from "./serverTime";

export interface Revocation {
    readonly deviceName: string;
    readonly deviceId: string;
    /** The certificate that was revoked: ThingsBoard's `credentialsId` of it. */
    readonly credentialsId: string;
    /** When, by the server's clock (ISO 8601). */
    readonly at: string;
    /** False: the device is released, but nothing stops a later deployment. */
    readonly recorded: boolean;
    /** `unknown`: it could not be looked at. */
    readonly session: "none" | "closed" | "open" | "unknown";
    /** What the device holds in the end is a certificate again: it has enrolled anew. */
    readonly boundAgain: boolean;
    /** The device's profile, where it lets devices enrol by their chain. */
    readonly chainProfile?: string;
    /** What could not be looked at once the certificate was released, and why. */
    readonly unseen: readonly { readonly what: "session" | "chainProfile" | "boundAgain"; readonly why: string }[];
}

export interface Pace {
    now(): number;
    sleep(milliseconds: number): Promise<void>;
}

const attempts = 5;
/** ThingsBoard closes a session within about a second, and under load one that it registered late not at all. */
const rounds = 3;
const looks = 12;
const lookEveryMs = 500;
/** So many looks without an open session are believed: one that is registered late shows by then. */
const calm = 5;

/** @param asked name or id of the device @throws UserError if there is nothing to revoke, or the device could not be released */
export async function revoke(thingsboard: ThingsBoard, asked: string, { now, sleep }: Pace): Promise<Revocation> {
    const client = thingsboard.about(`device "${asked}"`);
    const device = await deviceNamed(client, asked);
    if (!device) throw new UserError(`device "${asked}": ThingsBoard has no device of this name or id, and nothing was changed`);
    const { name } = device;
    const id = device.id.id;
    const row = await client.credentials(id);
    if (!row || row.credentialsType !== "X509_CERTIFICATE") {
        throw new UserError(`device "${name}" holds no certificate, but credentials of type ${row?.credentialsType ?? "none"}: there is nothing to revoke, and nothing was changed`);
    }
    const { credentialsId } = row;
    const at = new Date(now() + Math.round(client.clockSkewMs() ?? 0)).toISOString();
    // Side by side: the release must not wait for a note that fails, and once the device is released nothing on the server
    // tells which certificate it had.
    const noted = record(client, id, revocationOf(credentialsId, row.credentialsValue, at)).then(() => true, (error: unknown) => (isApiError(error) ? false : Promise.reject(error as Error)));
    const [recorded] = await Promise.all([noted, release(client, id, credentialsId)]);
    // From here on nothing that fails may look as if nothing had been done.
    const unseen: { what: Revocation["unseen"][number]["what"]; why: string }[] = [];
    const seen = <Seen>(what: (typeof unseen)[number]["what"], look: Promise<Seen>): Promise<Seen | undefined> =>
        look.catch((error: unknown) => {
            if (!isApiError(error)) throw error;
            unseen.push({ what, why: error.message });
            return undefined;
        });
    const session = (await seen("session", endSession(client, id, sleep))) ?? "unknown";
    const last = await seen("boundAgain", client.credentials(id));
    const profile = device.deviceProfileId ? await seen("chainProfile", client.deviceProfile(device.deviceProfileId.id)) : undefined;
    return { deviceName: name, deviceId: id, credentialsId, at, recorded, session, boundAgain: last?.credentialsType === "X509_CERTIFICATE", ...chainProfile(profile), unseen };
}

const chainProfile = (profile: DeviceProfile | undefined) => (profile?.provisionType === "X509_CERTIFICATE_CHAIN" ? { chainProfile: profile.name } : {});

async function record(client: ThingsBoard, id: Device["id"]["id"], revocation: Revoked): Promise<void> {
    await client.saveAttributes(id, { [revokedAttribute]: { ...(await revokedOf(client, id)), ...revocation } });
}

/** A random token that nobody knows takes the certificate's place. Decides anew if someone else was faster. */
async function release(client: ThingsBoard, id: string, credentialsId: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
        const row = await client.credentials(id);
        if (!row || (row.credentialsType === "X509_CERTIFICATE" && row.credentialsId !== credentialsId)) {
            throw new UserError(`device "${(await client.deviceById(id))?.name ?? id}" got another certificate at this moment: run the command again if that one is to be revoked too`);
        }
        if (row.credentialsType !== "X509_CERTIFICATE") return;
        try {
            await client.saveCredentials(freshToken(row));
            return;
        } catch (error) {
            if (!isApiError(error, "versionConflict") || attempt === attempts) throw error;
        }
    }
}

/** Looks whether the device's session is over, and changes the token once more if it is not: that reaches one that was registered late. */
async function endSession(client: ThingsBoard, id: string, sleep: Pace["sleep"]): Promise<Revocation["session"]> {
    for (let round = 1; ; round++) {
        for (let look = 0, without = 0; look < looks; look++) {
            const { connected, disconnected } = await times(client, id);
            without = connected > disconnected ? 0 : without + 1;
            if (without === calm) return connected === 0 ? "none" : "closed";
            await sleep(lookEveryMs);
        }
        if (round === rounds) return "open";
        const row = await client.credentials(id);
        if (row && row.credentialsType === "ACCESS_TOKEN") await client.saveCredentials(freshToken(row));
    }
}

async function times(client: ThingsBoard, id: string): Promise<{ connected: number; disconnected: number }> {
    const found = await client.attributes(id, "SERVER_SCOPE", ["lastConnectTime", "lastDisconnectTime"]);
    return { connected: serverTime(found, "lastConnectTime"), disconnected: serverTime(found, "lastDisconnectTime") };
}
