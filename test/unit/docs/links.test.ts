// Links lead somewhere: to a file, and to a heading in it.

import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { pages, prose, root } from "./pages";

/** As GitHub names a heading: lower case, without punctuation, blanks as hyphens. */
const anchor = (heading: string): string =>
    heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/[`*]/g, "").trim().toLowerCase().replaceAll(/[^\p{L}\p{N}\- _]/gu, "").replaceAll(" ", "-");

const anchorsOf = (file: string): string[] => [...readFileSync(file, "utf8").replaceAll(/^( *)```[\s\S]*?^\1```$/gm, "").matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => anchor(heading!));

describe.each(pages)("$name", ({ name, text }) => {
    const links = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
    const local = links.filter(target => !/^[a-z]+:/.test(target));

    it("links to what is there", () => {
        for (const target of local) {
            const [file = "", heading] = target.split("#");
            const found = file === "" ? path.join(root, name) : path.resolve(root, path.dirname(name), file);
            expect.soft(existsSync(found), `${name}: ${target}`).toBe(true);
            if (heading !== undefined && existsSync(found)) expect.soft(anchorsOf(found), `${name}: ${target}`).toContain(heading);
        }
        expect(links.filter(target => target.startsWith("http:"))).toEqual([]);
    });
});

describe("docs/README.md", () => {
    it("leads to every page of docs/", () => {
        const contents = pages.find(({ name }) => name === "docs/README.md")!.text;
        const left = pages.map(({ name }) => name).filter(name => name.startsWith("docs/") && !["docs/README.md", "docs/_index.md"].includes(name));
        expect(left.filter(name => !contents.includes(`](${name.replace("docs/", "")})`))).toEqual([]);
    });
});
