// The pages that users read, in parts.

import { readFileSync, readdirSync } from "node:fs";
import * as path from "node:path";

export const root = path.resolve(import.meta.dirname, "../../..");

export interface Page {
    /** From the repository's root, with slashes. */
    readonly name: string;
    readonly text: string;
}

export interface Block {
    readonly page: string;
    /** Of the first line within it, from 1. */
    readonly line: number;
    readonly language: string;
    readonly text: string;
}

const below = (folder: string) => readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).filter(file => !file.includes("node_modules")).map(file => `${folder}/${file.split(path.sep).join("/")}`);

/** README and all that it leads to; not what is generated. */
export const pages: readonly Page[] = [
    ...readdirSync(root).filter(file => file.endsWith(".md")),
    ...below("docs").filter(file => file.endsWith(".md") && !file.startsWith("docs/reference/")),
    ...below("examples").filter(file => file.endsWith(".md")),
].map(name => ({ name, text: readFileSync(path.join(root, name), "utf8") }));

/** Fenced blocks, also those that are indented below a list's item. */
export function blocksOf({ name, text }: Page): Block[] {
    return [...text.matchAll(/^( *)```(\w+)\n([\s\S]*?)^\1```$/gm)].map(({ index, 1: indent = "", 2: language = "", 3: content = "" }) => ({
        page: name,
        line: text.slice(0, index).split("\n").length + 1,
        language,
        text: content.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    }));
}

/** Without blocks and inline code, in which brackets are no links. */
export const prose = (text: string): string => text.replaceAll(/^( *)```[\s\S]*?^\1```$/gm, "").replaceAll(/`[^`\n]*`/g, "`code`");
