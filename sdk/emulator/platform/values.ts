// Turning JSON into values the way ThingsBoard does, and printing them again.
import { GsonError, parseGson, printGson, type Node } from "./gson";
import type { Point, Value } from "./keyValues";
import type { Milliseconds } from "./entities";

/** `Double.toString`: always with a fraction, with an exponent outside of 10^-3 … 10^7. */
export function javaDouble(number: number): string {
    if (!Number.isFinite(number)) return number > 0 ? "Infinity" : number < 0 ? "-Infinity" : "NaN";
    const size = Math.abs(number);
    if (size === 0) return Object.is(number, -0) ? "-0.0" : "0.0";
    if (size >= 1e-3 && size < 1e7) {
        const text = String(number);
        return text.includes(".") ? text : `${text}.0`;
    }
    const [mantissa = "", exponent = ""] = number.toExponential().split("e");
    return `${mantissa.includes(".") ? mantissa : `${mantissa}.0`}E${exponent.replace("+", "")}`;
}

const LONG_MAX = 9223372036854775807n;

function numeric(text: string): Value {
    const number = Number(text);
    if (!Number.isFinite(number)) return { kind: "string", text }; // too big for either kind of number
    const simpleDouble = text.includes(".") && !/e/i.test(text);
    if (simpleDouble || !Number.isInteger(number)) return { kind: "double", text: javaDouble(number) };
    const long = /e/i.test(text) ? BigInt(number) : BigInt(text);
    return long > LONG_MAX || long < -LONG_MAX - 1n ? { kind: "string", text } : { kind: "long", text: long.toString() };
}

/** Commons Lang's `NumberUtils.isParsable`: digits, at most one point, not at the end. */
const PARSABLE = /^-?\d*\.?\d+$/;

/** `undefined` for null, which is left out. */
function toValue(node: Node): Value | undefined {
    switch (node.is) {
        case "null":
            return undefined;
        case "boolean":
            return { kind: "boolean", text: String(node.value) };
        case "number":
            return numeric(node.text);
        case "string":
            // type cast: a text that looks like a number becomes one
            return PARSABLE.test(node.text) ? numeric(node.text) : { kind: "string", text: node.text };
        default:
            return { kind: "json", text: printGson(node) };
    }
}

function toValues(entries: ReadonlyMap<string, Node>): Map<string, Value> {
    const values = new Map<string, Value>();
    for (const [key, node] of entries) {
        const value = toValue(node);
        if (value) values.set(key, value);
    }
    return values;
}

/** One message of a device: values by key, each group with its time. An empty array has no group at all. */
export interface TelemetryGroup {
    readonly ts: Milliseconds;
    readonly values: ReadonlyMap<string, Value>;
}

export function parseTelemetry(text: string, now: Milliseconds): TelemetryGroup[] {
    const group = (node: Node): TelemetryGroup => {
        if (node.is !== "object") throw new GsonError(`Can't parse value: ${printGson(node)}`);
        const [ts, values] = [node.entries.get("ts"), node.entries.get("values")];
        if (ts && values) {
            if (values.is !== "object") throw new GsonError(`Can't parse value: ${printGson(values)}`);
            const time = ts.is === "number" || ts.is === "string" ? Number(ts.text) : NaN;
            if (!Number.isFinite(time)) throw new GsonError(`Can't parse value: ${printGson(ts)}`);
            return { ts: Math.trunc(time), values: toValues(values.entries) };
        }
        return { ts: now, values: toValues(node.entries) };
    };
    const root = parseGson(text);
    return root.is === "array" ? root.items.map(group) : [group(root)];
}

export function parseAttributes(text: string): Map<string, Value> {
    const root = parseGson(text);
    if (root.is !== "object") throw new GsonError(`Can't parse value: ${printGson(root)}`);
    return toValues(root.entries);
}

/** An attribute written over REST: there a text stays a text. */
export function attributeFromRest(value: unknown): Value {
    switch (typeof value) {
        case "string":
            return { kind: "string", text: value };
        case "boolean":
            return { kind: "boolean", text: String(value) };
        case "number":
            return numeric(Number.isInteger(value) ? BigInt(value).toString() : String(value));
        default:
            return { kind: "json", text: JSON.stringify(value) };
    }
}

/** As JSON of its own type. */
export const typed = (value: Value): string => (value.kind === "string" ? JSON.stringify(value.text) : value.text);

/** As the time series API shows it by default: everything is a text. */
export const asText = (value: Value): string => JSON.stringify(value.text);

export const at = (value: Value, ts: Milliseconds): Point => ({ ...value, ts });
