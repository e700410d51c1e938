// Identifiers as ThingsBoard makes them: time-based UUIDs, access tokens, hashes.
import { createHash, randomBytes, randomInt } from "node:crypto";
import { badRequest } from "./errors";

export type Uuid = string;

/** Stands for "nobody" wherever an owner is optional. */
export const NULL_ID: Uuid = "13814000-1dd2-11b2-8080-808080808080";

const GREGORIAN = 122192928000000000n; // 100 ns steps from 1582 to 1970
const node = `${(randomInt(0x3fff) | 0x8000).toString(16)}-${randomBytes(6).toString("hex")}`;
let last = 0n;

export function newId(): Uuid {
    let ticks = BigInt(Date.now()) * 10000n + GREGORIAN;
    if (ticks <= last) ticks = last + 1n;
    last = ticks;
    const hex = ticks.toString(16).padStart(15, "0");
    return `${hex.slice(7)}-${hex.slice(3, 7)}-1${hex.slice(0, 3)}-${node}`;
}

const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export function randomAlphanumeric(length: number): string {
    let text = "";
    while (text.length < length) {
        for (const byte of randomBytes(length)) {
            if (byte < 248 && text.length < length) text += ALPHANUMERIC[byte % 62];
        }
    }
    return text;
}

/** Prefix, then 64 random bytes, 89 characters in all. */
export const newApiKey = (): string => `tb_${randomBytes(64).toString("base64url")}`;

const JAVA_UUID = /^([0-9a-f]{1,8})-([0-9a-f]{1,4})-([0-9a-f]{1,4})-([0-9a-f]{1,4})-([0-9a-f]{1,12})$/i;
const WIDTHS = [8, 4, 4, 4, 12];

/** `UUID.fromString`: short groups are padded, so "1-1-1-1-1" is an id (of nothing). */
export function toUuid(text: string): Uuid | undefined {
    const groups = JAVA_UUID.exec(text)?.slice(1);
    return groups?.map((group, i) => group.toLowerCase().padStart(WIDTHS[i] ?? 0, "0")).join("-");
}

/** An id in a path or a query. */
export function pathId(text: string): Uuid {
    const id = toUuid(text);
    if (!id) throw badRequest(`Invalid UUID string: ${text}`);
    return id;
}

export const sha3 = (text: string): string => createHash("sha3-256").update(text).digest("hex");

/** What ThingsBoard takes away from a certificate before it hashes and stores it. Blanks and anything else stay. */
export const trimCertificate = (pem: string): string => pem.replace(/-----(?:BEGIN|END) CERTIFICATE-----|[\r\n]/g, "");
