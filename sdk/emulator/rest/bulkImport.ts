// Import of devices from a CSV text: one call, found or created by name, the answer says how many and no ids.
import { accessToken, changedCredentials, writeCredentials, type CredentialsRequest } from "../platform/credentials";
import { changedDevice, createDevice, type DeviceRequest } from "../platform/devices";
import { badRequest, PlatformError } from "../platform/errors";
import type { Scope } from "../platform/keyValues";
import { isObject, object, string, boolean, type JsonObject } from "../platform/json";
import type { Platform } from "../platform/platform";
import { inTenant } from "../platform/store";
import { at, attributeFromRest } from "../platform/values";
import type { Routes } from "./app";
import { requireTenantAdmin } from "./auth";
import { json, jsonBody } from "./http";

interface Column {
    readonly type: string;
    readonly key: string | null;
}

export function importRoutes({ route }: Routes): void {
    route("POST", "/api/device/bulk_import", (x) => {
        const body = jsonBody(x, "org.thingsboard.server.common.data.sync.ie.importing.csv.BulkImportRequest");
        const { tenantId } = requireTenantAdmin(x.caller);
        const [file, mapping] = [string(body["file"]), object(body["mapping"], "Mapping")];
        const columns = Array.isArray(mapping?.["columns"]) ? mapping["columns"].filter(isObject).map(column) : [];
        if (file === null || !mapping || columns.length === 0) throw badRequest("Validation error: file and mapping must not be empty");
        const delimiter = string(mapping["delimiter"]) ?? ",";
        const records = parseCsv(file, delimiter.slice(0, 1) || ",").slice(boolean(mapping["header"]) ? 1 : 0);
        const first = boolean(mapping["header"]) ? 2 : 1;
        const result = { created: 0, updated: 0, errors: 0, errorsList: [] as string[] };
        records.forEach((record, i) => {
            try {
                result[importLine(x.platform, tenantId, columns, record, boolean(mapping["update"]))]++;
            } catch (error) {
                if (!(error instanceof PlatformError)) throw error;
                result.errors++;
                result.errorsList.push(`Line ${first + i}: ${error.text ?? ""}`);
            }
        });
        return json(result);
    });
}

const column = (body: JsonObject): Column => ({ type: string(body["type"]) ?? "", key: string(body["key"]) });

function importLine(platform: Platform, tenantId: string, columns: readonly Column[], record: readonly string[], update: boolean): "created" | "updated" {
    const cell = (type: string): string | null => {
        const i = columns.findIndex((candidate) => candidate.type === type);
        return i < 0 || !record[i] ? null : (record[i] ?? null);
    };
    const name = cell("NAME");
    const old = name === null ? undefined : platform.store.devices.find("name", inTenant({ tenantId }, name));
    if (old && !update) throw badRequest("Device with such name already exists!");
    const description = cell("DESCRIPTION");
    const isGateway = cell("IS_GATEWAY");
    const kept = isObject(old?.additionalInfo) ? old.additionalInfo : {};
    const additionalInfo = {
        ...kept,
        ...(description !== null ? { description } : {}),
        ...(isGateway !== null ? { gateway: isGateway.toLowerCase() === "true" } : {}),
    };
    const request: DeviceRequest = {
        ...(old ? { id: old.id, customerId: old.customerId } : {}),
        name,
        type: cell("TYPE") ?? old?.type ?? null,
        label: cell("LABEL") ?? old?.label ?? null,
        firmwareId: old?.firmwareId ?? null,
        softwareId: old?.softwareId ?? null,
        externalId: old?.externalId ?? null,
        additionalInfo: Object.keys(additionalInfo).length > 0 ? additionalInfo : null,
        configuration: old?.configuration ?? { type: "DEFAULT" },
        version: null,
    };
    const credentials = credentialsOf(cell);
    let deviceId: string;
    if (!old) deviceId = createDevice(platform, tenantId, request, credentials ?? accessToken()).id;
    else {
        deviceId = old.id;
        const device = changedDevice(platform, tenantId, old, request);
        const row = credentials && platform.store.credentials.find("deviceId", deviceId);
        const changed = credentials && changedCredentials(platform, deviceId, { ...credentials, ...(row ? { id: row.id } : {}) });
        platform.store.devices.put(device);
        if (changed) writeCredentials(platform, changed);
    }
    writeKeys(platform, deviceId, columns, record);
    return old ? "updated" : "created";
}

function credentialsOf(cell: (type: string) => string | null): CredentialsRequest | undefined {
    const [token, certificate] = [cell("ACCESS_TOKEN"), cell("X509")];
    if (certificate !== null) return { credentialsType: "X509_CERTIFICATE", credentialsId: null, credentialsValue: certificate, version: null };
    if (token !== null) return accessToken(token);
    const [clientId, userName, password] = [cell("MQTT_CLIENT_ID"), cell("MQTT_USER_NAME"), cell("MQTT_PASSWORD")];
    if (clientId === null && userName === null) return undefined;
    return { credentialsType: "MQTT_BASIC", credentialsId: null, credentialsValue: JSON.stringify({ clientId, userName, password }), version: null };
}

const SCOPE_OF: Record<string, Scope> = { SERVER_ATTRIBUTE: "SERVER_SCOPE", SHARED_ATTRIBUTE: "SHARED_SCOPE" };

function writeKeys(platform: Platform, deviceId: string, columns: readonly Column[], record: readonly string[]): void {
    columns.forEach(({ type, key }, i) => {
        const text = record[i];
        if (!key || !text) return;
        const value = at(attributeFromRest(scalar(text)), platform.now());
        const scope = SCOPE_OF[type];
        if (scope) platform.store.keyValues.setAttribute(deviceId, scope, key, value);
        else if (type === "TIMESERIES") platform.store.keyValues.addPoint(deviceId, key, value);
    });
}

const scalar = (text: string): unknown =>
    /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : /^(true|false)$/i.test(text) ? text.toLowerCase() === "true" : text;

/** RFC 4180: cells may be quoted, and then hold delimiters, line ends and doubled quotes. */
export function parseCsv(text: string, delimiter: string): string[][] {
    const records: string[][] = [];
    let record: string[] = [];
    let cell = "";
    let quoted = false;
    const endRecord = (): void => {
        if (record.length > 0 || cell !== "") records.push([...record, cell]);
        [record, cell] = [[], ""];
    };
    for (let i = 0; i < text.length; i++) {
        const char = text[i] ?? "";
        if (quoted) {
            if (char !== '"') cell += char;
            else if (text[i + 1] === '"') cell += text[++i];
            else quoted = false;
        } else if (char === '"' && cell === "") quoted = true;
        else if (char === delimiter) {
            record.push(cell);
            cell = "";
        } else if (char === "\n") endRecord();
        else if (char !== "\r") cell += char;
    }
    endRecord();
    return records;
}
