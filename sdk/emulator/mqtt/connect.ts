// Who a client is, from its certificate or from what it says in CONNECT.
import type { X509Certificate } from "node:crypto";
import type { IConnectPacket } from "mqtt-packet";
import { basicCredentialsId, parseBasic } from "../platform/credentials";
import type { Credentials, Device } from "../platform/entities";
import { sha3 } from "../platform/ids";
import type { Platform } from "../platform/platform";
import { CODES } from "./codes";

export type Identity =
    | { readonly is: "device"; readonly device: Device }
    | { readonly is: "provisioning" }
    | { readonly is: "refused"; readonly code: number };

const refused = (code: number): Identity => ({ is: "refused", code });
const PROVISION = "provision";

export function identify(platform: Platform, packet: IConnectPacket, leaf: X509Certificate | undefined): Identity {
    const { clientId, username } = packet;
    // the reserved name wins over any certificate
    if (clientId === PROVISION || username === PROVISION) return { is: "provisioning" };
    // a certificate wins over user name and password
    return leaf ? byCertificate(platform, leaf) : byName(platform, packet);
}

function byCertificate(platform: Platform, leaf: X509Certificate): Identity {
    const now = platform.now();
    if (now < Date.parse(leaf.validFrom) || now > Date.parse(leaf.validTo)) return refused(CODES.notAuthorized);
    const row = platform.store.credentials.find("credentialsId", sha3(leaf.raw.toString("base64")));
    return row?.credentialsType === "X509_CERTIFICATE" ? ofRow(platform, row) : refused(CODES.notAuthorized);
}

function byName(platform: Platform, packet: IConnectPacket): Identity {
    const { clientId, username, password } = packet;
    const row = username ? byUserName(platform, clientId, username, password) : basic(platform, sha3(clientId), password);
    if (row) return ofRow(platform, row);
    // what the refusal is called depends on what was said, not on what was wrong
    if (username !== undefined) return refused(CODES.badUserNameOrPassword);
    return refused(clientId.trim() !== "" ? CODES.invalidClientId : CODES.notAuthorized);
}

function byUserName(platform: Platform, clientId: string, username: string, password: Buffer | undefined): Credentials | undefined {
    const named = basic(platform, basicCredentialsId(clientId, username), password) ?? basic(platform, sha3(username), password);
    if (named) return named;
    const token = platform.store.credentials.find("credentialsId", username);
    return token?.credentialsType === "ACCESS_TOKEN" ? token : undefined;
}

function basic(platform: Platform, credentialsId: string, password: Buffer | undefined): Credentials | undefined {
    const row = platform.store.credentials.find("credentialsId", credentialsId);
    if (row?.credentialsType !== "MQTT_BASIC") return undefined;
    const wanted = parseBasic(row.credentialsValue)?.password;
    return !wanted || wanted === password?.toString() ? row : undefined;
}

function ofRow(platform: Platform, row: Credentials): Identity {
    const device = platform.store.devices.get(row.deviceId);
    if (!device) return refused(CODES.notAuthorized);
    const transport = platform.store.deviceProfiles.get(device.deviceProfileId)?.transportType;
    // "Device profile has different transport type"
    return transport === "DEFAULT" || transport === "MQTT" ? { is: "device", device } : refused(CODES.serverUnavailable);
}
