// Refusals by MQTT itself: reason codes, connections closed without one, and acknowledgements that never came.

import { codeText } from "./codes";
import type { Cause, Diagnosis, DiagnosisContext } from "./diagnosis";
import { diagnoseUnauthorized } from "./diagnoseUnauthorized";
import type { Reason, Refused } from "./outcome";
import { jsonTelemetryTopic, telemetryTopic } from "./payload";
import { cloudHost, day, deviceAt, duration, short, words } from "./wording";

type MqttRefusal = Extract<Refused, { stage: "connack" | "puback" | "closed" | "not-mqtt" | "timeout" }>;

/** ThingsBoard's limit on a message (NETTY_MAX_PAYLOAD_SIZE). */
const maxPayloadBytes = 65_536;

export function diagnoseMqtt(outcome: MqttRefusal, context: DiagnosisContext): Diagnosis {
    switch (outcome.stage) {
        case "connack":
            return connackFault(outcome, context);
        case "puback":
            return coded("PUBACK", outcome, outcome, context);
        case "closed":
            return outcome.reasonCode !== undefined && outcome.reasonName !== undefined
                ? coded("DISCONNECT", outcome, { reasonCode: outcome.reasonCode, reasonName: outcome.reasonName }, context)
                : closed(outcome, context);
        case "not-mqtt":
            return {
                cause: "not-mqtt",
                sentence: `${deviceAt(outcome, context, "could not be checked")}: the port speaks TLS but not MQTT (${words(outcome.code)}), so a web server or another service has it; set mqttPort to the port for MQTT over TLS, 8883 by default`,
            };
        case "timeout":
            return late(outcome, context);
    }
}

/** CONNACK codes that mean the same in both versions under different numbers; what is left is looked up by number. */
function connackFault(outcome: Extract<Refused, { stage: "connack" }>, context: DiagnosisContext): Diagnosis {
    const subject = `${deviceAt(outcome, context, "was refused")} (CONNACK ${codeText(outcome.mqttVersion, outcome)})`;
    switch (outcome.reasonCode) {
        case 1:
        case 0x84:
            // One that takes neither was asked in both.
            if (outcome.connections > 1) return { cause: "protocol-version", sentence: `${subject}: the server speaks neither MQTT 5 nor 3.1.1, so it is no ThingsBoard; correct mqttHost and mqttPort` };
            return { cause: "protocol-version", sentence: `${subject}: the server does not speak MQTT ${outcome.mqttVersion}; let the check choose the version, or ask for ${outcome.mqttVersion === "5" ? "3.1.1 (ThingsBoard before 3.5)" : "5"}` };
        case 2:
        case 0x85:
            return {
                cause: "no-certificate-arrived",
                sentence: `${subject}: no certificate reached ThingsBoard, so a load balancer or proxy in front of it ends TLS; have it pass TCP through to ThingsBoard's own TLS port, since a client certificate can't be forwarded`,
            };
        case 4:
        case 0x86:
            return { cause: "user-name-refused", sentence: `${subject}: ThingsBoard was looking for a user name, so no certificate reached it; have the load balancer or proxy in front of it pass TCP through, or correct mqttHost` };
        case 5:
        case 0x87:
            return diagnoseUnauthorized(outcome, context);
        case 3:
            return unavailable(subject, context, "it is starting, a message rate limit or the API usage of the tenant is used up, or the device profile is for another transport; try again in a minute, then look at its log");
        case 0x88:
            return unavailable(subject, context, `its core did not answer in time${context.subject === undefined ? ", or the device profile is for another transport" : ""}; try again in a minute, then look at its log`);
        default:
            return coded("CONNACK", outcome, outcome, context);
    }
}

/** ThingsBoard answers 3 (0x88) too when a profile is for CoAP, LwM2M or SNMP ("Device profile has different transport type"). */
function unavailable(subject: string, context: DiagnosisContext, otherwise: string): Diagnosis {
    return otherTransport(subject, context) ?? { cause: "server-unavailable", sentence: `${subject}: ThingsBoard can't take the session${limit(context.messageRateLimit)}: ${otherwise}` };
}

