// Turns the outcome of a publish check into one sentence: what happened, to which device, and what to do.

import type { PublishCheckOutcome } from "./outcome";

/** What the REST side knows. All but the name is optional: each fact makes the sentence more exact. */
export interface DiagnosisContext {
    readonly deviceName: string;
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
    | "name-not-found"
    | "name-lookup-failed"
    | "connection-refused"
    | "host-unreachable"
    | "connection-reset"
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
    | "nothing-bound"
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
    | "client-id-refused"
    | "topic-refused"
    | "payload-refused"
    | "packet-too-large"
    | "not-authorized"
    | "taken-over"
    | "administrative-action"
    | "server-shutting-down"
    | "implementation-error"
    | "closed-before-connack"
    | "closed-before-puback"
    | "not-mqtt"
    | "connack-timeout"
    | "puback-timeout"
    | "gateway-topic"
    | "other-reason";

export interface Diagnosis {
    readonly cause: Cause;
    /** One sentence without a full stop, fit to follow "publish check: ". */
    readonly sentence: string;
}

export declare function diagnose(outcome: PublishCheckOutcome, context: DiagnosisContext): Diagnosis;
