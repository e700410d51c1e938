// The publish check of a device of a fleet, with what its batch knows already: fewer calls than `PublishCheck` makes.

import { diagnose, diagnoseNotStored } from "../../mqtt/diagnosis";
import { deviceMessage, marker, markerKey } from "../../mqtt/payload";
import { publishChecks } from "../../mqtt/pool";
import { publishCheck } from "../../mqtt/publishCheck";
import type { Device } from "../../thingsboard/model";
import { UserError } from "../../userError";
import { certificateId, toPem } from "../../x509/leaf";
import { diagnosisContext, stored, telemetryOf } from "../checkRun";
import type { Base64, DeviceName, DeviceRecord } from "./batch";
import { type BatchContext, about, profileOf } from "./context";

const timeoutSeconds = 30;

/**
 * Connects as the device; publishes with QoS 1, waits for PUBACK, and looks whether the value was stored, unless the mode is "connect".
 * @returns a reservation: acknowledged and not stored
 * @throws UserError that says why the device was refused
 */
export async function check(context: BatchContext, name: DeviceName, { id, certificate }: DeviceRecord, key: Base64, device: Pick<Device, "deviceProfileId"> | undefined): Promise<string | undefined> {
    const { server } = context;
    const thingsboard = about(context, name);
    const profile = device?.deviceProfileId ? await profileOf(server, device.deviceProfileId.id) : undefined;
    const value = marker();
    const clockSkewMs = thingsboard.clockSkewMs();
    const { checkMode: mode = "publish" } = context.inputs.settings;
    const connection = {
        ...server.mqtt,
        certificatePem: toPem(certificate),
        privateKeyPem: toPem(key, "PRIVATE KEY"),
        timeoutSeconds,
        ...(clockSkewMs === undefined ? {} : { clockSkewMs }),
    };
    const outcome = await publishChecks.run(() => publishCheck(mode === "connect" ? { ...connection, mode } : { ...connection, mode, ...deviceMessage(value, profile && telemetryOf(profile)) }));
    if (!outcome.ok) {
        const { sentence } = diagnose(outcome, await diagnosisContext(server, thingsboard, { deviceId: id, deviceName: name }, profile, certificateId(certificate)));
        throw new UserError(`device "${name}": publish check: ${sentence}`);
    }
    if (mode === "connect") return undefined;
    // A value that arrives under this device also proves that the certificate is bound to no other one.
    if ((await stored(thingsboard, id, markerKey, value, undefined)) !== undefined) return undefined;
    return `publish check: ${diagnoseNotStored(outcome, await diagnosisContext(server, thingsboard, { deviceId: id, deviceName: name }, profile, certificateId(certificate))).sentence}`;
}