/** A profile that shuts MQTT out; undefined for any other, and where the profile is not known. */
export function otherTransport(subject: string, { profile }: DiagnosisContext): Diagnosis | undefined {
    if (!profile || profile.transportType === "DEFAULT" || profile.transportType === "MQTT") return undefined;
    return { cause: "other-transport", sentence: `${subject}: device profile ${words(profile.name)} is for ${words(profile.transportType)}, which shuts MQTT out; give the device a profile with transport DEFAULT or MQTT` };
}

function coded(packet: "CONNACK" | "PUBACK" | "DISCONNECT", outcome: MqttRefusal, reason: Reason, context: DiagnosisContext): Diagnosis {
    const code = codeText(outcome.mqttVersion, reason);
    const what = { CONNACK: "was refused", PUBACK: "connected, but what it published was refused", DISCONNECT: "was disconnected by the server" }[packet];
    const [cause, why] = explained(packet, outcome, reason.reasonCode, context);
    return { cause, sentence: `${deviceAt(outcome, context, what)} (${packet} ${code}): ${why}` };
}

function explained(packet: "CONNACK" | "PUBACK" | "DISCONNECT", outcome: MqttRefusal, code: number, context: DiagnosisContext): readonly [Cause, string] {
    switch (code) {
        case 0x81:
            // ThingsBoard calls a message that is too large a malformed packet.
            if ((outcome.payloadBytes ?? 0) > maxPayloadBytes) return ["packet-too-large", tooLarge(outcome)];
            if (packet === "CONNACK") return ["other-reason", "the server could not read CONNECT, which ThingsBoard can, so another broker or a proxy answers here; correct mqttHost and mqttPort"];
            return ["payload-refused", "the server could not read the packet, as for a message above its limit (65,536 bytes by default); send less, or raise NETTY_MAX_PAYLOAD_SIZE"];
        case 0x95:
            return ["packet-too-large", tooLarge(outcome)];
        case 0x83:
            if (packet === "DISCONNECT") return ["rate-limit", `ThingsBoard closes so when the telemetry rate limit of the tenant or the device is used up${limit(context.messageRateLimit)}; wait a minute, or raise it in the tenant profile`];
            return ["other-reason", "the server failed on it; look at ThingsBoard's log"];
        case 0x87:
            return ["not-authorized", `the device may not publish to ${topic(outcome)}; use a topic that it may publish to`];
        case 0x89:
            return ["server-unavailable", "the server is busy; try again later"];
        case 0x8a:
            return ["address-blocked", "the server blocks this machine's address after too many refused connections; wait a minute, and mend what was refused before trying again"];
        case 0x8b:
            return ["server-shutting-down", "the server is shutting down; try again when it is up"];
        case 0x8e:
            return ["taken-over", "the device itself connected at the same time, and ThingsBoard keeps one session per device; its certificate works, so run again with the device off, or use mode observe"];
        case 0x90:
            return ["topic-refused", wrongTopic(outcome, context)];
        case 0x96:
        case 0x9f:
            return ["rate-limit", `a rate limit of the tenant or the device is used up${limit(context.messageRateLimit)}; wait a minute, or raise it in the tenant profile`];
        case 0x97:
            return ["quota", "the tenant's quota is used up; look at API usage in ThingsBoard, and wait or raise the limit"];
        case 0x98:
            return ["changed-meanwhile", credentialChanged(outcome, context)];
        case 0x99:
            return ["payload-refused", wrongPayload(outcome, context)];
        default:
            return ["other-reason", "ThingsBoard gives no further reason; look at its log (MqttTransportHandler) for this device and time"];
    }
}

