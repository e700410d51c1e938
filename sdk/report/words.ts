// How a report puts things, for the terminal and for the page.

import type { ReportRow } from "./model";

/** In the middle: CAs of one company differ in their year, which stands at the end, or in their name, at the beginning. */
export function shortened(name: string, most: number): string {
    const letters = [...name];
    if (letters.length <= most) return name;
    const tail = Math.floor((most - 1) * 0.4);
    return `${letters.slice(0, most - 1 - tail).join("")}…${letters.slice(letters.length - tail).join("")}`;
}

/** Why the last `up` could not finish the device, without its name, which stands beside it. */
export const failureOf = ({ device, failed }: ReportRow): string | undefined => failed?.replace(`device "${device}": `, "");

/** Why the device was refused, likewise. */
export const refusalOf = ({ device, check }: ReportRow): string | undefined => (check?.outcome === "refused" ? check.message.replace(`publish check: device "${device}" `, "") : undefined);

/** @returns the lines of a text, broken at blanks, each of at most so many characters where its words allow that */
export function wrapped(text: string, most: number): string[] {
    const lines: string[] = [];
    for (const word of text.split(" ")) {
        const last = lines.at(-1);
        if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
        else lines.push(word);
    }
    return lines;
}
