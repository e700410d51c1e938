// The report for a terminal and a log: a few lines for thousands of devices.

import { printable } from "../printable";
import { kinds } from "./kinds";
import type { Report, ReportRow } from "./model";
import { issuerOf, latencies } from "./summary";
import { failureOf, refusalOf, shortened, wrapped } from "./words";

const bars = "▁▂▃▄▅▆▇█";

/** One character a value, its height by the largest; a blank for none. */
export function sparkline(values: readonly number[]): string {
    const largest = Math.max(...values, 0);
    return values.map(value => (value <= 0 ? " " : bars[Math.min(bars.length - 1, Math.ceil((value / largest) * bars.length) - 1)])).join("");
}

export interface TextOptions {
    /** How many devices are listed of each kind. */
    readonly list: number;
    /** Width of the terminal; a log, which has none, gets each thing on one line. */
    readonly columns?: number;
}

export function toText(report: Report, { list, columns }: TextOptions): string {
    const facts = factsOf(report, columns);
    const indent = Math.max(...facts.map(([name]) => name.length)) + 2;
    const lines = facts.map(([name, text]) => name.padEnd(indent) + hanging(text, indent, columns));
    return [...lines, ...lists(report, list, columns)].join("\n");
}

function factsOf({ at, stacks, server, summary, rows }: Report, columns: number | undefined): [string, string][] {
    const { standing, checks, byMonth } = summary;
    const facts: [string, string][] = [
        ["devices", `${n(summary.devices)} in ${stacks.length === 1 ? `stack ${stacks[0]}` : `${stacks.length} stacks`}, ${at.slice(0, 16).replace("T", " ")} UTC${server === undefined ? ", from the state" : `, compared with ${server}`}`],
        ["certificates", rows.length === 0 ? "the state holds none that is bound to a device: is it another stack, or was nothing deployed yet?" : `${n(standing.valid)} valid, ${n(standing.due)} due, ${n(standing.expired)} expired${standing.unknown === 0 ? "" : `, ${n(standing.unknown)} unknown`}${summary.nextExpiry === undefined ? "" : `; the next one ends on ${summary.nextExpiry.slice(0, 10)}`}`],
    ];
    if (rows.length === 0) return facts;
    return [
        ...facts,
        ...(byMonth.length === 0 ? [] : [["by month", months(byMonth, columns)] as [string, string]]),
        ["algorithms", counts(summary.byAlgorithm)],
        ["issuers", counts(summary.byIssuer)],
        ["checks", checks.accepted + checks.refused === 0 ? "none" : `${n(checks.accepted)} accepted, ${n(checks.refused)} refused, ${n(checks.none)} without${times(rows)}`],
        ["drift", `${n(summary.drifted)}${server === undefined ? ", as the last refresh saw it" : ""}`],
        ...(summary.failed === 0 ? [] : [["unfinished", n(summary.failed)] as [string, string]]),
        ...(summary.neverSeen === undefined ? [] : [["never seen", n(summary.neverSeen)] as [string, string]]),
    ];
}

const n = (count: number) => count.toLocaleString("en");

/** What stands beside the bars, names and all. */
const besideBars = 50;

function months(byMonth: Report["summary"]["byMonth"], columns: number | undefined): string {
    const each = columns === undefined ? 1 : Math.ceil(byMonth.length / Math.max(12, columns - besideBars));
    const values = Array.from({ length: Math.ceil(byMonth.length / each) }, (_none, index) => byMonth.slice(index * each, (index + 1) * each).reduce((sum, { count }) => sum + count, 0));
    return `${byMonth[0]!.month} ${sparkline(values)} ${byMonth.at(-1)!.month}, ${n(Math.max(...values))} at most${each === 1 ? "" : ` in ${each} months`}`;
}

/** Names have commas, and end in figures: so the count goes first, and a semicolon between. */
function counts(record: Readonly<Record<string, number>>): string {
    const entries = Object.entries(record);
    const shown = entries.slice(0, 4).map(([name, count]) => `${n(count)} ${shortened(name || "(unknown)", 48)}`);
    return [...shown, ...(entries.length > 4 ? [`${entries.length - 4} more`] : [])].join("; ");
}

function times(rows: readonly ReportRow[]): string {
    const found = latencies(rows);
    return found === undefined ? "" : `; connected in ${found.median} ms (median), ${found.most} ms (95 %)`;
}

function lists({ rows, dueDays }: Report, most: number, columns: number | undefined): string[] {
    const by = (wanted: (row: ReportRow) => boolean) => rows.filter(wanted).sort((a, b) => a.notAfter.localeCompare(b.notAfter));
    const listed: [string, ReportRow[], (row: ReportRow) => string][] = [
        ["expired", by(kinds.expired), ({ notAfter }) => `on ${notAfter.slice(0, 10)}`],
        [`due (${dueDays} days before the end, or as the fleet says)`, by(kinds.due), row => `ends on ${row.notAfter.slice(0, 10)}, ${row.algorithm}, ${shortened(issuerOf(row), 48)}`],
        ["unfinished", by(kinds.unfinished), row => failureOf(row)!],
        ["drift", by(kinds.drift), ({ drift }) => drift!],
        ["refused", by(kinds.refused), row => refusalOf(row)!],
        ["never seen", by(kinds["never-seen"]), () => ""],
    ];
    return listed.flatMap(([title, found, text]) => {
        if (found.length === 0) return [];
        const shown = found.slice(0, most);
        const width = Math.min(32, Math.max(...shown.map(({ device }) => printable(device).length)));
        const rest = found.length - shown.length;
        return ["", `${title}:`, ...shown.map(row => `  ${printable(row.device).padEnd(width)}  ${hanging(text(row), width + 4, columns)}`.trimEnd()), ...(rest > 0 ? [`  and ${n(rest)} more`] : [])];
    });
}

/** Further lines of a text begin below its first. Names and messages come from elsewhere, and break no line themselves. */
function hanging(text: string, indent: number, columns: number | undefined): string {
    const line = printable(text);
    return columns === undefined ? line : wrapped(line, Math.max(30, columns - indent)).join(`\n${" ".repeat(indent)}`);
}
