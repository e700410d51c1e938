// The plots of the report. Colours are those of the style sheet, so that they follow light and dark.

import * as Plot from "@observablehq/plot";
import type { Report, ReportRow, Standing, Summary } from "../model";
import { counted, issuerOf, latencies } from "../summary";
import { shortened } from "../words";

const colour: Readonly<Record<Exclude<Standing, "unknown">, string>> = { expired: "var(--bad)", due: "var(--amber)", valid: "var(--good)" };
const standings = ["expired", "due", "valid"] as const;

export function drawPlots({ rows, summary }: Report): void {
    const times = rows.flatMap(({ check }) => (check?.connectMs === undefined ? [] : [check.connectMs]));
    // Hidden before anything is measured: its neighbour then has the room.
    figure("latencies").hidden = times.length === 0;
    for (const id of ["months", "algorithms", "issuers"]) figure(id).hidden = rows.length === 0;
    if (times.length > 0) {
        place("latencies", checkTimes(times, widthOf("latencies")), `${times.length} publish checks by the time until CONNACK`);
        const { median, most } = latencies(rows)!;
        note("latencies", `median ${median} ms, 95 % within ${most} ms`);
    }
    if (rows.length === 0) return;
    if (summary.byMonth.length === 0) figure("months").hidden = true;
    else {
        place("months", ends(rows, summary, widthOf("months")), `${summary.devices} certificates by the month of their end, from ${summary.byMonth[0]!.month} to ${summary.byMonth.at(-1)!.month}`);
        figure("months").querySelector("h2")!.after(legend());
    }
    place("algorithms", bars(counted(rows, ({ algorithm }) => algorithm || "(unknown)"), widthOf("algorithms")), "certificates by algorithm");
    place("issuers", bars(topOf(counted(rows, issuerOf)), widthOf("issuers")), "certificates by issuer");
}

/** Fewer would make bars as wide as the page. */
const fewestMonths = 12;

function ends(rows: readonly ReportRow[], { byMonth }: Summary, width: number) {
    const months = byMonth.map(({ month }) => month);
    while (months.length < fewestMonths) months.push(after(months.at(-1)!));
    const counts = standings.flatMap(standing => counted(rows.filter(row => row.standing === standing), ({ notAfter }) => notAfter.slice(0, 7)).map(([month, count]) => ({ month, standing, count })));
    type Bar = (typeof counts)[number];
    // Every label of twenty years would be one on top of the other.
    const step = Math.ceil(months.length / Math.floor(width / 42));
    return Plot.plot({
        width,
        height: 240,
        marginLeft: 52,
        marginBottom: 50,
        x: { domain: months, label: null, tickRotate: -45, ticks: months.filter((_month, index) => index % step === 0) },
        y: { label: "certificates", grid: true, tickFormat: wholeNumbers, ticks: Math.min(5, Math.max(...byMonth.map(({ count }) => count))) },
        marks: [Plot.barY(counts, { x: "month", y: "count", fill: ({ standing }: Bar) => colour[standing], title: ({ month, standing, count }: Bar) => `${month}: ${count} ${standing}`, order: [...standings] }), Plot.ruleY([0])],
        color: { type: "identity" },
    });
}

function after(month: string): string {
    const [year, number] = [Number(month.slice(0, 4)), Number(month.slice(5))];
    return number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, "0")}`;
}

function checkTimes(times: readonly number[], width: number) {
    return Plot.plot({
        width,
        height: 240,
        marginLeft: 52,
        marginBottom: 50,
        x: { labelOffset: 42, label: "milliseconds until CONNACK" },
        y: { label: "publish checks", grid: true, tickFormat: wholeNumbers, ...(times.length < 10 ? { ticks: Plot.numberInterval(1) } : {}) },
        marks: [Plot.rectY(times, Plot.binX<Plot.RectYOptions>({ y: "count" }, { x: { value: (ms: number) => ms, thresholds: 24 }, fill: "var(--accent)", tip: false })), Plot.ruleY([0])],
    });
}

const wholeNumbers = (value: number) => (Number.isInteger(value) ? value.toLocaleString() : "");

type Count = readonly [string, number];
const nameOf = ([name]: Count) => name;
const countOf = ([, count]: Count) => count;

/** A letter of a label at 12 px, most of them; and the tick beside it. */
const [letter, tick] = [7.2, 14];

function bars(counts: readonly Count[], width: number) {
    const room = Math.min(width * 0.45, tick + letter * Math.max(...counts.map(([name]) => name.length)));
    return Plot.plot({
        width,
        height: counts.length * 26 + 4,
        marginTop: 0,
        marginBottom: 4,
        marginLeft: room,
        marginRight: 60,
        x: { axis: null },
        y: { domain: counts.map(([name]) => name), label: null, tickFormat: (name: string) => shortened(name, Math.round((room - tick) / letter)) },
        marks: [
            Plot.barX(counts, { x: countOf, y: nameOf, fill: "var(--accent)", title: ([name, count]: Count) => `${name}: ${count}` }),
            Plot.text(counts, { x: countOf, y: nameOf, text: bar => countOf(bar as Count).toLocaleString(), textAnchor: "start", dx: 5 }),
        ],
    });
}

const most = 8;

/** A CA each would make a plot of its own length. */
function topOf(counts: readonly Count[]): readonly Count[] {
    if (counts.length <= most) return counts;
    const rest = counts.slice(most).reduce((sum, [, count]) => sum + count, 0);
    return [...counts.slice(0, most), [`${counts.length - most} more`, rest]];
}

const figure = (id: string): HTMLElement => document.getElementById(id)!;

function widthOf(id: string): number {
    const { paddingLeft, paddingRight } = getComputedStyle(figure(id));
    return Math.max(240, figure(id).clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight));
}

function place(id: string, plot: Element, description: string): void {
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", description);
    figure(id).append(plot);
}

function note(id: string, text: string): void {
    const line = document.createElement("p");
    line.className = "note";
    line.textContent = text;
    figure(id).querySelector("h2")!.after(line);
}

function legend(): HTMLElement {
    const line = document.createElement("p");
    line.className = "note";
    for (const standing of standings) {
        const [entry, square] = [document.createElement("span"), document.createElement("i")];
        square.style.background = colour[standing];
        entry.append(square, standing);
        line.append(entry);
    }
    return line;
}
