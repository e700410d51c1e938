// One enrolment check: a canary enrols, is seen, and is removed again.

import { codeText } from "../mqtt/codes";
import { diagnose } from "../mqtt/diagnosis";
import type { PublishCheckOutcome } from "../mqtt/outcome";
import { publishChecks } from "../mqtt/pool";
import { publishCheck } from "../mqtt/publishCheck";
import type { Device, DeviceProfile } from "../thingsboard/model";
import type { ThingsBoard } from "../thingsboard";
import { UserError } from "../userError";
import { isCanary, issueCanary } from "../x509/canary";
import { certificatesIn } from "../x509/chain";
import { deviceNameOf } from "../x509/commonNamePattern";
import { readLeaf, toPem } from "../x509/leaf";
import type { EnrolmentCheckInputs } from "./enrolmentCheck";
import type { Server } from "./server";

/** Plain JSON; times are ISO 8601. */
export interface EnrolmentResult {
    readonly outcome: "accepted" | "refused";
    /** The verdict as a sentence. */
    readonly message: string;
    /** The device that the canary became, by its name. */
    readonly deviceName: string;
    readonly connackCode?: number;
    readonly connectMs?: number;
    readonly checkedAt: string;
}

export async function runEnrolment(server: Server, inputs: EnrolmentCheckInputs, now: () => Date): Promise<EnrolmentResult> {
    const subject = `enrolment check of device profile "${inputs.profileName}"`;
    const thingsboard = server.thingsboard.about(subject);
    const profile = await thingsboard.deviceProfile(inputs.deviceProfileId);
    if (!profile) throw new UserError(`${subject}: the profile was deleted on ThingsBoard: run "pulumi up --refresh", which creates it again`);
    const deviceName = expectedName(subject, profile, inputs);
    await requireFree(thingsboard, subject, profile, deviceName);

    const canary = await issueCanary(inputs.authorityPem, inputs.authorityKeyPem, inputs.commonName, now()).catch((error: unknown) => {
        throw error instanceof UserError ? new UserError(`${subject}: ${error.message}`) : error;
    });
    const { credentialsId } = readLeaf(canary.certificatePem);
    try {
        const outcome = await publishChecks.run(() =>
            publishCheck({
                ...server.mqtt,
                ...(inputs.caPem === undefined ? {} : { caPem: inputs.caPem }),
                certificatePem: canary.certificatePem + inputs.authorityPem + inputs.issuersPem,
                privateKeyPem: canary.privateKeyPem,
                mode: "connect",
                timeoutSeconds: inputs.timeout,
                ...skew(thingsboard),
            }),
        );
        const device = await thingsboard.deviceByName(deviceName);
        const row = device && (await thingsboard.credentials(device.id.id));
        const enrolled = outcome.ok && device?.deviceProfileId?.id === profile.id.id && row?.credentialsId === credentialsId;
        const evidence = { deviceName, ...(outcome.connectMs === undefined ? {} : { connectMs: outcome.connectMs }), ...connack(outcome), checkedAt: outcome.at };
        if (enrolled) return { outcome: "accepted", message: `${subject}: the canary "${inputs.commonName}" enrolled as device "${deviceName}", and was removed again`, ...evidence };
        return { outcome: "refused", message: `${subject}: ${refusal(server, outcome, profile, device, inputs.commonName, deviceName)}`, ...evidence };
    } finally {
        // Whatever happened: ThingsBoard creates the device before it looks at the certificate's dates.
        await removeCanary(thingsboard, profile, deviceName);
    }
}

/** What preview could not know: the profile as the server has it. */
function expectedName(subject: string, profile: DeviceProfile, inputs: EnrolmentCheckInputs): string {
    const { certificateRegExPattern, allowCreateNewDevicesByX509Certificate } = profile.profileData.provisionConfiguration;
    if (profile.provisionType !== "X509_CERTIFICATE_CHAIN") throw new UserError(`${subject}: its provisioning strategy is ${profile.provisionType} on ThingsBoard: declare x509Chain, or run "pulumi up --refresh"`);
    if (allowCreateNewDevicesByX509Certificate !== true) throw new UserError(`${subject}: it creates no devices (createDevices: false), so no canary can enrol: use PublishCheck with a device that it knows`);
    const chain = certificatesIn(inputs.authorityPem + inputs.issuersPem, "the authority's chain");
    if (!chain.some(({ raw }) => readLeaf(toPem(raw.toString("base64"))).credentialsId === profile.provisionDeviceKey)) {
        throw new UserError(`${subject}: it holds another authority than the one given here: give authority the one of the profile, or one below it`);
    }
    const deviceName = deviceNameOf(certificateRegExPattern ?? "", inputs.commonName);
    if (deviceName === undefined) throw new UserError(`${subject}: commonName "${inputs.commonName}" does not fit its pattern ${certificateRegExPattern}: choose one that does`);
    return deviceName;
}

async function requireFree(thingsboard: ThingsBoard, subject: string, profile: DeviceProfile, deviceName: string): Promise<void> {
    if ((await thingsboard.deviceByName(deviceName)) && !(await removeCanary(thingsboard, profile, deviceName))) {
        throw new UserError(`${subject}: device "${deviceName}" exists already, and a canary would replace its certificate: choose a commonName that no device has`);
    }
}

/** Removes a device only if it holds a canary's certificate: the one of this run, or one that a crash left behind. */
async function removeCanary(thingsboard: ThingsBoard, profile: DeviceProfile, deviceName: string): Promise<boolean> {
    const device = await thingsboard.deviceByName(deviceName);
    if (!device || device.deviceProfileId?.id !== profile.id.id) return false;
    const row = await thingsboard.credentials(device.id.id);
    if (row?.credentialsType !== "X509_CERTIFICATE" || !isCanary(toPem(row.credentialsValue ?? ""))) return false;
    await thingsboard.deleteDevice(device.id.id);
    return true;
}

function refusal(server: Server, outcome: PublishCheckOutcome, profile: DeviceProfile, device: Device | undefined, commonName: string, deviceName: string): string {
    const where = `${outcome.host} port ${outcome.port}`;
    if (outcome.ok) return `the canary "${commonName}" was let in at ${where}, but device "${deviceName}" ${device ? "is not bound to it" : "was not created"}: see that mqttHost is the same ThingsBoard as url`;
    if (outcome.stage === "connack" && [0x05, 0x87].includes(outcome.reasonCode)) {
        const answer = `the canary "${commonName}" was refused at ${where} (${codeText(outcome.mqttVersion, outcome)})`;
        if (device) return `${answer} although device "${deviceName}" was created: compare the server's clock with this machine's`;
        return `${answer}, and device "${deviceName}" was not created: see that mqttHost is the same ThingsBoard as url, that the tenant may have one more device, and that the pattern means the same to Java as it does here`;
    }
    const context = { deviceName, restHost: server.restHost, profile: { name: profile.name, transportType: profile.transportType, provisionType: profile.provisionType } };
    return diagnose(outcome, context).sentence;
}

function connack(outcome: PublishCheckOutcome): { connackCode?: number } {
    if (outcome.ok) return { connackCode: 0 };
    return outcome.stage === "connack" ? { connackCode: outcome.reasonCode } : {};
}

const skew = (thingsboard: ThingsBoard) => {
    const clockSkewMs = thingsboard.clockSkewMs();
    return clockSkewMs === undefined ? {} : { clockSkewMs };
};
