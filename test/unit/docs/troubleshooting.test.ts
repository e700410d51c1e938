// The page that lists every refusal keeps up with the code, in both directions.

import { readFileSync, readdirSync } from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../../..");
const read = (...names: string[]) => readFileSync(path.join(root, ...names), "utf8");
const sources = (...folders: string[]) =>
    folders.flatMap(folder => readdirSync(path.join(root, "sdk", folder), { recursive: true, encoding: "utf8" }).filter(file => file.endsWith(".ts")).map(file => read("sdk", folder, file))).join("\n");

const page = read("docs", "troubleshooting.md");
const rows = [...page.matchAll(/^\| `([\w-]+)` \| (.*?) \|/gm)].map(([, word, sentence]) => [word!, sentence!] as const).filter(([word]) => word !== "cause");

/** The words of a union of string literals. */
function words(type: string, source: string): string[] {
    const union = new RegExp(`export type ${type} =\\n([\\s\\S]*?);\\n`).exec(source)![1]!;
    return [...union.matchAll(/^ +\| "([\w-]+)"/gm)].map(([, word]) => word!);
}

describe("docs/troubleshooting.md", () => {
    it("has every cause of a refused check, and every kind of REST error, once", () => {
        const wanted = [...words("Cause", read("sdk", "mqtt", "diagnosis.ts")), "not-seen", ...words("ApiErrorKind", read("sdk", "thingsboard", "errors.ts"))];
        expect(wanted.length).toBeGreaterThan(50);
        expect(rows.map(([word]) => word).sort()).toEqual(wanted.sort());
    });

    it("has every code of MQTT that the diagnosis tells apart, and those of CONNACK in 3.1.1", () => {
        const told = [...read("sdk", "mqtt", "diagnoseMqtt.ts").matchAll(/case 0x([0-9a-f]{2}):/g)].map(([, digits]) => `0x${digits!.toUpperCase()}`);
        expect(told.length).toBeGreaterThan(15);
        const codes = page.slice(page.indexOf("## The server's codes"), page.indexOf("## What becomes"));
        expect([...told, "0x00"].filter(code => !codes.includes(`\`${code}\``))).toEqual([]);
        expect(["0", "1", "2", "3", "4", "5"].filter(code => !codes.includes(`\n| ${code} | `))).toEqual([]);
    });

    it("quotes what the code says", () => {
        const code = sources("mqtt", "thingsboard", "reconcilers");
        for (const [word, sentence] of rows) {
            for (const piece of sentence.split("…").map(text => text.replace(/^[\s("]+|[\s)(":]+$/g, "")).filter(text => text.length > 3)) {
                expect.soft(code.includes(piece), `${word}: "${piece}"`).toBe(true);
            }
        }
    });
});
