// Input that was good once, and any input: what a fuzz run is made of.

import fc from "fast-check";
import { expect } from "vitest";
import { Unfinished } from "../../sdk/reconcilers/reconciler";
import { UserError } from "../../sdk/userError";

type Edit = (text: string) => string;

const place = fc.double({ min: 0, max: 1, noNaN: true });
const anyText = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: "binary", maxLength: 10 }), fc.constantFrom("\0", "\r\n", "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "=", "\u2028", "💥", "A".repeat(300)));

const edit: fc.Arbitrary<Edit> = fc.oneof(
    fc.tuple(place, anyText).map(([where, added]): Edit => text => text.slice(0, where * text.length) + added + text.slice(where * text.length)),
    fc.tuple(place, fc.nat(80)).map(([where, length]): Edit => text => text.slice(0, where * text.length) + text.slice(where * text.length + length)),
    fc.tuple(place, fc.nat(200)).map(([where, length]): Edit => text => text.slice(0, where * text.length + length) + text.slice(where * text.length)),
    fc.tuple(place, fc.string({ minLength: 1, maxLength: 2 })).map(([where, other]): Edit => text => text.slice(0, where * text.length) + other + text.slice(where * text.length + other.length)),
    place.map((where): Edit => text => text.slice(0, where * text.length)),
);

/** One of these texts with a few things wrong in it, two of them run into each other, or any text at all. */
export const spoiled = (texts: readonly string[]): fc.Arbitrary<string> =>
    fc.oneof(
        { weight: 8, arbitrary: fc.tuple(fc.constantFrom(...texts), fc.array(edit, { minLength: 1, maxLength: 3 })).map(([text, edits]) => edits.reduce((whole, change) => change(whole), text)) },
        { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...texts), fc.constantFrom(...texts), place, place).map(([a, b, i, j]) => a.slice(0, i * a.length) + b.slice(j * b.length)) },
        { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
        { weight: 1, arbitrary: fc.constantFrom(...texts) },
    );

/** DER with a few bytes changed, in its PEM: it gets further into the parsers than torn text. */
export const spoiledPem = (label: string, ders: readonly Buffer[]): fc.Arbitrary<string> =>
    fc.tuple(fc.constantFrom(...ders), fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 })).map(([der, changes]) => {
        const bytes = Buffer.from(der);
        for (const [where, byte] of changes) bytes[Math.min(bytes.length - 1, Math.floor(where * bytes.length))] = byte;
        return `-----BEGIN ${label}-----\n${bytes.toString("base64").replace(/.{64}/g, "$&\n")}\n-----END ${label}-----\n`;
    });

export const spoiledBytes = (packets: readonly Buffer[]): fc.Arbitrary<Buffer> =>
    fc.oneof(
        {
            weight: 4,
            arbitrary: fc.tuple(fc.constantFrom(...packets), fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 3 }), place).map(([packet, changes, end]) => {
                const bytes = Buffer.from(packet);
                for (const [where, byte] of changes) bytes[Math.min(bytes.length - 1, Math.floor(where * bytes.length))] = byte;
                return end < 0.2 ? bytes.subarray(0, Math.ceil(end * 5 * bytes.length)) : bytes;
            }),
        },
        { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...packets), fc.constantFrom(...packets)).map(both => Buffer.concat(both)) },
        { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes)) },
    );

/** What JSON may hold where something else was expected. */
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(
    fc.constantFrom<unknown>(null, true, false, "", 0, -1, 1.5, 1e20, 1e308, 8_640_000_000_000_001, [], {}, [null], [[]], "x", "<", "__proto__", "constructor", "💥", "a".repeat(3000), { id: null }, { id: 5 }, { id: { id: "x" } }),
    fc.jsonValue({ maxDepth: 3 }),
);

type Path = readonly (string | number)[];

function pathsIn(value: unknown, at: Path = []): Path[] {
    if (typeof value !== "object" || value === null) return [at];
    return [at, ...Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...at, Array.isArray(value) ? Number(key) : key]))];
}

function changed(value: unknown, [key, ...rest]: Path, to: { put: unknown } | "removed"): unknown {
    if (key === undefined) return to === "removed" ? undefined : to.put;
    if (Array.isArray(value)) return value.flatMap((inner: unknown, index) => (index !== key ? [inner] : rest.length === 0 && to === "removed" ? [] : [changed(inner, rest, to)]));
    return Object.fromEntries(Object.entries(value as object).flatMap(([name, inner]) => (name !== key ? [[name, inner]] : rest.length === 0 && to === "removed" ? [] : [[name, changed(inner, rest, to)]])));
}

/** JSON of the right shape but for some values that are missing or something else. */
export const spoiledJson = (values: readonly unknown[]): fc.Arbitrary<unknown> =>
    fc
        .tuple(fc.constantFrom(...values), fc.array(fc.tuple(place, fc.option(anyJson.map(put => ({ put })), { nil: "removed" as const, freq: 3 })), { minLength: 1, maxLength: 2 }))
        .map(([value, changes]) =>
            changes.reduce<unknown>((whole, [where, to]) => {
                const paths = pathsIn(whole);
                return changed(whole, paths[Math.min(paths.length - 1, Math.floor(where * paths.length))]!, to);
            }, value),
        );

/** What JavaScript itself says when code meets what it did not expect. */
const crash = /Cannot (read|set|destructure|convert)|is not (a function|iterable|defined|a constructor)|Invalid (time value|array length|string length|URL)|Maximum call stack|of undefined|of null|is not an Object|must be of type/;

/** A value, or an error of ours whose sentence is short enough to be read. Anything else is a bug and is thrown. */
export async function decent<Value>(run: () => Value | Promise<Value>): Promise<Value | undefined> {
    try {
        return await run();
    } catch (error) {
        if (!(error instanceof UserError) && !(error instanceof Unfinished)) throw error;
        expectSentence(error.message);
        return undefined;
    }
}

export function expectSentence(text: string): void {
    expect(text).not.toMatch(crash);
    expect(text.length).toBeLessThan(5_000);
}

/** Milliseconds: no single input takes longer. */
export const patience = 10_000;
