// Attributes and telemetry of a device.

import type { Call, Calls } from "./calls";
import type { Attribute, DeviceId, TelemetryValue } from "./model";
import { part, query } from "./path";
import type { ThingsBoard } from "./thingsboard";

type Values = Pick<ThingsBoard, "attributes" | "saveAttributes" | "deleteAttributes" | "latestTelemetry" | "deleteTelemetry">;

export function values(calls: Calls): Values {
    return {
        attributes: (deviceId, scope, keys) =>
            calls.find<Attribute[]>({
                path: `${plugin(deviceId)}/values/attributes/${scope}${query({ keys: keys?.join(",") })}`,
                subject: `device ${deviceId}`,
                complaint: "cannot read the attributes",
                answer: "attributes",
            }),

        // The same values once more are the same values.
        saveAttributes: (deviceId, attributes) =>
            calls.make({
                ...writing(deviceId, "cannot save the attributes"),
                method: "POST",
                path: `${plugin(deviceId)}/attributes/SERVER_SCOPE`,
                body: attributes,
            }),

        deleteAttributes: (deviceId, keys) =>
            calls.dispose({
                ...writing(deviceId, "cannot delete the attributes"),
                method: "DELETE",
                path: `${plugin(deviceId)}/SERVER_SCOPE${query({ keys: keys.join(",") })}`,
            }),

        latestTelemetry: async (deviceId, keys) => {
            const latest = await calls.find<Record<string, TelemetryValue[]>>({
                path: `${plugin(deviceId)}/values/timeseries${query({ keys: keys.join(",") })}`,
                subject: `device ${deviceId}`,
                complaint: "cannot read the telemetry",
                answer: "telemetry",
            });
            return latest && Object.fromEntries(Object.entries(latest).map(([key, [newest]]) => [key, newest]));
        },

        deleteTelemetry: (deviceId, keys) =>
            calls.dispose({
                ...writing(deviceId, "cannot delete the telemetry"),
                method: "DELETE",
                path: `${plugin(deviceId)}/timeseries/delete${query({ keys: keys.join(","), deleteAllDataForKeys: "true" })}`,
            }),
    };
}

function plugin(deviceId: DeviceId): string {
    return `/api/plugins/telemetry/DEVICE/${part(deviceId)}`;
}

function writing(deviceId: DeviceId, complaint: string): Pick<Call, "subject" | "complaint" | "repeating" | "answer"> {
    return { subject: `device ${deviceId}`, complaint, repeating: "safe", answer: "nothing" };
}
