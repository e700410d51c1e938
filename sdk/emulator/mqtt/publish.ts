// What becomes of a message of a device.
import type { IPublishPacket } from "mqtt-packet";
import { deviceActive } from "../platform/deviceState";
import { GsonError, parseGson } from "../platform/gson";
import type { Uuid } from "../platform/ids";
import type { Value } from "../platform/keyValues";
import type { Platform } from "../platform/platform";
import { at, parseAttributes, parseTelemetry, typed } from "../platform/values";
import { CODES } from "./codes";
import { meaning, type TopicRules } from "./topics";

export type Reaction =
    | { readonly is: "acknowledge"; readonly code: number }
    | { readonly is: "close"; readonly code: number }
    | { readonly is: "nothing" }
    | { readonly is: "respond"; readonly topic: string; readonly payload: string };

export interface Storing {
    /** Runs `write` once PUBACK is on its way: an acknowledged value is not yet a stored one. */
    later(write: () => void): void;
}

const acknowledge = (code: number = CODES.success): Reaction => ({ is: "acknowledge", code });

export function react(platform: Platform, deviceId: Uuid, rules: TopicRules, protocolVersion: number, packet: IPublishPacket, storing: Storing): Reaction {
    const { topic, payload } = packet;
    const what = meaning(rules, topic);
    deviceActive(platform, deviceId);
    switch (what.is) {
        case "gateway":
            // from a device that is no gateway: logged, and no answer at all
            return rules.isGateway ? acknowledge() : { is: "nothing" };
        case "unknown":
            // 3.1.1 has no codes in PUBACK: there it looks like success
            return acknowledge(CODES.invalidTopicName);
        case "accepted":
            return acknowledge();
        case "telemetry":
        case "attributes":
        case "attributesRequest":
            try {
                if (what.is === "attributesRequest") return { is: "respond", topic: what.response, payload: requested(platform, deviceId, payload.toString()) };
                if (what.format === "protobuf") throw new GsonError("Protocol Buffers are not read here");
                return what.is === "telemetry"
                    ? storeTelemetry(platform, deviceId, payload.toString(), storing)
                    : storeAttributes(platform, deviceId, payload.toString(), storing);
            } catch (error) {
                if (!(error instanceof GsonError)) throw error;
                const answered = packet.qos > 0 && (protocolVersion === 5 || rules.acknowledgeInvalid);
                return answered ? acknowledge(CODES.invalidPayload) : { is: "close", code: CODES.invalidPayload };
            }
    }
}

function storeTelemetry(platform: Platform, deviceId: Uuid, text: string, storing: Storing): Reaction {
    const groups = parseTelemetry(text, platform.now());
    if (groups.length === 0) return { is: "nothing" }; // an empty array is never acknowledged
    for (const { ts, values } of groups) {
        each(platform, deviceId, values, storing, (key, value) => platform.store.keyValues.addPoint(deviceId, key, at(value, ts)));
    }
    return acknowledge();
}

function storeAttributes(platform: Platform, deviceId: Uuid, text: string, storing: Storing): Reaction {
    const values = parseAttributes(text);
    each(platform, deviceId, values, storing, (key, value) => platform.store.keyValues.setAttribute(deviceId, "CLIENT_SCOPE", key, at(value, platform.now())));
    return acknowledge();
}

/** The keys of one message become visible one by one. */
function each(platform: Platform, deviceId: Uuid, values: ReadonlyMap<string, Value>, storing: Storing, write: (key: string, value: Value) => void): void {
    for (const [key, value] of values) {
        storing.later(() => {
            if (platform.store.devices.get(deviceId)) write(key, value);
        });
    }
}

/** `{"clientKeys":"a,b","sharedKeys":"c"}`; without either, everything. */
function requested(platform: Platform, deviceId: Uuid, text: string): string {
    const root = parseGson(text);
    if (root.is !== "object") throw new GsonError("Can't parse value");
    const wanted = (name: string): string[] | undefined => {
        const node = root.entries.get(name);
        return node?.is === "string" ? node.text.split(",").map((key) => key.trim()) : undefined;
    };
    const [client, shared] = [wanted("clientKeys"), wanted("sharedKeys")];
    const all = !client && !shared;
    const print = (scope: "CLIENT_SCOPE" | "SHARED_SCOPE", keys: string[] | undefined): string | undefined => {
        if (!keys && !all) return undefined;
        const values = [...platform.store.keyValues.attributes(deviceId, scope)].filter(([key]) => !keys || keys.includes(key));
        return values.length > 0 ? objectOf(values) : undefined;
    };
    const parts = Object.entries({ client: print("CLIENT_SCOPE", client), shared: print("SHARED_SCOPE", shared) });
    return `{${parts.flatMap(([name, part]) => (part ? [`"${name}":${part}`] : [])).join(",")}}`;
}

export const objectOf = (values: Iterable<readonly [string, Value]>): string =>
    `{${[...values].map(([key, value]) => `${JSON.stringify(key)}:${typed(value)}`).join(",")}}`;
