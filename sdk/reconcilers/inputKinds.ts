// What kind of value each input is. The compiler sees to it in TypeScript; a JavaScript program, or values that come out of
// configuration, may have anything there, and are told so before any other check looks into it.

import type { dynamic } from "@pulumi/pulumi";
import type { DeviceInputs } from "./device";
import type { DeviceCredentialInputs } from "./deviceCredential";
import type { DeviceProfileInputs } from "./deviceProfile";
import type { PublishCheckInputs } from "./publishCheck";
import { isUnknown } from "./reconciler";
import type { ServerChainInputs } from "./serverChain";

type Kind = "text" | "number" | "flag" | "map" | "texts";
type KindOf<Value> = Value extends string ? "text" : Value extends number ? "number" : Value extends boolean ? "flag" : Value extends readonly unknown[] ? "texts" : "map";
/** So that the compiler says where this list and the inputs differ. */
type KindsOf<Inputs> = { readonly [Input in keyof Inputs]?: KindOf<NonNullable<Inputs[Input]>> };

interface Kinds {
    readonly Device: KindsOf<DeviceInputs>;
    readonly DeviceCredential: KindsOf<DeviceCredentialInputs>;
    readonly DeviceProfile: KindsOf<DeviceProfileInputs>;
    readonly PublishCheck: KindsOf<PublishCheckInputs>;
    readonly ServerChain: KindsOf<ServerChainInputs>;
}

/** What other checks say better is left to them. */
const kinds: Kinds = {
    Device: { name: "text", label: "text", deviceProfile: "text", customer: "text", owner: "text", groups: "texts", gateway: "flag", attributes: "map", additionalInfo: "map", adopt: "flag", onDelete: "text", onDrift: "text" },
    DeviceCredential: { deviceId: "text", deviceName: "text", certificatePem: "text", adopt: "flag", onDelete: "text", onDrift: "text", ignoreServerRotation: "flag" },
    DeviceProfile: { name: "text", description: "text", transport: "text", mqtt: "map", x509Chain: "map", ruleChain: "text", dashboard: "text", default: "flag", adopt: "flag", onDelete: "text", onDrift: "text" },
    PublishCheck: { deviceId: "text", deviceName: "text", mode: "text", certificatePem: "text", privateKeyPem: "text", verifyStored: "text", onFailure: "text", rollback: "flag", topic: "text", payload: "text", mqttVersion: "text", caPem: "text" },
    ServerChain: { source: "text", caPem: "text", host: "text", port: "number", fingerprint: "text" },
};
const nested: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Kind>>>>>> = {
    DeviceProfile: { mqtt: { telemetryTopic: "text", attributesTopic: "text", payloadType: "text", acknowledgeInvalid: "flag", proto: "map" }, x509Chain: { certificatePem: "text", commonNamePattern: "text", createDevices: "flag" } },
};

/** @returns no failures for a type whose inputs are not the user's own */
export function kindFailures(type: string, inputs: object): dynamic.CheckFailure[] {
    const named = inputs as Readonly<Record<string, unknown>>;
    const name = [named["name"], named["deviceName"], named["deviceId"]].find((value): value is string => typeof value === "string" && value.length <= 255 && !isUnknown(value));
    const subject = name === undefined ? type : `${type} "${name}"`;
    return faultsIn((kinds as unknown as Readonly<Record<string, Readonly<Record<string, Kind>>>>)[type] ?? {}, named, nested[type] ?? {}).map(fault => ({ property: "", reason: `${subject}: ${fault}` }));
}

function faultsIn(expected: Readonly<Record<string, Kind>>, values: Readonly<Record<string, unknown>>, below: Readonly<Record<string, Readonly<Record<string, Kind>>>>, path = ""): string[] {
    return Object.entries(expected).flatMap(([property, kind]) => {
        const value = values[property];
        if (value === undefined || isText(value, kind)) return [];
        if (!is[kind](value)) return [`${path}${property} is ${words(value)}: expected ${expectations[kind]}`];
        const inner = below[property];
        return inner === undefined ? [] : faultsIn(inner, value as Readonly<Record<string, unknown>>, {}, `${property}.`);
    });
}

/** Not known yet: the engine sends a text of its own. */
const isText = (value: unknown, kind: Kind): boolean => typeof value === "string" && (kind === "text" || isUnknown(value));

const is: Readonly<Record<Kind, (value: unknown) => boolean>> = {
    text: value => typeof value === "string",
    number: value => typeof value === "number",
    flag: value => typeof value === "boolean",
    map: value => typeof value === "object" && value !== null && !Array.isArray(value),
    texts: value => Array.isArray(value) && value.every(item => typeof item === "string"),
};

const expectations: Readonly<Record<Kind, string>> = { text: "text", number: "a number", flag: "true or false", map: "an object", texts: "a list of texts" };

/** Never the value, which may be a secret in the wrong place. */
const words = (value: unknown): string => (value === null ? "null" : Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `of type ${typeof value}`);
