// How the devices of a batch differ from what we left.

import type { Device, DeviceCredentials } from "../../thingsboard/model";
import { certificateId } from "../../x509/leaf";
import { sameJson } from "../reconciler";
import type { Server } from "../server";
import type { DeviceDetails, DeviceName, DeviceRecord, FleetBatchState } from "./batch";
import { about } from "./context";
import { own } from "./plan";

/** @returns by device, in words */
export async function observe(server: Server, state: FleetBatchState, each: <Result>(run: () => Promise<Result>) => Promise<Result>): Promise<Readonly<Record<DeviceName, string>>> {
    const names = Object.keys(state.devices);
    const found = await devicesOf(server, Object.values(state.devices));
    const looked = await Promise.all(names.map(async name => [name, await each(() => differences(server, state, name, found.get(state.devices[name]!.id)))] as const));
    return Object.fromEntries(looked.flatMap(([name, found]) => (found.length === 0 ? [] : [[name, found.join(", ")]])));
}

/** By id; those that are gone are left out. */
export async function devicesOf(server: Server, records: readonly DeviceRecord[]): Promise<ReadonlyMap<string, Device>> {
    const found = await server.thingsboard.devicesByIds(records.map(({ id }) => id));
    return new Map(found.map(device => [device.id.id, device]));
}

async function differences(server: Server, state: FleetBatchState, name: DeviceName, device: Device | undefined): Promise<string[]> {
    const record = state.devices[name]!;
    const thingsboard = about({ server, inputs: state }, name);
    const row = device && (await thingsboard.credentials(record.id));
    if (!row) return ["was deleted"];
    const details = own(state.details, name);
    const keys = Object.keys(details?.attributes ?? {});
    const attributes = keys.length === 0 ? [] : ((await thingsboard.attributes(record.id, "SERVER_SCOPE", keys)) ?? []);
    return [
        ...credentialDifference(row, record),
        ...deviceDifferences(device, name, details, state.settings.deviceProfile),
        ...attributeDifferences(Object.fromEntries(attributes.map(({ key, value }) => [key, value])), details),
    ];
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
