// Counts over the rows of a report.

import { kinds } from "./kinds";
import type { MonthCount, ReportRow, Standing, Summary } from "./model";

/** What a self-signed certificate is filed under: each of them has an issuer of its own. */
export const selfSigned = "(self-signed)";

export function summarize(rows: readonly ReportRow[], serverAsked: boolean): Summary {
    const having = (standing: Standing) => rows.filter(row => row.standing === standing).length;
    const ends = rows.filter(({ standing }) => standing === "due" || standing === "valid").map(({ notAfter }) => notAfter).sort();
    const checked = (outcome: "accepted" | "refused") => rows.filter(({ check }) => check?.outcome === outcome).length;
    const checks = { accepted: checked("accepted"), refused: checked("refused") };
    return {
        devices: rows.length,
        standing: { expired: having("expired"), due: having("due"), valid: having("valid"), unknown: having("unknown") },
        ...(ends[0] === undefined ? {} : { nextExpiry: ends[0] }),
        byMonth: months(rows),
        byAlgorithm: Object.fromEntries(counted(rows, ({ algorithm }) => algorithm)),
        byIssuer: Object.fromEntries(counted(rows, issuerOf)),
        checks: { ...checks, none: rows.length - checks.accepted - checks.refused },
        failed: rows.filter(kinds.unfinished).length,
        drifted: rows.filter(kinds.drift).length,
        ...(serverAsked ? { neverSeen: rows.filter(kinds["never-seen"]).length } : {}),
    };
}

export const issuerOf = ({ issuer, subject }: Pick<ReportRow, "issuer" | "subject">): string => (issuer === "" ? "(unknown)" : issuer === subject ? selfSigned : issuer);

/** Most first. */
export function counted(rows: readonly ReportRow[], by: (row: ReportRow) => string): [string, number][] {
    const counts = new Map<string, number>();
    for (const row of rows) counts.set(by(row), (counts.get(by(row)) ?? 0) + 1);
    return [...counts].sort(([, a], [, b]) => b - a);
}

/** A certificate for a hundred years must not make a thousand empty months. */
const longestRun = 120;

function months(rows: readonly ReportRow[]): MonthCount[] {
    const counts = Object.fromEntries(counted(rows.filter(({ notAfter }) => notAfter !== ""), ({ notAfter }) => notAfter.slice(0, 7)));
    const found = Object.keys(counts).sort();
    const filled = found.length === 0 ? [] : run(found[0]!, found.at(-1)!);
    return (filled.length > longestRun ? found : filled).map(month => ({ month, count: counts[month] ?? 0 }));
}

function run(from: string, to: string): string[] {
    const number = (month: string) => Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1;
    const length = Math.min(number(to) - number(from) + 1, longestRun + 1);
    return Array.from({ length }, (_none, index) => {
        const at = number(from) + index;
        return `${String(Math.floor(at / 12)).padStart(4, "0")}-${String((at % 12) + 1).padStart(2, "0")}`;
    });
}

/** Milliseconds until CONNACK of the checks that were accepted: half of them, and 95 %, took no longer. */
export function latencies(rows: readonly ReportRow[]): { readonly median: number; readonly most: number } | undefined {
    const times = rows.flatMap(({ check }) => check?.connectMs ?? []).sort((a, b) => a - b);
    const at = (part: number) => Math.round(times[Math.min(times.length - 1, Math.floor(times.length * part))]!);
    return times.length === 0 ? undefined : { median: at(0.5), most: at(0.95) };
}
