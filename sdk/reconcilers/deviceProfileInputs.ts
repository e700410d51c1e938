// What can be wrong with a declared device profile, said before anything is sent.

import { rootCertificates } from "node:tls";
import type { dynamic } from "@pulumi/pulumi";
import { shown } from "../printable";
import { UserError } from "../userError";
import { readAuthority, subjectOf } from "../x509/chain";
import { patternFault } from "../x509/commonNamePattern";
import { claim } from "./claims";
import type { DeviceProfileInputs, X509Chain } from "./deviceProfile";
import { neverHonoured } from "./deviceProfileContent";
import { driftFailures } from "./drift";
import { isUnknown } from "./reconciler";

const maxName = 255;

export function profileFailures(olds: Partial<DeviceProfileInputs>, news: DeviceProfileInputs, now: Date): dynamic.CheckFailure[] {
    const failures: dynamic.CheckFailure[] = [];
    const profile = isUnknown(news.name) ? "device profile" : `device profile "${news.name}"`;
    // The engine shows the whole value of a property that is named: none is, where that would be a page of PEM.
    const fail = (property: string, reason: string) => failures.push({ property, reason: `${profile}: ${reason}` });
    const known = <Value>(value: Value | undefined): value is Value => value !== undefined && !isUnknown(value);

    if (known(news.name)) {
        const { name } = news;
        if (typeof name !== "string" || name.trim() === "") fail("name", "name is blank");
        else if (name.length > maxName) fail("name", `name has ${name.length} characters: ThingsBoard takes at most ${maxName}`);
        const other = claim("device profile name", name, news.declaredBy, news.declaredBy);
        if (other !== undefined) fail("name", `it is declared twice in this program, also as ${other}: names are unique on a ThingsBoard`);
    }
    for (const property of ["name", "description"] as const) {
        if (known(news[property]) && /<\s*[a-z!/]/i.test(news[property])) fail(property, `${property} looks like HTML, which ThingsBoard refuses`);
    }
    if (known(news.transport) && !["DEFAULT", "MQTT"].includes(news.transport)) {
        const why = news.x509Chain !== undefined && ["COAP", "LWM2M", "SNMP"].includes(news.transport) ? neverHonoured(news.transport) : 'expected "DEFAULT" or "MQTT"';
        fail("transport", `transport is ${shown(news.transport)}: ${why}`);
    }
    if (known(news.onDelete) && !["delete", "keep"].includes(news.onDelete)) fail("onDelete", `onDelete is ${shown(news.onDelete)}: expected "delete" or "keep"`);
    failures.push(...driftFailures(profile, olds, news));
    mqttFaults(news).forEach(fault => fail("", fault));
    if (typeof news.x509Chain === "object") chainFailures(news.x509Chain, olds.x509Chain, news.declaredBy, fail, now);
    return failures;
}

function mqttFaults({ mqtt, transport }: DeviceProfileInputs): string[] {
    if (mqtt === undefined) return [];
    const faults: string[] = [];
    if (!isUnknown(transport) && transport !== "MQTT") faults.push('mqtt needs transport: "MQTT": with "DEFAULT" ThingsBoard has its own topics');
    const { telemetryTopic, attributesTopic, payloadType, proto } = mqtt;
    for (const [field, topic] of Object.entries({ telemetryTopic, attributesTopic })) {
        if (topic !== undefined && !isUnknown(topic) && (topic.trim() === "" || /#./.test(topic))) faults.push(`mqtt.${field} is ${shown(topic)}: expected a topic`);
    }
    if (telemetryTopic !== undefined && telemetryTopic === attributesTopic && !isUnknown(telemetryTopic)) faults.push(`mqtt.telemetryTopic and mqtt.attributesTopic are both ${JSON.stringify(telemetryTopic)}: ThingsBoard tells telemetry from attributes by the topic`);
    if (payloadType !== undefined && !isUnknown(payloadType) && !["JSON", "PROTOBUF"].includes(payloadType)) faults.push(`mqtt.payloadType is ${shown(payloadType)}: expected "JSON" or "PROTOBUF"`);
    if (payloadType === "PROTOBUF" && proto === undefined) faults.push('mqtt.payloadType "PROTOBUF" needs mqtt.proto: the schemas of telemetry, attributes, rpcRequest and rpcResponse');
    return faults;
}

function chainFailures(chain: X509Chain, before: X509Chain | undefined, declaredBy: string, fail: (property: string, reason: string) => void, now: Date): void {
    if (!isUnknown(chain.commonNamePattern)) {
        const fault = patternFault(chain.commonNamePattern);
        if (fault) fail("", `x509Chain.commonNamePattern ${fault}`);
    }
    if (isUnknown(chain.certificatePem)) return;
    try {
        // One that is there already and has expired since is reported by its resource, and stops no deployment.
        const authority = readAuthority(chain.certificatePem, "the authority's certificate", before?.certificatePem === chain.certificatePem ? new Date(0) : now);
        if (publicAuthorities().has(authority.raw.toString("base64"))) {
            fail("", `${subjectOf(authority)} is a public authority: whoever gets a certificate from it could enrol, and ThingsBoard refuses it; use a CA of your own`);
        }
        const other = claim("authority of device profile", authority.fingerprint256, declaredBy, declaredBy);
        if (other !== undefined) fail("", `the authority ${subjectOf(authority)} is also in the profile of ${other} in this program: ThingsBoard takes a CA in one profile only, so use one CA for each`);
    } catch (error) {
        if (!(error instanceof UserError)) throw error;
        fail("", `x509Chain: ${error.message}`);
    }
}

let known: ReadonlySet<string> | undefined;
const publicAuthorities = (): ReadonlySet<string> => (known ??= new Set(rootCertificates.map(pem => pem.replace(/-----[^-]+-----|\s/g, ""))));