function closed(outcome: Extract<Refused, { stage: "closed" }>, context: DiagnosisContext): Diagnosis {
    const how = outcome.code === undefined ? "" : ` (${outcome.code})`;
    if (outcome.waitedFor === "connack") {
        const remedy = cloudHost(outcome, context) ?? "see that ThingsBoard is up, that no proxy without a server answers there, and wait a minute in case it blocks this address after refused connections";
        return { cause: "closed-before-connack", sentence: `${deviceAt(outcome, context, "was cut off")} without an answer to CONNECT${how}; ${remedy}` };
    }
    const subject = `${deviceAt(outcome, context, "was cut off")} after it had connected, without a PUBACK${how}`;
    if ((outcome.payloadBytes ?? 0) > maxPayloadBytes) return { cause: "packet-too-large", sentence: `${subject}: ${tooLarge(outcome)}` };
    const { credential } = context;
    if (credential === null || (credential && credential.credentialsId !== outcome.presented.credentialsId)) return { cause: "changed-meanwhile", sentence: `${subject}: ${credentialChanged(outcome, context)}` };
    if (outcome.mqttVersion === "5") {
        return { cause: "closed-before-puback", sentence: `${subject}: in MQTT 5 ThingsBoard says why before it closes, so a load balancer, a proxy or the network ended the connection, or ThingsBoard itself broke down; look at what stands between, then at ThingsBoard's log` };
    }
    return {
        cause: "closed-before-puback",
        sentence: `${subject}: ThingsBoard closes so on a payload that it can't read, on a used-up telemetry rate limit${limit(context.messageRateLimit)}, and when the device itself connects; ${wrongPayload(outcome, context)}`,
    };
}

function late(outcome: Extract<Refused, { stage: "timeout" }>, context: DiagnosisContext): Diagnosis {
    const seconds = duration(outcome.timeoutSeconds * 1000);
    if (outcome.waitedFor === "connack") {
        return { cause: "connack-timeout", sentence: `${deviceAt(outcome, context, "got no answer to CONNECT")} within ${seconds}: ThingsBoard's transport takes up to 10 s to ask its core, which may be overloaded or down; try again, raise the timeout, or look at its log` };
    }
    const subject = `${deviceAt(outcome, context, "got no PUBACK")} within ${seconds}`;
    if (outcome.topic?.startsWith("v1/gateway/") && context.isGateway !== true) {
        return { cause: "gateway-topic", sentence: `${subject}: ThingsBoard never acknowledges ${topic(outcome)} from a device that is no gateway; publish to ${telemetryTopic}, or mark the device as a gateway` };
    }
    return { cause: "puback-timeout", sentence: `${subject}: its queue or rule engine is behind, or the payload holds no value (an empty array is never acknowledged); try again, raise the timeout, or use mode connect` };
}

function wrongTopic(outcome: MqttRefusal, { profile }: DiagnosisContext): string {
    const own = profile?.telemetryTopic;
    if (profile && own !== undefined && own !== outcome.topic) return `device profile ${words(profile.name)} does not know ${topic(outcome)}; publish to its own telemetry topic ${words(own)}`;
    if (outcome.topic === telemetryTopic) return `${topic(outcome)} is not open to it, as for a device profile with topics of its own; publish to the telemetry topic in its device profile`;
    return `ThingsBoard does not know the topic ${topic(outcome)}; publish to ${telemetryTopic} or v1/devices/me/attributes`;
}

function wrongPayload(outcome: MqttRefusal, { profile }: DiagnosisContext): string {
    if (profile?.payloadType === "PROTOBUF") return `device profile ${words(profile.name)} takes Protobuf; publish JSON to ${jsonTelemetryTopic}, give a payload of its schema, or use mode connect`;
    return `see that what goes to ${topic(outcome)} is a JSON object, or an array of them, such as {"temperature":21}`;
}

/** A change of credentials, or the deletion of the device, ends its session. */
function credentialChanged(outcome: MqttRefusal, { credential }: DiagnosisContext): string {
    if (credential === null) return "the device was deleted in the middle of the check; run pulumi refresh and pulumi up to have it made again";
    const now = credential && credential.credentialsId !== outcome.presented.credentialsId ? `, and the device no longer holds ${short(outcome.presented.credentialsId)}` : "";
    return `its credentials were changed in the middle of the check (${day(outcome.at)})${now}; run pulumi refresh and pulumi up, and find out who else writes them`;
}

const tooLarge = ({ payloadBytes }: MqttRefusal): string =>
    `${payloadBytes === undefined ? "the message is" : `its ${payloadBytes} bytes are`} more than this server takes (ThingsBoard: 65,536 by default); send less, or raise NETTY_MAX_PAYLOAD_SIZE`;
const topic = (outcome: MqttRefusal): string => words(outcome.topic ?? "no topic");
const limit = (messageRateLimit: string | undefined): string => (messageRateLimit === undefined ? "" : ` (messages: ${words(messageRateLimit)}, as count:seconds)`);
