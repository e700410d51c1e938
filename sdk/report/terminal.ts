// The report for a terminal and a log: a few lines for thousands of devices.

import { printable } from "../printable";
import type { Report, ReportRow } from "./model";
import { issuerOf } from "./summary";

const bars = "▁▂▃▄▅▆▇█";

/** One character a value, its height by the largest; a blank for none. */
export function sparkline(values: readonly number[]): string {
    const largest = Math.max(...values, 0);
    return values.map(value => (value <= 0 ? " " : bars[Math.min(bars.length - 1, Math.ceil((value / largest) * bars.length) - 1)])).join("");
}

/** @param most how many devices are listed of each kind */
export function toText({ at, stacks, server, dueDays, summary, rows }: Report, most: number): string {
    const { standing, checks, byMonth } = summary;
    const n = (count: number) => count.toLocaleString("en");
    const counts = (record: Readonly<Record<string, number>>) => {
        const entries = Object.entries(record);
        const shown = entries.slice(0, 4).map(([name, count]) => `${name} ${n(count)}`);
        return [...shown, ...(entries.length > 4 ? [`${entries.length - 4} more`] : [])].join(", ");
    };
    const facts: [string, string][] = [
        ["devices", `${n(summary.devices)} in ${stacks.length === 1 ? `stack ${stacks[0]}` : `${stacks.length} stacks`}, ${at.slice(0, 16).replace("T", " ")} UTC${server === undefined ? ", from the state" : `, compared with ${server}`}`],
        ["certificates", `${n(standing.valid)} valid, ${n(standing.due)} due, ${n(standing.expired)} expired${standing.unknown === 0 ? "" : `, ${n(standing.unknown)} unknown`}${summary.nextExpiry === undefined ? "" : `; the next one ends on ${summary.nextExpiry.slice(0, 10)}`}`],
        ...(byMonth.length === 0 ? [] : [["by month", `${byMonth[0]!.month} ${sparkline(byMonth.map(({ count }) => count))} ${byMonth.at(-1)!.month}, ${n(Math.max(...byMonth.map(({ count }) => count)))} at most`] as [string, string]]),
        ["algorithms", counts(summary.byAlgorithm)],
        ["issuers", counts(summary.byIssuer)],
        ["checks", checks.accepted + checks.refused === 0 ? "none" : `${n(checks.accepted)} accepted, ${n(checks.refused)} refused, ${n(checks.none)} without${latencies(rows)}`],
        ["drift", `${n(summary.drifted)}${server === undefined ? ", as the last refresh saw it" : ""}`],
        ...(summary.failed === 0 ? [] : [["unfinished", n(summary.failed)] as [string, string]]),
        ...(summary.neverSeen === undefined ? [] : [["never seen", n(summary.neverSeen)] as [string, string]]),
    ];
    const width = Math.max(...facts.map(([name]) => name.length));
    const lines = facts.map(([name, text]) => `${name.padEnd(width)}  ${text}`);
    return [...lines, ...lists(rows, dueDays, most)].map(printable).join("\n");
}

function latencies(rows: readonly ReportRow[]): string {
    const times = rows.flatMap(({ check }) => check?.connectMs ?? []).sort((a, b) => a - b);
    if (times.length === 0) return "";
    const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))]!;
    return `; connected in ${Math.round(at(0.5))} ms (median), ${Math.round(at(0.95))} ms (95 %)`;
}

function lists(rows: readonly ReportRow[], dueDays: number, most: number): string[] {
    const by = (wanted: (row: ReportRow) => boolean) => rows.filter(wanted).sort((a, b) => a.notAfter.localeCompare(b.notAfter));
    const kinds: [string, ReportRow[], (row: ReportRow) => string][] = [
        ["expired", by(({ standing }) => standing === "expired"), ({ notAfter }) => `on ${notAfter.slice(0, 10)}`],
        [`due (${dueDays} days before the end, or as the fleet says)`, by(({ standing }) => standing === "due"), row => `ends on ${row.notAfter.slice(0, 10)}, ${row.algorithm}, ${issuerOf(row)}`],
        ["unfinished", by(({ failed }) => failed !== undefined), ({ failed }) => failed!],
        ["drift", by(({ drift }) => drift !== undefined), ({ drift }) => drift!],
        ["refused", by(({ check }) => check?.outcome === "refused"), ({ check }) => check!.message],
        ["never seen", by(({ server }) => server !== undefined && server.lastConnect === undefined), () => ""],
    ];
    return kinds.flatMap(([title, found, text]) => {
        if (found.length === 0) return [];
        const shown = found.slice(0, most);
        const width = Math.min(32, Math.max(...shown.map(({ device }) => device.length)));
        const rest = found.length - shown.length;
        return ["", `${title}:`, ...shown.map(row => `  ${row.device.padEnd(width)}  ${text(row)}`.trimEnd()), ...(rest > 0 ? [`  and ${rest.toLocaleString("en")} more`] : [])];
    });
}
