// The message that a publish check sends, and where to.

import { randomUUID } from "node:crypto";
import { UserError } from "../userError";

/** The telemetry key that a check writes, to be deleted again once it was read back. */
export const markerKey = "pulumiPublishCheck";

/** ThingsBoard casts texts that look like numbers, so a value that must come back as it went starts with a word. */
export function marker(uuid: () => string = randomUUID): string {
    return `pulumi-${uuid()}`;
}

/** The MQTT part of a device profile (`profileData.transportConfiguration`), as far as it decides what a device may send. */
export interface TelemetryProfile {
    readonly name: string;
    /** `deviceTelemetryTopic`; ThingsBoard fills in `v1/devices/me/telemetry`. */
    readonly telemetryTopic?: string;
    /** `transportPayloadTypeConfiguration.transportPayloadType`. */
    readonly payloadType?: string;
}

export interface Message {
    readonly topic: string;
    readonly payload: string;
}

export const telemetryTopic = "v1/devices/me/telemetry";
export const gatewayTelemetryTopic = "v1/gateway/telemetry";

/**
 * JSON by short topic. ThingsBoard reads it as JSON whatever the profile says (MqttTransportHandler, DEVICE_TELEMETRY_SHORT_JSON_TOPIC),
 * which is how a device of a Protobuf profile is checked without knowing its schema.
 */
export const jsonTelemetryTopic = "v2/t/j";

/** The marker as the device's own telemetry. A topic of the profile's own is used: ThingsBoard acknowledges the usual one then, and loses it. */
export function deviceMessage(value: string, profile?: TelemetryProfile, topic?: string): Message {
    const payload = JSON.stringify({ [markerKey]: value });
    if (profile?.payloadType !== "PROTOBUF") return { topic: topic ?? profile?.telemetryTopic ?? telemetryTopic, payload };
    if (topic !== undefined && topic !== jsonTelemetryTopic) {
        throw new UserError(
            `device profile "${profile.name}" takes Protobuf on topic ${topic}, which can't be formed without its schema: ` +
                `leave the topic out (the check then publishes JSON to ${jsonTelemetryTopic}), give a payload, or use mode "connect"`,
        );
    }
    return { topic: jsonTelemetryTopic, payload };
}

/** The marker for a device behind a gateway. A name that ThingsBoard does not know yet becomes a device. */
export function gatewayMessage(value: string, deviceName: string): Message {
    return { topic: gatewayTelemetryTopic, payload: JSON.stringify({ [deviceName]: [{ [markerKey]: value }] }) };
}
