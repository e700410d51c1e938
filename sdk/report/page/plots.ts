// The plots of the report. Colours are those of the style sheet, so that they follow light and dark.

import * as Plot from "@observablehq/plot";
import type { Report, Standing } from "../model";
import { counted, issuerOf } from "../summary";

const colour: Readonly<Record<Exclude<Standing, "unknown">, string>> = { expired: "var(--bad)", due: "var(--warn)", valid: "var(--good)" };
const standings = ["expired", "due", "valid"] as const;

export function drawPlots({ rows, summary }: Report): void {
    const width = Math.max(320, document.querySelector("figure")!.clientWidth - 32);
    const months = summary.byMonth.map(({ month }) => month);
    const ends = standings.flatMap(standing => counted(rows.filter(row => row.standing === standing), ({ notAfter }) => notAfter.slice(0, 7)).map(([month, count]) => ({ month, standing, count })));
    // Every label of twenty years would be one on top of the other.
    const step = Math.ceil(months.length / Math.floor(width / 42));
    place(
        "months",
        months.length === 0
            ? undefined
            : Plot.plot({
                  width,
                  height: 240,
                  marginLeft: 52,
                  marginBottom: 50,
                  x: { domain: months, label: null, tickRotate: -45, ticks: months.filter((_month, index) => index % step === 0) },
                  y: { label: "certificates", grid: true, tickFormat: wholeNumbers },
                  marks: [Plot.barY(ends, { x: "month", y: "count", fill: ({ standing }: (typeof ends)[number]) => colour[standing], title: ({ month, standing, count }: (typeof ends)[number]) => `${month}: ${count} ${standing}`, order: [...standings] }), Plot.ruleY([0])],
                  color: { type: "identity" },
              }),
        `${summary.devices} certificates by the month of their end, from ${months[0]} to ${months.at(-1)}`,
    );
    const times = rows.flatMap(({ check }) => (check?.connectMs === undefined ? [] : [check.connectMs]));
    place(
        "latencies",
        times.length === 0
            ? undefined
            : Plot.plot({
                  width,
                  height: 240,
                  marginLeft: 52,
                  marginBottom: 50,
                  x: { labelOffset: 42, label: "milliseconds until CONNACK" },
                  y: { label: "publish checks", grid: true, tickFormat: wholeNumbers },
                  marks: [Plot.rectY(times, Plot.binX<Plot.RectYOptions>({ y: "count" }, { x: { value: (ms: number) => ms, thresholds: 24 }, fill: "var(--accent)", tip: false })), Plot.ruleY([0])],
              }),
        `${times.length} publish checks by the time until CONNACK`,
    );
    place("algorithms", bars(counted(rows, ({ algorithm }) => algorithm), width), "certificates by algorithm");
    place("issuers", bars(topOf(counted(rows, issuerOf)), width), "certificates by issuer");
}

const wholeNumbers = (value: number) => (Number.isInteger(value) ? value.toLocaleString() : "");

type Count = readonly [string, number];
const nameOf = ([name]: Count) => name;
const countOf = ([, count]: Count) => count;

function bars(counts: readonly Count[], width: number) {
    if (counts.length === 0) return undefined;
    const longest = Math.max(...counts.map(([name]) => name.length));
    return Plot.plot({
        width,
        height: 40 + counts.length * 26,
        marginLeft: Math.min(260, 30 + longest * 6.5),
        marginRight: 60,
        x: { axis: null },
        y: { domain: counts.map(([name]) => name), label: null, tickFormat: (name: string) => (name.length > 36 ? `${name.slice(0, 35)}…` : name) },
        marks: [
            Plot.barX(counts, { x: countOf, y: nameOf, fill: "var(--accent)", title: ([name, count]: Count) => `${name}: ${count}` }),
            Plot.text(counts, { x: countOf, y: nameOf, text: bar => countOf(bar as Count).toLocaleString(), textAnchor: "start", dx: 5 }),
        ],
    });
}

const most = 8;

/** A CA each would make a plot of its own length. */
function topOf(counts: readonly (readonly [string, number])[]): readonly (readonly [string, number])[] {
    if (counts.length <= most) return counts;
    const rest = counts.slice(most).reduce((sum, [, count]) => sum + count, 0);
    return [...counts.slice(0, most), [`${counts.length - most} more`, rest]];
}

function place(id: string, plot: Element | undefined, description: string): void {
    const figure = document.getElementById(id)!;
    if (!plot) {
        figure.hidden = true;
        return;
    }
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", description);
    figure.append(plot);
}
