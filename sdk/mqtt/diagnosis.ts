// Turns the outcome of a publish check into one sentence: what happened, to which device, and what to do.

import { codeText } from "./codes";
import { diagnoseMqtt } from "./diagnoseMqtt";
import { diagnoseNetwork } from "./diagnoseNetwork";
import { diagnoseServerCertificate, diagnoseTlsClient } from "./diagnoseTls";
import type { Accepted, PublishCheckOutcome, Refused } from "./outcome";
import { jsonTelemetryTopic, telemetryTopic } from "./payload";
import { deviceAt, short, words } from "./wording";

/** What the REST side knows. All but the name is optional: each fact makes the sentence more exact. */
export interface DiagnosisContext {
    readonly deviceName: string;
    /** What the sentence is about, where that is no device. */
    readonly subject?: string;
    /** Host of the REST API: tells a mistaken MQTT host from a mistaken certificate. */
    readonly restHost?: string;
    /** What ThingsBoard holds for the device, read after the refusal; `null` when the device is gone. */
    readonly credential?: { readonly credentialsType: string; readonly credentialsId: string } | null;
    /** `credentialsId` as this program had bound it: when the server now holds another one, it was changed meanwhile. */
    readonly boundCredentialsId?: string;
    /** The device that holds the presented certificate, where it is another one and known. */
    readonly boundTo?: string;
    /** Server clock minus local clock, from the Date header of a REST answer. */
    readonly clockSkewMs?: number;
    /** The device's profile, for refusals that come from it. */
    readonly profile?: {
        readonly name: string;
        readonly transportType: string;
        /** MQTT transport configuration: topics of the profile's own, and whether it wants JSON or Protobuf. */
        readonly telemetryTopic?: string;
        readonly attributesTopic?: string;
        readonly payloadType?: string;
        /** Under the chain strategy a leaf needs the certificates above it. */
        readonly provisionType?: string;
    };
    readonly isGateway?: boolean;
    /** Limits of the tenant profile as ThingsBoard writes them ("100:1,2000:60"), where they can be read. */
    readonly messageRateLimit?: string;
}

export type Cause =
    | "accepted"
    | "not-stored"
    | "name-not-found"
    | "name-lookup-failed"
    | "connection-refused"
    | "host-unreachable"
    | "connection-failed"
    | "connect-timeout"
    | "not-tls"
    | "tls-handshake"
    | "tls-timeout"
    | "server-certificate-untrusted"
    | "server-certificate-wrong-host"
    | "server-certificate-expired"
    | "server-certificate-not-yet-valid"
    | "client-certificate-refused"
    | "no-certificate-arrived"
    | "device-gone"
    | "token-bound"
    | "other-credential-bound"
    | "other-certificate-bound"
    | "changed-meanwhile"
    | "bound-to-another-device"
    | "certificate-expired"
    | "certificate-not-yet-valid"
    | "certificate-unknown"
    | "user-name-refused"
    | "other-transport"
    | "server-unavailable"
    | "rate-limit"
    | "quota"
    | "protocol-version"
    | "address-blocked"
    | "topic-refused"
    | "payload-refused"
    | "packet-too-large"
    | "not-authorized"
    | "taken-over"
    | "server-shutting-down"
    | "closed-before-connack"
    | "closed-before-puback"
    | "not-mqtt"
    | "connack-timeout"
    | "puback-timeout"
    | "gateway-topic"
    | "other-reason";

export interface Diagnosis {
    readonly cause: Cause;
    /** One sentence, without a full stop, that names the device, the server and the remedy. */
    readonly sentence: string;
}

/** Also for an accepted check, which can have gone to another device: ThingsBoard knows a device by its certificate alone. */
export function diagnose(outcome: PublishCheckOutcome, context: DiagnosisContext): Diagnosis {
    return outcome.ok ? diagnoseAccepted(outcome, context) : diagnoseRefused(outcome, context);
}

function diagnoseRefused(outcome: Refused, context: DiagnosisContext): Diagnosis {
    const subject = deviceAt(outcome, context, "could not be checked");
    switch (outcome.stage) {
        case "dns":
        case "tcp":
            return diagnoseNetwork(subject, outcome, context);
        case "tls-server":
            return diagnoseServerCertificate(subject, outcome, context);
        case "tls-client":
            return diagnoseTlsClient(outcome, context);
        case "timeout":
            return outcome.waitedFor === "connack" || outcome.waitedFor === "puback" ? diagnoseMqtt(outcome, context) : diagnoseNetwork(subject, outcome, context);
        default:
            return diagnoseMqtt(outcome, context);
    }
}

function diagnoseAccepted(outcome: Accepted, context: DiagnosisContext): Diagnosis {
    const { credential, boundTo } = context;
    const elsewhere = boundTo !== undefined && boundTo !== context.deviceName;
    if (elsewhere || (credential && credential.credentialsId !== outcome.presented.credentialsId)) {
        const other = elsewhere ? `device ${words(boundTo)}` : "another device";
        return {
            cause: "bound-to-another-device",
            sentence:
                `${deviceAt(outcome, context, "was accepted")}, but as ${other}: ThingsBoard tells devices apart by their certificate, and ${short(outcome.presented.credentialsId)} is not bound to this one; ` +
                "bind it with DeviceCredential, or check with the certificate that is bound",
        };
    }
    const spoken = `${outcome.tlsVersion ?? "TLS"} and MQTT ${outcome.mqttVersion}`;
    const published = outcome.reached === "puback" ? `, and what it published to ${words(outcome.topic ?? telemetryTopic)} was acknowledged (${codeText(outcome.mqttVersion, outcome)})` : "";
    return { cause: "accepted", sentence: `${deviceAt(outcome, context, "was accepted")} over ${spoken}${published}` };
}

/** For a message that was acknowledged but did not show up in the device's telemetry. */
export function diagnoseNotStored(outcome: Accepted, context: DiagnosisContext): Diagnosis {
    const { profile } = context;
    const topic = outcome.topic ?? telemetryTopic;
    const subject = `${deviceAt(outcome, context, "published")} to ${words(topic)}, which was acknowledged but not stored`;
    const own = profile?.telemetryTopic;
    if (profile && own !== undefined && own !== topic && topic === telemetryTopic) {
        return { cause: "not-stored", sentence: `${subject}: device profile ${words(profile.name)} takes telemetry on ${words(own)} and loses the rest; publish there` };
    }
    // MQTT 3.1.1 has no code in its PUBACK, and ThingsBoard acknowledges a topic that it does not know.
    if (outcome.mqttVersion === "3.1.1" && ![telemetryTopic, "v2/t", jsonTelemetryTopic, own].includes(topic)) {
        return { cause: "not-stored", sentence: `${subject}: in MQTT 3.1.1 ThingsBoard acknowledges any topic; publish to ${telemetryTopic}` };
    }
    return { cause: "not-stored", sentence: `${subject}: the rule chain drops or renames the key, or the rule engine is behind; look at the rule chain of its device profile, or do not ask for storage` };
}
