// The figures as a picture: devices a second of each way, and seconds of each step in the life of a fleet.

import { median } from "./measure.mjs";

export function plot(report) {
    const bars = [];
    for (const row of [report.checkedSmall, report.checkedLarge]) {
        if (!row) continue;
        const title = `${row.devices.toLocaleString("en")} devices, bound and checked: devices a second`;
        bars.push({ title, rows: [["guide's loop, 8 processes", row.perSecond.guide], ["DeviceFleet, pulumi up", row.perSecond.fleet], ["bare loop", row.perSecond.bare]].filter(([, value]) => value !== undefined) });
    }
    if (report.life) {
        const { devices, seconds } = report.life;
        const names = { first: "first up", nothing: "nothing to do", preview: "preview", refresh: "refresh", one: "one device added", renewed: "a tenth renewed", destroy: "destroy (deletes)", bareBind: "bare loop, first", bareReads: "bare loop, reads" };
        bars.push({ title: `${devices.toLocaleString("en")} devices, bound: seconds`, rows: Object.entries(names).map(([step, name]) => [name, median(seconds[step])]) });
    }
    return svg(bars);
}

const size = { width: 720, row: 24, label: 210, value: 60, title: 34 };

function svg(charts) {
    let y = 10;
    const parts = [];
    for (const { title, rows } of charts) {
        y += size.title;
        parts.push(`<text x="10" y="${y - 10}" font-weight="bold">${title}</text>`);
        const largest = Math.max(...rows.map(([, value]) => value));
        for (const [name, value] of rows) {
            const width = ((size.width - size.label - size.value - 20) * value) / largest;
            parts.push(`<text x="${size.label}" y="${y + 15}" text-anchor="end">${name}</text>`);
            parts.push(`<rect x="${size.label + 8}" y="${y + 3}" width="${width.toFixed(1)}" height="16" fill="${name.startsWith("bare") ? "#8a94a6" : name.startsWith("guide") ? "#c9a227" : "#305bd5"}"/>`);
            parts.push(`<text x="${(size.label + 14 + width).toFixed(1)}" y="${y + 15}">${value < 10 ? value.toFixed(1) : Math.round(value)}</text>`);
            y += size.row;
        }
    }
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${y + 10}" font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="white"/>${parts.join("")}</svg>\n`;
}
