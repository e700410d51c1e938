// Devices and their credentials.

import type { Call, Calls } from "./calls";
import { createOnce, saveOnce } from "./lost";
import type { Device, DeviceCredentials, DeviceId, DeviceInfo, NewCredentials, NewDevice } from "./model";
import { part, query, sameJson } from "./path";
import type { ThingsBoard } from "./thingsboard";

type Devices = Pick<
    ThingsBoard,
    | "deviceById"
    | "deviceInfo"
    | "deviceByName"
    | "devicesByIds"
    | "createDevice"
    | "createDeviceWithCredentials"
    | "saveDevice"
    | "deleteDevice"
    | "credentials"
    | "saveCredentials"
>;

/** In one request; the address of a request has to stay below 8 KiB. */
const idsPerCall = 100;

export function devices(calls: Calls): Devices {
    return {
        deviceById,
        deviceByName,
        credentials,

        deviceInfo: id => calls.find<DeviceInfo>({ ...reading(`device ${id}`), path: `/api/device/info/${part(id)}` }),

        async devicesByIds(ids) {
            const found: Device[] = [];
            for (let start = 0; start < ids.length; start += idsPerCall) {
                const deviceIds = ids.slice(start, start + idsPerCall);
                const call: Call = {
                    method: "GET",
                    path: `/api/devices${query({ deviceIds: deviceIds.join(",") })}`,
                    subject: "devices",
                    complaint: "cannot read the devices",
                    repeating: "safe",
                    answer: "devices",
                };
                found.push(...(await calls.make<Device[]>(call)));
            }
            return found;
        },

        createDevice: (device, isOurs) => create(device.name, "/api/device", device, isOurs),

        createDeviceWithCredentials: (device, credentials, isOurs) =>
            create(device.name, "/api/device-with-credentials", { device, credentials }, isOurs),

        saveDevice: device =>
            saveOnce(
                device,
                () =>
                    calls.make<Device>({
                        method: "POST",
                        path: "/api/device",
                        body: device,
                        subject: `device "${device.name}"`,
                        complaint: "cannot change the device",
                        repeating: "unsafe",
                        answer: "device",
                    }),
                () => deviceById(device.id.id),
                found => sameDevice(found, device),
                calls,
            ),

        deleteDevice: id =>
            calls.dispose({
                method: "DELETE",
                path: `/api/device/${part(id)}`,
                subject: `device ${id}`,
                complaint: "cannot delete the device",
                repeating: "safe",
                answer: "nothing",
            }),

        saveCredentials: row =>
            saveOnce(
                row,
                () =>
                    calls.make<DeviceCredentials>({
                        method: "POST",
                        path: "/api/device/credentials",
                        body: row,
                        subject: `device ${row.deviceId.id}`,
                        complaint: row.credentialsType === "X509_CERTIFICATE" ? "cannot bind the certificate" : "cannot replace the credentials",
                        repeating: "unsafe",
                        answer: "credentials",
                    }),
                () => credentials(row.deviceId.id),
                found => sameCredentials(found, row),
                calls,
            ),
    };

    function deviceById(id: DeviceId): Promise<Device | undefined> {
        return calls.find({ ...reading(`device ${id}`), path: `/api/device/${part(id)}` });
    }

    /** `/api/tenant/device`, its newer name, is there only since 4.3.1.2. */
    function deviceByName(name: string): Promise<Device | undefined> {
        return calls.find({ ...reading(`device "${name}"`), path: `/api/tenant/devices${query({ deviceName: name })}` });
    }

    function credentials(deviceId: DeviceId): Promise<DeviceCredentials | undefined> {
        const path = `/api/device/${part(deviceId)}/credentials`;
        return calls.find({ path, subject: `device ${deviceId}`, complaint: "cannot read the credentials", answer: "credentials" });
    }

    function create(name: string, path: string, body: NewDevice | { device: NewDevice; credentials: NewCredentials }, isOurs: (found: Device) => boolean) {
        const call: Call = {
            method: "POST",
            path,
            body,
            subject: `device "${name}"`,
            complaint: "cannot create the device",
            repeating: "unsafe",
            answer: "device",
        };
        return createOnce(() => calls.make<Device>(call), () => deviceByName(name), isOurs, calls);
    }
}

function reading(subject: string): Pick<Call, "subject" | "complaint" | "answer"> {
    return { subject, complaint: "cannot read the device", answer: "device" };
}

function sameDevice(found: Device, sent: Device): boolean {
    return (["name", "label", "deviceProfileId", "customerId", "additionalInfo"] as const).every(
        field => sent[field] === undefined || sameJson(found[field] ?? null, sent[field] ?? null),
    );
}

/** The id of a certificate is the server's to compute, and the value comes back without its markers and line breaks. */
function sameCredentials(found: DeviceCredentials, sent: DeviceCredentials): boolean {
    if (found.credentialsType !== sent.credentialsType) return false;
    if (found.credentialsType !== "X509_CERTIFICATE") return found.credentialsId === sent.credentialsId;
    return bareValue(found) === bareValue(sent);
}

function bareValue({ credentialsValue }: DeviceCredentials): string {
    return (credentialsValue ?? "").replace(/-----(BEGIN|END) CERTIFICATE-----|[\r\n]/g, "");
}
