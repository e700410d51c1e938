// One publish check from its first REST call to its verdict.

import { setTimeout as delay } from "node:timers/promises";
import { diagnose, diagnoseNotStored, type DiagnosisContext } from "../mqtt/diagnosis";
import { observe } from "../mqtt/observe";
import type { PublishCheckOutcome } from "../mqtt/outcome";
import { type Message, type TelemetryProfile, deviceMessage, marker, markerKey } from "../mqtt/payload";
import { publishChecks } from "../mqtt/pool";
import { nobodyWatches, publishCheck, type PublishCheckWatch } from "../mqtt/publishCheck";
import type { DeviceProfile } from "../thingsboard/model";
import type { ThingsBoard } from "../thingsboard";
import { UserError } from "../userError";
import { boundSince } from "./binding";
import { claimedBy } from "./claims";
import type { PublishCheckInputs } from "./publishCheck";
import type { Server } from "./server";
import { serverTime } from "./serverTime";

/** Plain JSON; what was not reached is absent. Times are ISO 8601. */
export interface CheckResult {
    readonly outcome: "accepted" | "refused";
    /** The verdict as a sentence. */
    readonly message: string;
    /** Why it was refused, in one word to act on. */
    readonly cause?: string;
    /** The last step that was completed, or, after a refusal, the one that failed. */
    readonly stage: string;
    readonly connackCode?: number;
    readonly pubackCode?: number;
    readonly mqttVersionUsed?: string;
    readonly tlsVersion?: string;
    readonly cipher?: string;
    readonly connectMs?: number;
    readonly publishMs?: number;
    readonly serverFingerprint?: string;
    readonly serverNotAfter?: string;
    /** When the value that was published had arrived in ThingsBoard's latest telemetry. */
    readonly storedAt?: string;
    readonly checkedAt: string;
    /** The device has its previous certificate again. */
    readonly rolledBack?: boolean;
    /** Accepted, with a reservation. */
    readonly warning?: string;
}

/** A value is mostly there within a second of its PUBACK; rule chains under load take longer. */
const storedWithinMs = 10_000;

/** @param watch hears of each step of the connection */
export async function runCheck(server: Server, inputs: PublishCheckInputs, watch: PublishCheckWatch = nobodyWatches): Promise<CheckResult> {
    if (inputs.mode === "observe") return observed(server, inputs);
    const name = inputs.deviceName ?? inputs.deviceId;
    const subject = `publish check of device "${name}"`;
    const thingsboard = server.thingsboard.about(subject);
    const profile = await profileOf(thingsboard, inputs.deviceId);
    const sent = inputs.mode === "publish" ? await naming(subject, () => messageOf(inputs, profile)) : undefined;
    const before = sent?.key === undefined ? undefined : await latest(thingsboard, inputs.deviceId, sent.key);
    const connection = {
        ...server.mqtt,
        ...(inputs.caPem === undefined ? {} : { caPem: inputs.caPem }),
        certificatePem: inputs.certificatePem ?? "",
        privateKeyPem: inputs.privateKeyPem ?? "",
        timeoutSeconds: inputs.timeout,
        protocolVersion: inputs.mqttVersion ?? "auto",
        ...skew(thingsboard),
    } as const;
    const outcome = await publishChecks.run(() =>
        naming(subject, () => publishCheck(sent ? { ...connection, mode: "publish", topic: sent.topic, payload: sent.payload } : { ...connection, mode: "connect" }, { watch })),
    );
    const evidence = describe(outcome);
    const known = await diagnosisContext(server, thingsboard, inputs, profile, outcome.presented.credentialsId);
    const { cause, sentence } = diagnose(outcome, known);
    // A certificate that is bound to another device is accepted too: as that one.
    if (!outcome.ok || cause !== "accepted") return { ...evidence, outcome: "refused", cause, message: `publish check: ${sentence}` };
    const accepted: CheckResult = { ...evidence, outcome: "accepted", message: `publish check: ${sentence}` };
    if (sent?.key === undefined || inputs.verifyStored === "off") return accepted;
    const storedAt = await stored(thingsboard, inputs.deviceId, sent.key, sent.value, before);
    if (storedAt !== undefined) return { ...accepted, message: `${accepted.message}, and what it published is stored`, storedAt };
    const missing = diagnoseNotStored(outcome, known);
    const warning = `publish check: ${missing.sentence}`;
    return inputs.verifyStored === "required" ? { ...accepted, outcome: "refused", cause: missing.cause, stage: "stored", message: warning } : { ...accepted, warning };
}

