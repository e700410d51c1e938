// The topics of the device API, and what a device profile may make of them.
import type { Device } from "../platform/entities";
import { isObject } from "../platform/json";
import type { Platform } from "../platform/platform";

export type Meaning =
    | { readonly is: "telemetry" | "attributes"; readonly format: "json" | "protobuf" }
    | { readonly is: "attributesRequest"; readonly response: string }
    | { readonly is: "accepted" } // RPC, claiming, firmware: acknowledged, nothing follows
    | { readonly is: "gateway" }
    | { readonly is: "unknown" };

export interface TopicRules {
    readonly telemetry: string;
    readonly attributes: string;
    readonly attributesSubscribe: string;
    /** What the payload of the configurable topics is read as. */
    readonly format: "json" | "protobuf";
    /** Acknowledges what can't be read, in 3.1.1 too, instead of closing. */
    readonly acknowledgeInvalid: boolean;
    readonly isGateway: boolean;
}

const TELEMETRY = "v1/devices/me/telemetry";
const ATTRIBUTES = "v1/devices/me/attributes";

export function topicRules(platform: Platform, device: Device): TopicRules {
    const transport = platform.store.deviceProfiles.get(device.deviceProfileId)?.profileData["transportConfiguration"];
    const mqtt = isObject(transport) && transport["type"] === "MQTT" ? transport : {};
    const payload = isObject(mqtt["transportPayloadTypeConfiguration"]) ? mqtt["transportPayloadTypeConfiguration"] : {};
    const protobuf = payload["transportPayloadType"] === "PROTOBUF" && payload["enableCompatibilityWithJsonPayloadFormat"] !== true;
    const topic = (name: string, usual: string): string => (typeof mqtt[name] === "string" && mqtt[name] !== "" ? mqtt[name] : usual);
    return {
        telemetry: topic("deviceTelemetryTopic", TELEMETRY),
        attributes: topic("deviceAttributesTopic", ATTRIBUTES),
        attributesSubscribe: topic("deviceAttributesSubscribeTopic", ATTRIBUTES),
        format: protobuf ? "protobuf" : "json",
        acknowledgeInvalid: mqtt["sendAckOnValidationException"] === true,
        isGateway: isObject(device.additionalInfo) && device.additionalInfo["gateway"] === true,
    };
}

const SHORT = /^v2\/(t|a)(?:\/(j|p))?$/;
const ATTRIBUTES_REQUEST = /^(?:v1\/devices\/me\/attributes\/request|(v2\/a)\/req(\/[jp])?)\/([^/]+)$/;
const ACCEPTED = /^(?:v1\/devices\/me\/(?:rpc\/(?:request|response)\/.+|claim)|v2\/r\/(?:req|res)\/.+|v2\/[fs]w\/request\/.+\/chunk\/.+)$/;

export function meaning(rules: TopicRules, topic: string): Meaning {
    if (topic.startsWith("v1/gateway/")) return { is: "gateway" };
    if (matches(rules.telemetry, topic)) return { is: "telemetry", format: rules.format };
    if (matches(rules.attributes, topic)) return { is: "attributes", format: rules.format };
    const short = SHORT.exec(topic);
    if (short) return { is: short[1] === "t" ? "telemetry" : "attributes", format: short[2] === "p" ? "protobuf" : "json" };
    const [, shortBase, format = "", requestId] = ATTRIBUTES_REQUEST.exec(topic) ?? [];
    if (requestId) return { is: "attributesRequest", response: shortBase ? `${shortBase}/res${format}/${requestId}` : `${ATTRIBUTES}/response/${requestId}` };
    return ACCEPTED.test(topic) ? { is: "accepted" } : { is: "unknown" };
}

/** Each also with `j` or `p` for the format of what is sent there. */
const formats = (before: string, after = ""): string[] => ["", "/j", "/p"].map((format) => `${before}${format}${after}`);

const ATTRIBUTES_TOPICS = new Set([ATTRIBUTES, ...formats("v2/a")]);
const SUBSCRIBABLE = new Set([
    ...ATTRIBUTES_TOPICS,
    "v1/devices/me/attributes/response/+",
    "v1/devices/me/rpc/request/+",
    "v1/devices/me/rpc/response/+",
    ...formats("v2/a/res", "/+"),
    ...formats("v2/r/req", "/+"),
    ...formats("v2/r/res", "/+"),
    ...["fw", "sw"].flatMap((kind) => [`v2/${kind}/response/+/chunk/+`, `v2/${kind}/error`]),
    "v1/gateway/attributes",
    "v1/gateway/attributes/response",
    "v1/gateway/rpc",
]);

/** The one topic that a provisioning session may listen to. */
export const PROVISION_RESPONSE = "/provision/response";

export const isAttributesTopic = (rules: TopicRules, filter: string): boolean => ATTRIBUTES_TOPICS.has(filter) || filter === rules.attributesSubscribe;
export const isSubscribable = (rules: TopicRules, filter: string): boolean => SUBSCRIBABLE.has(filter) || filter === rules.attributesSubscribe;

/** Topic filter of MQTT: `+` is one level, `#` the rest. */
export function matches(filter: string, topic: string): boolean {
    if (filter === topic) return true;
    const [wanted, levels] = [filter.split("/"), topic.split("/")];
    for (const [i, level] of wanted.entries()) {
        if (level === "#") return true;
        if (levels[i] === undefined || (level !== "+" && level !== levels[i])) return false;
    }
    return wanted.length === levels.length;
}
