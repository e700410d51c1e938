// The pattern by which ThingsBoard's chain strategy makes a device's name of a certificate's common name.

import { UserError } from "../userError";

const maxLength = 255;
const maxRepeats = 4;

/**
 * Why a pattern will not do, as the end of a sentence; undefined when it will. ThingsBoard stores any text, refuses each
 * device where it is no pattern or has no group, and runs it on names that anybody may send, before their certificate is
 * known to be good: so one that can take for ever is refused too.
 */
export function patternFault(pattern: string): string | undefined {
    if (typeof pattern !== "string" || pattern === "") return "is empty: expected a regular expression whose first group is the device's name, such as (.*)\\.factory\\.example";
    if (pattern.length > maxLength) return `has ${pattern.length} characters: expected at most ${maxLength}`;
    const { source, flags } = read(pattern);
    try {
        new RegExp(source, flags);
    } catch (error) {
        return `can't be read (${error instanceof Error ? error.message : "no regular expression"}): expected what Java and JavaScript both take for a regular expression`;
    }
    // Before it is run on anything: the empty text is enough for some of them to take for ever.
    const fault = structuralFault(pattern);
    if (fault !== undefined) return fault;
    const groups = new RegExp(`(?:${source})|`, flags).exec("")!.length - 1;
    return groups === 0 ? `has no group: the first one is the device's name, so put it into parentheses, such as (.*)\\.factory\\.example` : undefined;
}

/** The first group, found anywhere in the common name, as Java's Matcher.find does. @throws UserError for no pattern */
export function deviceNameOf(pattern: string, commonName: string): string | undefined {
    const fault = patternFault(pattern);
    if (fault !== undefined) throw new UserError(`the pattern ${fault}`);
    const { source, flags } = read(pattern);
    return new RegExp(source, flags).exec(commonName)?.[1] || undefined;
}

/** Java writes the flag for "any case" in front. */
function read(pattern: string): { source: string; flags: string } {
    return pattern.startsWith("(?i)") ? { source: pattern.slice(4), flags: "i" } : { source: pattern, flags: "" };
}

/**
 * A brace that begins no quantity is text to JavaScript and an error to Java.
 *
 * A repeated group that can be matched in more than one way can be matched in exponentially many; several parts in a row
 * multiply their ways. Counted in bits (64 ways are 6), and more strictly than need be.
 */
function structuralFault(pattern: string): string | undefined {
    const open: Group[] = [];
    let last: Group | undefined;
    let repeats = 0;
    let bits = 0;
    for (let at = 0; at < pattern.length; at++) {
        const char = pattern[at];
        const closed: Group | undefined = last;
        last = undefined;
        const quantity = quantityAt(pattern, at);
        if (char === "\\") at++;
        else if (char === "[") at = endOfClass(pattern, at);
        else if (char === "(") {
            open.push({ varies: false, times: 1 });
            // (?: (?= (?! (?< are no quantities
            if (pattern[at + 1] === "?") at++;
        } else if (char === "|") {
            bits += bitsOf(2);
            for (const group of open) group.varies = true;
        } else if (char === ")") last = open.pop();
        else if (quantity) {
            const { least, most, length } = quantity;
            const times = Math.max(1, Math.min(most, longest)) * (closed?.times ?? 1);
            if (closed && most > 1 && (closed.varies || times > maxTimes)) return "repeats a group that itself repeats or chooses, which can take for ever on a name made for it: write it without one repeat inside the other";
            for (const group of open) group.times = Math.max(group.times, times);
            if (most === Infinity) repeats++;
            if (most > least) {
                bits += most === Infinity ? bitsOfRepeat : bitsOf(most - least + 1);
                for (const group of open) group.varies = true;
            }
            at += length - 1;
            // Reluctant: the same ways, in another order.
            if (pattern[at + 1] === "?") at++;
        } else if (char === "{") return 'has a "{" that begins no number of repeats, such as {2} or {1,6}, and Java, which ThingsBoard runs on, refuses it: write \\{ for the character';
    }
    if (repeats > maxRepeats) return `has ${repeats} parts of any length, and some names would take very long: use at most ${maxRepeats}`;
    return bits > maxRepeats * bitsOfRepeat ? "has so many parts that vary in length, may be left out or are alternatives that some names would take very long: write it with fewer" : undefined;
}

interface Group {
    /** Whether it can be matched in more than one way. */
    varies: boolean;
    /** How often a part of it is tried at most, in one way through it. */
    times: number;
}

/** Characters of a common name (RFC 5280, ub-common-name). */
const longest = 64;
const maxTimes = 1_000;
/** Any length, up to `longest`. */
const bitsOfRepeat = 6;
/** Twice, since these multiply in full. */
const bitsOf = (ways: number): number => 2 * Math.log2(ways);

function endOfClass(pattern: string, start: number): number {
    let at = start + 1;
    while (at < pattern.length && pattern[at] !== "]") at += pattern[at] === "\\" ? 2 : 1;
    return at;
}

/** `*`, `+`, `?`, `{2}`, `{2,}` or `{2,5}`. */
function quantityAt(pattern: string, at: number): { readonly least: number; readonly most: number; readonly length: number } | undefined {
    switch (pattern[at]) {
        case "*":
            return { least: 0, most: Infinity, length: 1 };
        case "+":
            return { least: 1, most: Infinity, length: 1 };
        case "?":
            return { least: 0, most: 1, length: 1 };
        case "{": {
            const [text = "", least = "", comma, most = ""] = /^\{(\d+)(,?)(\d*)\}/.exec(pattern.slice(at, at + 20)) ?? [];
            if (text === "") return undefined;
            return { least: Number(least), most: comma === "" ? Number(least) : most === "" || Number(most) > longest ? Infinity : Number(most), length: text.length };
        }
        default:
            return undefined;
    }
}
