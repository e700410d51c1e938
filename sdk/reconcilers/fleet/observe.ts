// How the devices of a batch differ from what we left.

import type { Device, DeviceCredentials } from "../../thingsboard/model";
import { certificateId } from "../../x509/leaf";
import { sameJson } from "../reconciler";
import type { Server } from "../server";
import type { DeviceDetails, DeviceName, DeviceRecord, FleetBatchState } from "./batch";
import { about } from "./context";
import { own } from "./plan";

export interface Observation {
    readonly drift: Readonly<Record<DeviceName, string>>;
    /** With the versions of rows that were saved again by somebody, with our certificate in them: still our binding. */
    readonly devices: Readonly<Record<DeviceName, DeviceRecord>>;
}

export async function observe(server: Server, state: FleetBatchState, each: <Result>(run: () => Promise<Result>) => Promise<Result>): Promise<Observation> {
    const names = Object.keys(state.devices);
    const found = await devicesOf(server, Object.values(state.devices));
    const looked = await Promise.all(names.map(name => each(() => look(server, state, name, found.get(state.devices[name]!.id)))));
    const drift = looked.flatMap(({ name, differs }) => (differs === undefined ? [] : [[name, differs] as const]));
    return { drift: Object.fromEntries(drift), devices: Object.fromEntries(looked.map(({ name, record }) => [name, record])) };
}

/** By id; those that are gone are left out. */
export async function devicesOf(server: Server, records: readonly DeviceRecord[]): Promise<ReadonlyMap<string, Device>> {
    const found = await server.thingsboard.devicesByIds(records.map(({ id }) => id));
    return new Map(found.map(device => [device.id.id, device]));
}

async function look(server: Server, state: FleetBatchState, name: DeviceName, device: Device | undefined) {
    const record = state.devices[name]!;
    if (!device) return { name, record, differs: "was deleted" };
    const thingsboard = about({ server }, name);
    const row = await thingsboard.credentials(record.id);
    if (!row) return { name, record, differs: "was deleted" };
    const details = own(state.details, name);
    const keys = Object.keys(details?.attributes ?? {});
    const attributes = keys.length === 0 ? [] : ((await thingsboard.attributes(record.id, "SERVER_SCOPE", keys)) ?? []);
    const differences = [
        ...credentialDifference(row, record),
        ...deviceDifferences(device, name, details, state.settings.deviceProfile),
        ...attributeDifferences(Object.fromEntries(attributes.map(({ key, value }) => [key, value])), details),
    ];
    const kept = row.credentialsId === certificateId(record.certificate) ? { ...record, version: row.version ?? null } : record;
    return { name, record: kept, ...(differences.length === 0 ? {} : { differs: differences.join(", ") }) };
}

function credentialDifference(row: DeviceCredentials, record: DeviceRecord): string[] {
    if (row.credentialsId === certificateId(record.certificate)) return [];
    return [row.credentialsType === "X509_CERTIFICATE" ? `holds another certificate (credentialsId ${row.credentialsId})` : `holds ${others[row.credentialsType]}`];
}

const others = { ACCESS_TOKEN: "an access token", MQTT_BASIC: "MQTT basic credentials", LWM2M_CREDENTIALS: "LwM2M credentials" } as const;

function deviceDifferences(device: Device, name: DeviceName, details: DeviceDetails | undefined, deviceProfile: string | undefined): string[] {
    return [
        ...(device.name === name ? [] : [`is called ${JSON.stringify(device.name)}`]),
        ...(details?.label === undefined || device.label === details.label ? [] : [`has label ${JSON.stringify(device.label ?? "")}`]),
        ...(deviceProfile === undefined || device.type === deviceProfile ? [] : [`has device profile ${JSON.stringify(device.type ?? "")}`]),
    ];
}

/** Named, not shown: a value may be a secret. */
function attributeDifferences(found: Readonly<Record<string, unknown>>, details: DeviceDetails | undefined): string[] {
    return Object.entries(details?.attributes ?? {}).flatMap(([key, value]) => (sameJson(found[key], value) ? [] : [`has another value in attribute ${JSON.stringify(key)}`]));
}
