// A device profile in our words and in ThingsBoard's.

import type { DeviceProfile, NewDeviceProfile, ProvisionConfiguration, TransportConfiguration } from "../thingsboard/model";
import { UserError } from "../userError";
import { readLeaf, toPem } from "../x509/leaf";
import type { DeviceProfileInputs, MqttTopics, X509Chain } from "./deviceProfile";

/** What stands in a profile's place as long as nothing was declared: ThingsBoard's own for a new one. */
export const emptyProfile = (name: string): NewDeviceProfile => ({
    name,
    type: "DEFAULT",
    transportType: "DEFAULT",
    provisionType: "DISABLED",
    profileData: {
        configuration: { type: "DEFAULT" },
        transportConfiguration: { type: "DEFAULT" },
        provisionConfiguration: { type: "DISABLED", provisionDeviceSecret: null },
        alarms: null,
    },
});

/** What is there, with what is declared laid over it: a save replaces the whole profile. What was declared before and no longer is goes back to ThingsBoard's own. */
export function wantedContent<Found extends NewDeviceProfile>(found: Found, inputs: DeviceProfileInputs, before: Partial<DeviceProfileInputs>): Found {
    const transportType = inputs.transport ?? (before.transport === undefined ? found.transportType : "DEFAULT");
    const chain = inputs.x509Chain;
    if (chain !== undefined && transportType !== "DEFAULT" && transportType !== "MQTT") throw new UserError(`device profile "${inputs.name}": ${neverHonoured(transportType)}`);
    const provision: ProvisionConfiguration | undefined = chain
        ? {
              type: "X509_CERTIFICATE_CHAIN",
              provisionDeviceSecret: toPem(readLeaf(chain.certificatePem).base64Der),
              certificateRegExPattern: chain.commonNamePattern,
              allowCreateNewDevicesByX509Certificate: chain.createDevices,
          }
        : before.x509Chain !== undefined
          ? { type: "DISABLED", provisionDeviceSecret: null }
          : undefined;
    return {
        ...found,
        name: inputs.name,
        transportType,
        ...(provision ? { provisionType: provision.type } : {}),
        profileData: {
            ...found.profileData,
            transportConfiguration: transport(found, transportType, inputs.mqtt, before.mqtt),
            ...(provision ? { provisionConfiguration: provision } : {}),
        },
    };
}

export const neverHonoured = (transport: string): string =>
    `ThingsBoard stores the X.509 chain strategy for transport ${transport}, but never honours it: it works for "DEFAULT" and "MQTT"`;

function transport(found: NewDeviceProfile, type: string, mqtt: MqttTopics | undefined, before: MqttTopics | undefined): TransportConfiguration {
    const there = found.profileData.transportConfiguration;
    if (type !== "MQTT") return there.type === type ? there : { type };
    const kept = there.type === "MQTT" ? there : usual;
    const field = <Value>(declared: Value | undefined, was: Value | undefined, here: Value | undefined, standard: Value): Value => declared ?? (was === undefined ? here : undefined) ?? standard;
    const payloadType = field(mqtt?.payloadType, before?.payloadType, kept.transportPayloadTypeConfiguration?.transportPayloadType, "JSON");
    const { proto } = mqtt ?? {};
    return {
        ...kept,
        deviceTelemetryTopic: field(mqtt?.telemetryTopic, before?.telemetryTopic, kept.deviceTelemetryTopic, usual.deviceTelemetryTopic),
        deviceAttributesTopic: field(mqtt?.attributesTopic, before?.attributesTopic, kept.deviceAttributesTopic, usual.deviceAttributesTopic),
        sendAckOnValidationException: field(mqtt?.acknowledgeInvalid, before?.acknowledgeInvalid, kept.sendAckOnValidationException, false),
        transportPayloadTypeConfiguration: proto
            ? {
                  transportPayloadType: payloadType,
                  deviceTelemetryProtoSchema: proto.telemetry,
                  deviceAttributesProtoSchema: proto.attributes,
                  deviceRpcRequestProtoSchema: proto.rpcRequest,
                  deviceRpcResponseProtoSchema: proto.rpcResponse,
              }
            : kept.transportPayloadTypeConfiguration?.transportPayloadType === payloadType
              ? kept.transportPayloadTypeConfiguration
              : { transportPayloadType: payloadType },
    };
}

const usual = { type: "MQTT", deviceTelemetryTopic: "v1/devices/me/telemetry", deviceAttributesTopic: "v1/devices/me/attributes" } satisfies TransportConfiguration as Required<Pick<TransportConfiguration, "type" | "deviceTelemetryTopic" | "deviceAttributesTopic">> & TransportConfiguration;

/** What the server holds in the place of what was declared. */
export function observedContent(found: DeviceProfile, state: DeviceProfileInputs & { readonly adopted: boolean }): Partial<DeviceProfileInputs> {
    const chain = observedChain(found, state);
    return {
        name: found.name,
        ...(state.transport === undefined ? {} : { transport: found.transportType }),
        ...(state.mqtt === undefined ? {} : { mqtt: observedMqtt(found.profileData.transportConfiguration, state.mqtt) }),
        ...(chain === undefined ? {} : { x509Chain: chain }),
    };
}

function observedMqtt(there: TransportConfiguration, declared: MqttTopics): MqttTopics {
    const payload = there.transportPayloadTypeConfiguration;
    return {
        ...(declared.telemetryTopic === undefined ? {} : { telemetryTopic: there.deviceTelemetryTopic ?? "" }),
        ...(declared.attributesTopic === undefined ? {} : { attributesTopic: there.deviceAttributesTopic ?? "" }),
        ...(declared.payloadType === undefined ? {} : { payloadType: payload?.transportPayloadType ?? "JSON" }),
        ...(declared.acknowledgeInvalid === undefined ? {} : { acknowledgeInvalid: there.sendAckOnValidationException === true }),
        ...(declared.proto === undefined
            ? {}
            : {
                  proto: {
                      telemetry: payload?.deviceTelemetryProtoSchema ?? "",
                      attributes: payload?.deviceAttributesProtoSchema ?? "",
                      rpcRequest: payload?.deviceRpcRequestProtoSchema ?? "",
                      rpcResponse: payload?.deviceRpcResponseProtoSchema ?? "",
                  },
              }),
    };
}

/** A strategy that somebody switched on in a profile of ours is drift, too: it lets devices in. Secrets of other strategies stay where they are. */
function observedChain(found: DeviceProfile, state: DeviceProfileInputs & { readonly adopted: boolean }): X509Chain | undefined {
    if (state.x509Chain === undefined && (state.adopted || found.provisionType === "DISABLED")) return undefined;
    if (found.provisionType !== "X509_CERTIFICATE_CHAIN") return { certificatePem: `(${found.provisionType})`, commonNamePattern: "", createDevices: false };
    const { provisionDeviceSecret, certificateRegExPattern, allowCreateNewDevicesByX509Certificate } = found.profileData.provisionConfiguration;
    return {
        certificatePem: samePem(provisionDeviceSecret ?? "", state.x509Chain?.certificatePem),
        commonNamePattern: certificateRegExPattern ?? "",
        createDevices: allowCreateNewDevicesByX509Certificate === true,
    };
}

/** ThingsBoard drops markers and line breaks of one certificate, and keeps them of several. */
function samePem(stored: string, declared: string | undefined): string {
    try {
        if (declared !== undefined && readLeaf(declared).base64Der === stored) return declared;
    } catch (error) {
        if (!(error instanceof UserError)) throw error;
    }
    return stored.includes("-----BEGIN") ? stored : toPem(stored);
}
