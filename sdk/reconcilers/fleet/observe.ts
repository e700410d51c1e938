// How the devices of a batch differ from what we left.

import type { Device, DeviceCredentials } from "../../thingsboard/model";
import { certificateId } from "../../x509/leaf";
import { sameJson } from "../reconciler";
import { revokedAttribute, revokedIn } from "../revoked";
import type { Server } from "../server";
import type { DeviceDetails, DeviceName, DeviceRecord, FleetBatchState } from "./batch";
import { about } from "./context";
import { own } from "./plan";

export interface Observed {
    /** By device, in words. */
    readonly drift: Readonly<Record<DeviceName, string>>;
    /** When our certificate was revoked by hand (ISO 8601): no drift, since it can't be put right. */
    readonly revoked: Readonly<Record<DeviceName, string>>;
}

export async function observe(server: Server, state: FleetBatchState, each: <Result>(run: () => Promise<Result>) => Promise<Result>): Promise<Observed> {
    const names = Object.keys(state.devices);
    const found = await devicesOf(server, Object.values(state.devices));
    const looked = await Promise.all(names.map(async name => [name, await each(() => differences(server, state, name, found.get(state.devices[name]!.id)))] as const));
    return {
        drift: Object.fromEntries(looked.flatMap(([name, { drift }]) => (drift.length === 0 ? [] : [[name, drift.join(", ")]]))),
        revoked: Object.fromEntries(looked.flatMap(([name, { revoked }]) => (revoked === undefined ? [] : [[name, revoked]]))),
    };
}

/** By id; those that are gone are left out. */
export async function devicesOf(server: Server, records: readonly DeviceRecord[]): Promise<ReadonlyMap<string, Device>> {
    const found = await server.thingsboard.devicesByIds(records.map(({ id }) => id));
    return new Map(found.map(device => [device.id.id, device]));
}

async function differences(server: Server, state: FleetBatchState, name: DeviceName, device: Device | undefined): Promise<{ drift: string[]; revoked?: string | undefined }> {
    const record = state.devices[name]!;
    const thingsboard = about({ server, inputs: state }, name);
    const row = device && (await thingsboard.credentials(record.id));
    if (!row) return { drift: ["was deleted"] };
    const details = own(state.details, name);
    const credentialsId = certificateId(record.certificate);
    const isBound = row.credentialsId === credentialsId;
    const keys = [...Object.keys(details?.attributes ?? {}), ...(isBound ? [] : [revokedAttribute])];
    const attributes = keys.length === 0 ? [] : ((await thingsboard.attributes(record.id, "SERVER_SCOPE", keys)) ?? []);
    const values: Record<string, unknown> = Object.fromEntries(attributes.map(({ key, value }) => [key, value]));
    const revoked = isBound ? undefined : revokedIn(values[revokedAttribute])[credentialsId];
    return {
        drift: [
            ...(isBound || revoked !== undefined ? [] : [holding(row)]),
            ...deviceDifferences(device, name, details, state.settings.deviceProfile),
            ...attributeDifferences(values, details),
        ],
        revoked,
    };
}

const holding = (row: DeviceCredentials): string =>
    row.credentialsType === "X509_CERTIFICATE" ? `holds another certificate (credentialsId ${row.credentialsId})` : `holds ${others[row.credentialsType]}`;

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
