// The parts that read and match text, held to properties.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { generate } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { openJournal } from "../../sdk/emulator/journal";
import { createFrameGuard, MAX_PACKET } from "../../sdk/emulator/mqtt/frames";
import { matches } from "../../sdk/emulator/mqtt/topics";
import type { Customer } from "../../sdk/emulator/platform/entities";
import { GsonError, parseGson, printGson } from "../../sdk/emulator/platform/gson";
import { newId, toUuid, trimCertificate } from "../../sdk/emulator/platform/ids";
import { search } from "../../sdk/emulator/platform/pages";
import { createRateLimits } from "../../sdk/emulator/platform/rateLimits";
import { createStore } from "../../sdk/emulator/platform/store";
import { javaDouble, parseTelemetry } from "../../sdk/emulator/platform/values";
import { parseCsv } from "../../sdk/emulator/rest/bulkImport";

describe("lenient JSON", () => {
    test("reads what JSON is", () => {
        fc.assert(fc.property(fc.json(), (text) => void expect(JSON.parse(printGson(parseGson(text)))).toEqual(JSON.parse(text))));
    });
    test.each([
        ["{temperature:25}", '{"temperature":25}'],
        ["{'a':'b'}", '{"a":"b"}'],
        ["{a=1;b=>2}", '{"a":1,"b":2}'],
        ["// one\n{a: /* two */ true} # three", '{"a":true}'],
        ["[1,,2]", "[1,null,2]"],
        ['{"n":1.50}', '{"n":1.50}'],
    ])("%s", (text, json) => expect(printGson(parseGson(text))).toBe(json));
    test.each(["{bad", "{", "[1", '{"a"}', '{"a":1}x', '"\\u12"', "{a:1,}", "[".repeat(300)])("refuses %s", (text) => {
        expect(() => parseGson(text)).toThrow(GsonError);
    });
    test("never fails in another way", () => {
        const soup = fc.array(fc.constantFrom("{", "}", "[", "]", ":", "=", ",", ";", '"', "'", "\\", "u", "/", "*", "#", "\n", " ", "1", "-", "e", ".", "null", "true", "ü"));
        fc.assert(
            fc.property(fc.oneof(fc.string(), soup.map((parts) => parts.join(""))), (text) => {
                try {
                    parseTelemetry(text, 0);
                } catch (error) {
                    expect(error).toBeInstanceOf(GsonError);
                }
            }),
        );
    });
});

test("doubles read back as what they were", () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => void expect(Number(javaDouble(number))).toBe(number)));
});

test("a search is SQL's ILIKE", () => {
    const letter = fc.constantFrom("a", "B", "%", "_", "x");
    const [text, value] = [fc.string({ unit: letter, maxLength: 6 }), fc.string({ unit: fc.constantFrom("a", "b", "A", "x"), maxLength: 8 })];
    fc.assert(
        fc.property(text, value, (pattern, subject) => {
            const like = new RegExp(pattern.replace(/%/g, ".*").replace(/_/g, "."), "is");
            expect(search(pattern)(subject)).toBe(like.test(subject));
        }),
    );
});

test("a search with many wildcards is quick", () => {
    expect(search("%a".repeat(200))("a".repeat(100))).toBe(false);
});

describe("frames", () => {
    const packet = fc.uint8Array({ maxLength: 300 }).map((payload) => generate({ cmd: "publish", topic: "t", payload: Buffer.from(payload), qos: 0, dup: false, retain: false }));
    test("whole packets pass, however they are cut", () => {
        fc.assert(
            fc.property(fc.array(packet), fc.integer({ min: 1, max: 50 }), (packets, size) => {
                const [guard, bytes] = [createFrameGuard(MAX_PACKET), Buffer.concat(packets)];
                for (let at = 0; at < bytes.length; at += size) expect(guard(bytes.subarray(at, at + size))).toBe("fine");
            }),
        );
    });
    test("a length above the limit is seen at its last byte", () => {
        expect(createFrameGuard(10)(Buffer.from([0x30, 10]))).toBe("fine");
        expect(createFrameGuard(10)(Buffer.from([0x30, 11]))).toBe("too long");
        expect(createFrameGuard(10)(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80]))).toBe("malformed");
    });
});

test.each([
    ["a/+/c", "a/b/c", true],
    ["a/+", "a/b/c", false],
    ["a/#", "a/b/c", true],
    ["a/b", "a/b", true],
    ["+", "a/b", false],
])("filter %s, topic %s: %s", (filter, topic, fits) => expect(matches(filter, topic)).toBe(fits));

test("ids are ordered in time, unique, and read back", () => {
    const ids = Array.from({ length: 1000 }, newId);
    expect(new Set(ids).size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    for (const id of ids) expect(toUuid(id.toUpperCase())).toBe(id);
    expect(toUuid("1-1-1-1-1")).toBe("00000001-0001-0001-0001-000000000001");
    expect(toUuid("not-a-uuid")).toBeUndefined();
});

test("a certificate is trimmed of its markers and line ends, and of nothing else", () => {
    expect(trimCertificate("-----BEGIN CERTIFICATE-----\r\nAB CD\nEF\n-----END CERTIFICATE-----\n")).toBe("AB CDEF");
    expect(trimCertificate("-----BEGIN TRUSTED CERTIFICATE-----\nA\n")).toBe("-----BEGIN TRUSTED CERTIFICATE-----A");
});

test("CSV reads back what was written", () => {
    const cell = fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", " "), maxLength: 6 });
    const written = (cells: readonly string[]): string => cells.map((text) => `"${text.replace(/"/g, '""')}"`).join(",");
    fc.assert(fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 })), (records) => void expect(parseCsv(records.map(written).join("\n"), ",")).toEqual(records)));
});

test("rate limits hold all at once", () => {
    const limits = createRateLimits();
    const taken = (now: number): number => Array.from({ length: 10 }, () => limits.take("t", "3:1,5:60", now)).filter(Boolean).length;
    expect([taken(0), taken(1000), taken(2000)]).toEqual([3, 2, 0]);
});

describe("the journal", () => {
    test("what was acknowledged is there again, also where a call was still at work when the emulator stopped", async () => {
        const dir = mkdtempSync(join(tmpdir(), "emulator-journal-"));
        try {
            const row = (index: number) => ({ id: `id-${index}`, title: `customer ${index}` }) as Customer;
            const first = await openJournal(dir, createStore(() => undefined));
            for (let index = 0; index < 50; index++) first.append({ table: "customers", put: row(index) });
            const closing = first.close();
            first.append({ table: "customers", put: row(50) });
            await closing;
            const store = createStore(() => undefined);
            await (await openJournal(dir, store)).close();
            expect([...store.customers.values()].map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, index) => `id-${index}`));
        } finally {
            rmSync(dir, { recursive: true });
        }
    });
});