/** What is wrong with the request itself does not know which device it was for. */
async function naming<Result>(subject: string, run: () => Result | Promise<Result>): Promise<Result> {
    try {
        return await run();
    } catch (error) {
        throw error instanceof UserError ? new UserError(`${subject}: ${error.message}`) : error;
    }
}

interface Sent extends Message {
    /** What to look for in latest telemetry; absent for payloads that are no JSON object, and for topics that are not for telemetry. */
    readonly key?: string;
    /** The marker, which is ours to remove; absent for the user's own payload. */
    readonly value?: string;
}

function messageOf(inputs: PublishCheckInputs, profile: DeviceProfile | undefined): Sent {
    const telemetry = profile && telemetryOf(profile);
    if (inputs.payload === undefined) {
        const value = marker();
        return { ...deviceMessage(value, telemetry, inputs.topic), key: markerKey, value };
    }
    const topic = inputs.topic ?? telemetry?.telemetryTopic ?? "v1/devices/me/telemetry";
    const key = isTelemetry(topic, telemetry?.telemetryTopic) ? firstKey(inputs.payload) : undefined;
    return { topic, payload: inputs.payload, ...(key === undefined ? {} : { key }) };
}

export function telemetryOf({ name, profileData: { transportConfiguration: transport } }: DeviceProfile): TelemetryProfile {
    return {
        name,
        ...(transport.deviceTelemetryTopic === undefined ? {} : { telemetryTopic: transport.deviceTelemetryTopic }),
        ...(transport.transportPayloadTypeConfiguration === undefined ? {} : { payloadType: transport.transportPayloadTypeConfiguration.transportPayloadType }),
    };
}

const isTelemetry = (topic: string, own: string | undefined): boolean => topic === own || /^(v1\/devices\/me\/telemetry|v2\/t(\/j)?)$/.test(topic);

/** A telemetry key of this payload, to look for; undefined where it is no JSON object, nor an array of them. */
export function firstKey(payload: string): string | undefined {
    try {
        const whole: unknown = JSON.parse(payload);
        const parsed: unknown = Array.isArray(whole) ? whole[0] : whole;
        if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
        const values: unknown = "values" in parsed && "ts" in parsed ? parsed.values : parsed;
        return typeof values === "object" && values !== null ? Object.keys(values)[0] : undefined;
    } catch {
        return undefined;
    }
}

/**
 * When it was stored (ISO 8601). A PUBACK means queued; stored means that the key's latest time moved past the one read
 * before publishing. An equal value proves nothing, since the last check may have left it.
 */
export async function stored(thingsboard: ThingsBoard, deviceId: string, key: string, marker: string | undefined, before: number | undefined): Promise<string | undefined> {
    const end = Date.now() + storedWithinMs;
    for (let pause = 50; Date.now() < end; pause = Math.min(pause * 2, 1000)) {
        const time = await latest(thingsboard, deviceId, key, marker);
        if (time !== undefined && time > (before ?? 0)) {
            if (marker !== undefined) await thingsboard.deleteTelemetry(deviceId, [key]);
            return new Date(time).toISOString();
        }
        await delay(pause);
    }
    return undefined;
}

/** Time of the latest value (ms); undefined if there is none, or it is not the one looked for. */
async function latest(thingsboard: ThingsBoard, deviceId: string, key: string, value?: string): Promise<number | undefined> {
    const found = (await thingsboard.latestTelemetry(deviceId, [key]))?.[key];
    if (!found || found.value === null || (value !== undefined && found.value !== value)) return undefined;
    return found.ts;
}

async function observed(server: Server, inputs: PublishCheckInputs): Promise<CheckResult> {
    const subject = `publish check: device "${inputs.deviceName ?? inputs.deviceId}"`;
    const thingsboard = server.thingsboard.about(subject);
    const poll = async () => {
        const found = await thingsboard.attributes(inputs.deviceId, "SERVER_SCOPE", ["lastConnectTime", "active"]);
        if (!found) throw new UserError(`${subject} was deleted`);
        const time = serverTime(found, "lastConnectTime");
        return { ...(time > 0 ? { lastConnectTime: time } : {}), active: found.find(({ key }) => key === "active")?.value === true };
    };
    // `boundAt` comes from the Date header, which knows no fractions of a second: it may be early by one, or late.
    const noted = inputs.credentialsId === undefined ? undefined : await boundSince(thingsboard, inputs.deviceId, inputs.credentialsId);
    const since = noted ?? inputs.boundAt ?? Date.now() + Math.round(thingsboard.clockSkewMs() ?? 0);
    const seen = await observe(poll, { since, timeoutSeconds: inputs.timeout });
    const checkedAt = new Date().toISOString();
    if (seen.connected) {
        return { outcome: "accepted", stage: "connack", message: `${subject} connected by itself at ${new Date(seen.connectedAt).toISOString()}, after its certificate was bound`, checkedAt };
    }
    const last = seen.last?.lastConnectTime;
    const when = last === undefined ? "has never connected" : `last connected at ${new Date(last).toISOString()}`;
    return {
        outcome: "refused",
        cause: "not-seen",
        stage: "connack",
        message: `${subject} did not connect within ${inputs.timeout} s of the binding at ${new Date(since).toISOString()} (it ${when}): deliver key and certificate to it, or raise timeout`,
        checkedAt,
    };
}

