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
    let groups: number;
    try {
        groups = new RegExp(`(?:${read(pattern).source})|`, read(pattern).flags).exec("")!.length - 1;
    } catch (error) {
        return `can't be read (${error instanceof Error ? error.message : "no regular expression"}): expected what Java and JavaScript both take for a regular expression`;
    }
    if (groups === 0) return `has no group: the first one is the device's name, so put it into parentheses, such as (.*)\\.factory\\.example`;
    return slowness(pattern);
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

/** A repeated group that itself repeats or chooses can be matched in exponentially many ways; many repeats in a row in polynomially many. */
function slowness(pattern: string): string | undefined {
    const open: { repeats: boolean }[] = [];
    let last: { repeats: boolean } | undefined;
    let repeats = 0;
    for (let at = 0; at < pattern.length; at++) {
        const char = pattern[at];
        const closed: { repeats: boolean } | undefined = last;
        last = undefined;
        if (char === "\\") at++;
        else if (char === "[") at = endOfClass(pattern, at);
        else if (char === "(") open.push({ repeats: false });
        else if (char === "|") for (const group of open) group.repeats = true;
        else if (char === ")") last = open.pop();
        else if (unbounded(pattern, at)) {
            repeats++;
            if (closed?.repeats) return "repeats a group that itself repeats or chooses, which can take for ever on a name made for it: write it without one repeat inside the other";
            for (const group of open) group.repeats = true;
        }
    }
    return repeats > maxRepeats ? `has ${repeats} parts of any length, and some names would take very long: use at most ${maxRepeats}` : undefined;
}

function endOfClass(pattern: string, start: number): number {
    let at = start + 1;
    while (at < pattern.length && pattern[at] !== "]") at += pattern[at] === "\\" ? 2 : 1;
    return at;
}

const unbounded = (pattern: string, at: number): boolean => pattern[at] === "*" || pattern[at] === "+" || /^\{\d+,(\d{3,})?\}/.test(pattern.slice(at, at + 20));
