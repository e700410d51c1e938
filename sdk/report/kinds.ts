// What a device can be found in, by the words of the report: for its lists, its page, and `--fail-on`.

import type { ReportRow } from "./model";

export const kinds = {
    expired: ({ standing }) => standing === "expired",
    due: ({ standing }) => standing === "due",
    unknown: ({ standing }) => standing === "unknown",
    unfinished: ({ failed }) => failed !== undefined,
    drift: ({ drift }) => drift !== undefined,
    refused: ({ check }) => check?.outcome === "refused",
    "never-seen": ({ server }) => server !== undefined && server.lastConnect === undefined,
} as const satisfies Readonly<Record<string, (row: ReportRow) => boolean>>;

export type Kind = keyof typeof kinds;

/** `2 expired, 1 unfinished`; undefined if there is none of these kinds. */
export function foundOf(wanted: readonly Kind[], rows: readonly ReportRow[]): string | undefined {
    const counts = wanted.flatMap(kind => {
        const count = rows.filter(kinds[kind]).length;
        return count === 0 ? [] : [`${count.toLocaleString("en")} ${kind.replace("-", " ")}`];
    });
    return counts.length === 0 ? undefined : counts.join(", ");
}