export async function profileOf(thingsboard: ThingsBoard, deviceId: string): Promise<DeviceProfile | undefined> {
    const device = await thingsboard.deviceById(deviceId);
    return device?.deviceProfileId ? thingsboard.deviceProfile(device.deviceProfileId.id) : undefined;
}

const skew = (thingsboard: ThingsBoard) => {
    const clockSkewMs = thingsboard.clockSkewMs();
    return clockSkewMs === undefined ? {} : { clockSkewMs };
};

/** What can't be asked leaves the sentence less exact, not missing. */
export async function diagnosisContext(server: Server, thingsboard: ThingsBoard, inputs: Pick<PublishCheckInputs, "deviceId" | "deviceName" | "credentialsId">, profile: DeviceProfile | undefined, presented: string): Promise<DiagnosisContext> {
    const unknown = { unknown: true } as const;
    const [device, row] = await Promise.all([thingsboard.deviceById(inputs.deviceId).catch(() => undefined), thingsboard.credentials(inputs.deviceId).catch(() => unknown)]);
    const transport = profile?.profileData.transportConfiguration;
    const held = row && !("unknown" in row) && row.credentialsId === presented;
    const boundTo = held ? undefined : claimedBy("certificate", presented);
    return {
        deviceName: inputs.deviceName ?? device?.name ?? inputs.deviceId,
        restHost: server.restHost,
        ...(row && "unknown" in row ? {} : { credential: row ? { credentialsType: row.credentialsType, credentialsId: row.credentialsId } : null }),
        ...(boundTo === undefined ? {} : { boundTo }),
        ...(inputs.credentialsId === undefined ? {} : { boundCredentialsId: inputs.credentialsId }),
        ...skew(thingsboard),
        ...(device ? { isGateway: device.additionalInfo?.["gateway"] === true } : {}),
        ...(profile
            ? {
                  profile: {
                      name: profile.name,
                      transportType: profile.transportType,
                      provisionType: profile.provisionType,
                      ...(transport?.deviceTelemetryTopic === undefined ? {} : { telemetryTopic: transport.deviceTelemetryTopic }),
                      ...(transport?.deviceAttributesTopic === undefined ? {} : { attributesTopic: transport.deviceAttributesTopic }),
                      ...(transport?.transportPayloadTypeConfiguration === undefined ? {} : { payloadType: transport.transportPayloadTypeConfiguration.transportPayloadType }),
                  },
              }
            : {}),
    };
}

function describe(outcome: PublishCheckOutcome): Omit<CheckResult, "outcome" | "message"> {
    const connackCode = outcome.reached === "connack" || outcome.reached === "puback" ? 0 : !outcome.ok && outcome.stage === "connack" ? outcome.reasonCode : undefined;
    const pubackCode = outcome.reached === "puback" ? (outcome.ok ? outcome.reasonCode : 0) : !outcome.ok && outcome.stage === "puback" ? outcome.reasonCode : undefined;
    return {
        stage: outcome.ok ? outcome.reached : outcome.stage,
        ...(connackCode === undefined ? {} : { connackCode }),
        ...(pubackCode === undefined ? {} : { pubackCode }),
        mqttVersionUsed: outcome.mqttVersion,
        ...(outcome.tlsVersion === undefined ? {} : { tlsVersion: outcome.tlsVersion }),
        ...(outcome.cipher === undefined ? {} : { cipher: outcome.cipher }),
        ...(outcome.connectMs === undefined ? {} : { connectMs: outcome.connectMs }),
        ...(outcome.publishMs === undefined ? {} : { publishMs: outcome.publishMs }),
        ...(outcome.server === undefined ? {} : { serverFingerprint: outcome.server.fingerprint, serverNotAfter: outcome.server.notAfter }),
        checkedAt: outcome.at,
    };
}
