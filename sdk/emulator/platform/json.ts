// Reading fields of a request body the way Jackson does: scalars are coerced, the wrong shape is a 500.
import { general, unreadable } from "./errors";
import { toUuid, type Uuid } from "./ids";

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
    [key: string]: Json | undefined;
}

export const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

const shape = (value: Json): string =>
    Array.isArray(value) ? "Array value (token `JsonToken.START_ARRAY`)"
    : isObject(value) ? "Object value (token `JsonToken.START_OBJECT`)"
    : typeof value === "string" ? `String "${value}"`
    : `${typeof value === "number" ? "Integer" : "Boolean"} value`;

const cannot = (type: string, value: Json, why = ""): Error => unreadable(`Cannot deserialize value of type \`${type}\` from ${shape(value)}${why}`);

export function parseObject(text: string, type: string): JsonObject {
    if (text.trim() === "") throw general(`Required request body is missing: ${type}`);
    let value: Json;
    try {
        value = JSON.parse(text) as Json;
    } catch (error) {
        throw unreadable(error instanceof Error ? error.message : "unexpected end of input");
    }
    if (value === null) throw general(`Required request body is missing: ${type}`);
    if (!isObject(value)) throw cannot(type, value);
    return value;
}

export function object(value: Json | undefined, type: string): JsonObject | undefined {
    if (value === undefined || value === null) return undefined;
    if (!isObject(value)) throw cannot(type, value);
    return value;
}

export function string(value: Json | undefined): string | null {
    if (value === undefined || value === null) return null;
    if (typeof value === "object") throw cannot("java.lang.String", value);
    return String(value);
}

export function integer(value: Json | undefined): number | null {
    if (value === undefined || value === null || value === "") return null;
    const number = typeof value === "string" ? Number(value) : value;
    if (typeof number !== "number" || !Number.isFinite(number)) throw cannot("java.lang.Long", value, typeof value === "string" ? ": not a valid `java.lang.Long` value" : "");
    return Math.trunc(number);
}

export function boolean(value: Json | undefined): boolean {
    if (value === undefined || value === null || value === "") return false;
    if (typeof value === "boolean") return value;
    if (typeof value === "number") return value !== 0;
    if (value === "true" || value === "True" || value === "TRUE") return true;
    if (value === "false" || value === "False" || value === "FALSE") return false;
    throw cannot("boolean", value, typeof value === "string" ? ': only "true" or "false" recognized' : "");
}

export function oneOf<T extends string>(value: Json | undefined, allowed: readonly T[], type: string): T | null {
    const text = string(value);
    if (text === null || text === "") return null;
    if (!(allowed as readonly string[]).includes(text)) throw cannot(type, text, `: not one of the values accepted for Enum class: [${allowed.join(", ")}]`);
    return text as T;
}

/** `{ entityType, id }`. `null` where an object has no id in it: the caller says what that means. */
export function entityId(value: Json | undefined, type: string): Uuid | null | undefined {
    const reference = object(value, type);
    if (!reference) return undefined;
    const text = string(reference["id"]);
    if (text === null) return null;
    const id = toUuid(text);
    if (!id) throw unreadable(`Invalid UUID string: ${text}`);
    return id;
}

/** A row id, `{ id }`: read by Jackson itself, whose text differs. */
export function rowId(value: Json | undefined, type: string): Uuid | undefined {
    const text = string(object(value, type)?.["id"]);
    if (text === null) return undefined;
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw cannot("java.util.UUID", text, ": UUID has to be represented by standard 36-char representation");
    return text.toLowerCase();
}
