// SECURITY.md leads from each promise to the test that holds it.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";

const repository = path.join(import.meta.dirname, "../../..");
const text = readFileSync(path.join(repository, "SECURITY.md"), "utf8");
const promised = /## What is promised\n([\s\S]*)\n### Supply chain/.exec(text)![1]!;
const rows = promised.split("\n").filter(line => line.startsWith("| ") && !line.startsWith("| promise |") && !line.startsWith("| ---"));
const linked = (of: string) => [...of.matchAll(/\]\((test\/[^)#]+)\)/g)].map(([, file]) => file!);

test("each promise names its tests, and they are there", () => {
    expect(rows.length).toBeGreaterThan(25);
    for (const row of rows) {
        const files = linked(row.split("|").at(-2)!);
        expect([row, files.length > 0]).toEqual([row, true]);
        for (const file of files) expect([file, existsSync(path.join(repository, file))]).toEqual([file, true]);
    }
});

test("each test of security holds a promise", () => {
    const named = new Set(linked(promised));
    for (const folder of ["test/unit/security", "test/engine/secrets"]) {
        const own = readdirSync(path.join(repository, folder)).filter(name => name.endsWith(".test.ts") && name !== "promises.test.ts");
        for (const name of own) expect([name, named.has(`${folder}/${name}`)]).toEqual([name, true]);
    }
});
