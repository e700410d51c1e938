// Profiles that can't work, each with its sentence; and what an old program of the same stack may keep.

import { rootCertificates } from "node:tls";
import { runtime } from "@pulumi/pulumi";
import { expect, test } from "vitest";
import type { DeviceProfileInputs } from "../../../sdk/reconcilers/deviceProfile";
import { profileFailures } from "../../../sdk/reconcilers/deviceProfileInputs";
import { rootAuthority } from "../../support/openssl";
import { issue } from "../mqtt/certificates";

const now = new Date();
let count = 0;
const declared = (more: Partial<DeviceProfileInputs>): DeviceProfileInputs => ({ name: `pumps-${++count}`, declaredBy: `fleet/dev/${count}`, ...more });
const chain = (more: Partial<NonNullable<DeviceProfileInputs["x509Chain"]>> = {}) => ({ certificatePem: rootAuthority(`Root ${count}`).certificatePem, commonNamePattern: "(.*)", createDevices: true, ...more });
const said = (news: DeviceProfileInputs, olds: Partial<DeviceProfileInputs> = {}, at = now) => profileFailures(olds, news, at).map(({ reason }) => reason).join("\n");

test("good ones, and what is not known yet, pass", () => {
    expect(said(declared({ x509Chain: chain(), transport: "MQTT", mqtt: { telemetryTopic: "pumps/t", payloadType: "JSON" } }))).toBe("");
    expect(said(declared({ name: "n".repeat(255), description: "3 < 4", transport: "DEFAULT", onDelete: "keep", onDrift: "repair" }))).toBe("");
    expect(said(declared({ transport: "MQTT", mqtt: { telemetryTopic: "site/+/t", attributesTopic: "site/#", payloadType: "PROTOBUF", proto: { telemetry: "t", attributes: "a", rpcRequest: "q", rpcResponse: "r" } } }))).toBe("");
    const unknown = runtime.unknownValue;
    expect(said(declared({ transport: unknown, description: unknown, onDelete: unknown as "keep", onDrift: unknown as "fail", mqtt: { telemetryTopic: unknown, attributesTopic: unknown, payloadType: unknown } }))).toBe("");
    expect(said(declared({ name: unknown, transport: unknown, x509Chain: { certificatePem: unknown, commonNamePattern: unknown, createDevices: true } }))).toBe("");
});

test.each<[string, () => Partial<DeviceProfileInputs>]>([
    ["name is blank", () => ({ name: " " })],
    ["name has 256 characters: ThingsBoard takes at most 255", () => ({ name: "n".repeat(256) })],
    ["name looks like HTML", () => ({ name: "<b>" })],
    ["description looks like HTML", () => ({ description: "see < a href=x>" })],
    ['onDelete is "drop": expected "delete" or "keep"', () => ({ onDelete: "drop" as "keep" })],
    ['onDrift is "ignore"', () => ({ onDrift: "ignore" as "fail" })],
    ['transport is "LWM2M": expected "DEFAULT" or "MQTT"', () => ({ transport: "LWM2M" })],
    ['mqtt.telemetryTopic is " ": expected a topic', () => ({ transport: "MQTT", mqtt: { telemetryTopic: " " } })],
    ['mqtt.attributesTopic is "a/#/b": expected a topic', () => ({ transport: "MQTT", mqtt: { attributesTopic: "a/#/b" } })],
    ['mqtt.payloadType is "XML": expected "JSON" or "PROTOBUF"', () => ({ transport: "MQTT", mqtt: { payloadType: "XML" } })],
    ['transport is "HTTP": expected "DEFAULT" or "MQTT"', () => ({ transport: "HTTP" })],
    ["stores the X.509 chain strategy for transport LWM2M, but never honours it", () => ({ transport: "LWM2M", x509Chain: chain() })],
    ["stores the X.509 chain strategy for transport COAP, but never honours it", () => ({ transport: "COAP", x509Chain: chain() })],
    ['mqtt needs transport: "MQTT"', () => ({ mqtt: { telemetryTopic: "t" } })],
    ["ThingsBoard tells telemetry from attributes by the topic", () => ({ transport: "MQTT", mqtt: { telemetryTopic: "t", attributesTopic: "t" } })],
    ['mqtt.payloadType "PROTOBUF" needs mqtt.proto', () => ({ transport: "MQTT", mqtt: { payloadType: "PROTOBUF" } })],
    ["x509Chain.commonNamePattern has no group", () => ({ x509Chain: chain({ commonNamePattern: ".*" }) })],
    ["is a public authority: whoever gets a certificate from it could enrol", () => ({ x509Chain: chain({ certificatePem: rootCertificates[0]! }) })],
    ['the authority\'s certificate is no certificate authority: "CN=pump" may not sign others', () => ({ x509Chain: chain({ certificatePem: issue("pump").certificatePem }) })],
    ["the authority's certificate holds a PRIVATE KEY: only certificates belong there", () => ({ x509Chain: chain({ certificatePem: rootAuthority("key").privateKeyPem }) })],
])("%s", (sentence, more) => {
    expect(said(declared(more()))).toContain(sentence);
});

test("an authority that expired stops a new profile, and not one that has it already", () => {
    const news = declared({ x509Chain: chain() });
    const later = new Date(now.getTime() + 31 * 86_400_000);
    expect(said(news, {}, later)).toContain(`expired on`);
    expect(said(news, news, later)).toBe("");
});

test("two profiles of one program can't have one name, nor one authority", () => {
    const x509Chain = chain();
    expect(said(declared({ name: "twice", x509Chain }))).toBe("");
    expect(said(declared({ name: "twice", x509Chain }))).toMatch(/it is declared twice in this program.*\n.*is also in the profile of fleet\/dev\/\d+ in this program/);
});
