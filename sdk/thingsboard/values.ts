// Attributes and telemetry of a device.

import type { Call, Calls } from "./calls";
import type { Attribute, DeviceId, TelemetryValue } from "./model";
import { part, query } from "./path";
import type { ThingsBoard } from "./thingsboard";

type Values = Pick<ThingsBoard, "attributes" | "saveAttributes" | "deleteAttributes" | "latestTelemetry" | "deleteTelemetry">;

export function values(calls: Calls): Values {
    return {
        async attributes(deviceId, scope, keys) {
            const found: Attribute[] = [];
            for (const some of keys === undefined ? [undefined] : inCalls(keys)) {
                const answer = await calls.find<Attribute[]>({
                    path: `${plugin(deviceId)}/values/attributes/${scope}${query({ keys: some?.join(",") })}`,
                    subject: `device ${deviceId}`,
                    complaint: "cannot read the attributes",
                    answer: "attributes",
                });
                if (answer === undefined) return undefined;
                found.push(...answer);
            }
            return found;
        },

        // The same values once more are the same values.
        saveAttributes: (deviceId, attributes) =>
            calls.make({
                ...writing(deviceId, "cannot save the attributes"),
                method: "POST",
                path: `${plugin(deviceId)}/attributes/SERVER_SCOPE`,
                body: attributes,
            }),

        async deleteAttributes(deviceId, keys) {
            for (const some of inCalls(keys)) {
                await calls.dispose({
                    ...writing(deviceId, "cannot delete the attributes"),
                    method: "DELETE",
                    path: `${plugin(deviceId)}/SERVER_SCOPE${query({ keys: some.join(",") })}`,
                });
            }
        },

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

/** Characters; the address of a request has to stay below 8 KiB. */
const longest = 7_000;

/** As many keys at a time as an address holds. */
function inCalls(keys: readonly string[]): readonly (readonly string[])[] {
    const some: string[][] = [[]];
    let length = 0;
    for (const key of keys) {
        // In an address no byte takes more than three characters, and nor does a comma.
        const more = 3 * (Buffer.byteLength(key) + 1);
        if (length > 0 && length + more > longest) {
            some.push([]);
            length = 0;
        }
        some.at(-1)!.push(key);
        length += more;
    }
    return some;
}

function plugin(deviceId: DeviceId): string {
    return `/api/plugins/telemetry/DEVICE/${part(deviceId)}`;
}

function writing(deviceId: DeviceId, complaint: string): Pick<Call, "subject" | "complaint" | "repeating" | "answer"> {
    return { subject: `device ${deviceId}`, complaint, repeating: "safe", answer: "nothing" };
}
