// Credentials: one row a device, four types, and nothing of what is stored is validated.
import type { Credentials, CredentialsType } from "./entities";
import { badRequest, changedBySomeoneElse, general, type PlatformError } from "./errors";
import { newId, randomAlphanumeric, sha3, trimCertificate, type Uuid } from "./ids";
import { isObject, type Json } from "./json";
import { since, type Platform } from "./platform";

export interface CredentialsRequest {
    readonly id?: Uuid;
    readonly credentialsType: CredentialsType | null;
    readonly credentialsId: string | null;
    readonly credentialsValue: string | null;
    readonly version: number | null;
}

export const accessToken = (token = randomAlphanumeric(20)): CredentialsRequest => ({
    credentialsType: "ACCESS_TOKEN",
    credentialsId: token,
    credentialsValue: null,
    version: null,
});

const taken = (): PlatformError => badRequest("Device credentials are already assigned to another device!");

/** The row of a new device. */
export function newCredentials(platform: Platform, deviceId: Uuid, request: CredentialsRequest): Credentials {
    const formatted = format(request);
    if (platform.store.credentials.find("credentialsId", formatted.credentialsId)) throw taken();
    return { id: newId(), createdTime: platform.now(), deviceId, ...formatted, version: 1 };
}

/** What an update would make of the row; nothing is written yet. */
export function changedCredentials(platform: Platform, deviceId: Uuid, request: CredentialsRequest): Credentials {
    const { store } = platform;
    const formatted = format(request);
    const holder = store.credentials.find("credentialsId", formatted.credentialsId);
    if (request.id === undefined) {
        if (store.credentials.find("deviceId", deviceId)) throw badRequest("Credentials for this device are already specified!");
        return newCredentials(platform, deviceId, request);
    }
    const row = store.credentials.get(request.id);
    if (!row) throw badRequest("Unable to update non-existent device credentials!");
    if (holder && holder.id !== row.id) throw taken();
    if (since(platform, "3.8") && request.version !== null && request.version !== row.version) throw changedBySomeoneElse("Entity");
    // the row of another device: the database has one row a device
    if (row.deviceId !== deviceId) throw badRequest("Specified credentials are already registered!");
    return { ...row, ...formatted, version: row.version + 1 };
}

/** Writes the row. Live sessions hear of it only if something changed in it: posting the same again is harmless. */
export function writeCredentials(platform: Platform, row: Credentials): void {
    const old = platform.store.credentials.get(row.id);
    platform.store.credentials.put(row);
    const changed = (["credentialsType", "credentialsId", "credentialsValue"] as const).some((key) => old?.[key] !== row[key]);
    if (changed) for (const listener of platform.listeners) listener.credentialsChanged?.(row.deviceId);
}

type Formatted = Pick<Credentials, "credentialsType" | "credentialsId" | "credentialsValue">;

function format(request: CredentialsRequest): Formatted {
    const { credentialsType, credentialsValue } = request;
    switch (credentialsType) {
        case null:
            throw badRequest("Device credentials type should be specified");
        case "X509_CERTIFICATE":
            // any text will do; an id that was sent is ignored
            if (credentialsValue === null) throw general('Cannot invoke "String.replaceAll(String, String)" because "input" is null');
            return { credentialsType, credentialsId: sha3(trimCertificate(credentialsValue)), credentialsValue: trimCertificate(credentialsValue) };
        case "MQTT_BASIC":
            return basic(credentialsValue);
        case "LWM2M_CREDENTIALS":
            return lwm2m(credentialsValue);
        case "ACCESS_TOKEN":
            // a value that was left there stays there
            if (!request.credentialsId) throw badRequest("Device credentials id should be specified!");
            return { credentialsType, credentialsId: request.credentialsId, credentialsValue };
    }
}

export interface BasicCredentials {
    readonly clientId: string | null;
    readonly userName: string | null;
    readonly password: string | null;
}

export function parseBasic(value: string | null): BasicCredentials | undefined {
    const body = parse(value);
    if (!isObject(body)) return undefined;
    const field = (name: string): string | null => {
        const given = body[name] ?? null;
        return given === null || typeof given === "string" ? given : JSON.stringify(given);
    };
    return { clientId: field("clientId"), userName: field("userName"), password: field("password") };
}

/** SHA3-256 of "clientId|userName", or of the one that is there. */
export const basicCredentialsId = (clientId: string | null, userName: string | null): string => sha3([clientId, userName].filter(Boolean).join("|"));

function basic(value: string | null): Formatted {
    const credentials = parseBasic(value);
    if (!credentials) throw badRequest("Invalid credentials body for simple mqtt credentials!");
    const { clientId, userName, password } = credentials;
    if (!clientId && !userName) throw badRequest("Both mqtt client id and user name are empty!");
    if (clientId && password && !userName) throw badRequest("Password cannot be specified along with client id");
    return { credentialsType: "MQTT_BASIC", credentialsId: basicCredentialsId(clientId, userName), credentialsValue: JSON.stringify(credentials) };
}

function lwm2m(value: string | null): Formatted {
    const body = parse(value);
    const client = isObject(body) ? body["client"] : undefined;
    if (!isObject(body) || !isObject(client)) throw badRequest("Invalid credentials body for LwM2M credentials!");
    const [mode, endpoint, identity] = [client["securityConfigClientMode"], client["endpoint"], client["identity"]];
    if (typeof endpoint !== "string" || endpoint === "") throw badRequest("LwM2M client endpoint must be specified!");
    const credentialsId = mode === "PSK" && typeof identity === "string" && identity !== "" ? identity : endpoint;
    return { credentialsType: "LWM2M_CREDENTIALS", credentialsId, credentialsValue: JSON.stringify(body) };
}

function parse(value: string | null): Json | undefined {
    if (value === null) return undefined;
    try {
        return JSON.parse(value) as Json;
    } catch {
        return undefined;
    }
}
