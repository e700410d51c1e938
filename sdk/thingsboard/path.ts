// Parts of addresses, and comparing what was sent with what is there.

import { isDeepStrictEqual } from "node:util";
import { UserError } from "../userError";

/** Nothing, `.` and `..` would lead to another place, in whatever way they are encoded. */
export function part(text: string): string {
    if (/^\.{0,2}$/.test(text)) throw new UserError(`"${text}" is neither an id nor a name that ThingsBoard can be asked for`);
    return encoded(text);
}

export function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
    const pairs = Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encoded(String(value))}`]));
    return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

/** Half a surrogate pair has no form in an address. */
function encoded(text: string): string {
    if (/\p{Cs}/u.test(text)) throw new UserError(`"${text}" holds half a character, which ThingsBoard can't be asked for`);
    return encodeURIComponent(text);
}

/** Whether two values are the same JSON, whatever the order of their keys. */
export function sameJson(a: unknown, b: unknown): boolean {
    return isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
}

/** In a search a backslash finds nothing at all: what is asked for is the longest piece without one. */
export function searchable(name: string): string {
    return name.split("\\").reduce((longest, piece) => (piece.length > longest.length ? piece : longest), "");
}
