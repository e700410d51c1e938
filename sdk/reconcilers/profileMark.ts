// Whose a device profile is. It has no additionalInfo, so the mark is a line at the end of its description, where whoever
// opens the profile on the web page reads who manages it.

import type { Mark } from "./ownership";

const line = /\s*(Managed|Adopted) by Pulumi: (\S[^\n]*) \(([0-9a-f-]{36})\)\s*$/;

export function profileMarkOf(description: string | null | undefined): Mark | undefined {
    const [, verb, declaredBy, claim] = line.exec(description ?? "") ?? [];
    if (declaredBy === undefined || claim === undefined) return undefined;
    return { declaredBy, claim, adopted: verb === "Adopted" };
}

export const withoutProfileMark = (description: string | null | undefined): string => (description ?? "").replace(line, "");

export function withProfileMark(description: string, { declaredBy, claim, adopted }: Mark): string {
    const mark = `${adopted ? "Adopted" : "Managed"} by Pulumi: ${declaredBy} (${claim})`;
    return description === "" ? mark : `${description}\n\n${mark}`;
}
