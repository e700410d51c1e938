// Every command that the pages show is run by a test, or there is a reason why none can: a line that is in neither list fails here.

import { readFileSync } from "node:fs";
import * as path from "node:path";
import { expect, it } from "vitest";
import { type Entry, ledger } from "./commandLedger";
import { blocksOf, pages, root } from "./pages";

interface Line {
    readonly page: string;
    readonly number: number;
    readonly text: string;
}

/** One for each command, without its comment; what goes on over several lines is one. */
const lines: readonly Line[] = pages.flatMap(page =>
    blocksOf(page)
        .filter(({ language }) => ["sh", "console"].includes(language))
        .flatMap(({ line, language, text }) =>
            text
                .replaceAll(/\\\n\s*/g, " ")
                .split("\n")
                .map((typed, index) => ({ page: page.name, number: line + index, text: typed }))
                .filter(({ text }) => language === "sh" || text.startsWith("$ "))
                .map(one => ({ ...one, text: one.text.replace(/^\$ /, "").replace(/\s+# .*$/, "").trim() }))
                .filter(({ text }) => text !== ""),
        ),
);

const fits = ({ line, page }: Entry, found: Line): boolean => (typeof line === "string" ? line === found.text : line.test(found.text)) && (page === undefined || (typeof page === "string" ? page === found.page : page.test(found.page)));
const fileOf = new Map<string, string>();
function read(file: string): string {
    const text = fileOf.get(file) ?? readFileSync(path.join(root, file), "utf8");
    fileOf.set(file, text);
    return text;
}

it("every line is run by a test, or has a reason why it can't be", () => {
    expect(lines.length).toBeGreaterThan(80);
    expect(lines.filter(line => !ledger.some(entry => fits(entry, line))).map(({ page, number, text }) => `${page}:${number}: ${text}`)).toEqual([]);
});

it("nothing is listed that no page shows", () => {
    expect(ledger.filter(entry => !lines.some(line => fits(entry, line))).map(({ line, page }) => `${String(page ?? "any page")}: ${String(line)}`)).toEqual([]);
});

it("the tests are there, and hold what runs the line", () => {
    for (const line of lines) {
        const entry = ledger.find(one => fits(one, line));
        if (!entry || "cannot" in entry) continue;
        for (const proof of [entry.proof].flat()) {
            const wanted = proof.replace("<folder>", path.posix.basename(path.posix.dirname(line.page)));
            expect.soft(read(entry.by).includes(wanted), `${line.page}:${line.number}: ${line.text}: ${entry.by} holds ${wanted}`).toBe(true);
        }
    }
});

it("every block says what language it is in", () => {
    for (const { name, text } of pages) expect.soft(text.replaceAll(/^( *)```\w+\n[\s\S]*?^\1```$/gm, ""), name).not.toMatch(/^ *```/m);
    const known = ["sh", "console", "ts", "js", "mjs", "json", "yaml", "java", "text", "ini"];
    for (const { page, line, language } of pages.flatMap(blocksOf)) expect.soft(known, `${page}:${line}`).toContain(language);
});
