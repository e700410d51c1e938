// The table: the whole list is in memory, and only as many rows are on the page as somebody has scrolled to.

import type { Report, ReportRow } from "../model";
import { issuerOf } from "../summary";

export type Filter = (row: ReportRow) => boolean;

interface Column {
    readonly title: string;
    readonly text: (row: ReportRow) => string;
    /** What it is sorted by, where that is not the text. */
    readonly order?: (row: ReportRow) => number | string;
    readonly kind?: (row: ReportRow) => string;
}

/** Rows that are added at a time, and that are printed at most. */
const [chunk, printed] = [200, 5_000];

export function showTable({ at, rows }: Report): { readonly filter: (wanted: Filter | undefined, name: string) => void } {
    const columns = columnsOf(rows, new Date(at));
    const [head, body, search, count] = [element("thead tr"), element("tbody"), element<HTMLInputElement>("#search"), element("#count")];
    const haystacks = new Map(rows.map(row => [row, [row.device, row.subject, row.issuer, row.serialNumber, row.credentialsId, row.deviceId, row.algorithm, row.fleet, row.stack, row.drift, row.failed].join(" ").toLowerCase()]));
    let [sorted, ascending] = [columns.findIndex(({ title }) => title === "Days left"), true];
    let [filter, filterName]: [Filter | undefined, string] = [undefined, ""];
    let found: readonly ReportRow[] = [];

    const buttons = columns.map((column, index) => {
        const cell = document.createElement("th");
        cell.scope = "col";
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = column.title;
        button.addEventListener("click", () => {
            [sorted, ascending] = [index, index === sorted ? !ascending : true];
            update();
        });
        cell.append(button);
        head.append(cell);
        return cell;
    });

    function update(): void {
        const words = search.value.toLowerCase().split(/\s+/).filter(word => word !== "");
        const { text, order = text } = columns[sorted]!;
        const direction = ascending ? 1 : -1;
        found = rows.filter(row => (filter?.(row) ?? true) && words.every(word => haystacks.get(row)!.includes(word))).sort((a, b) => direction * compare(order(a), order(b)));
        buttons.forEach((cell, index) => {
            if (index === sorted) cell.setAttribute("aria-sort", ascending ? "ascending" : "descending");
            else cell.removeAttribute("aria-sort");
        });
        count.textContent = `${found.length.toLocaleString()} of ${rows.length.toLocaleString()}${filterName === "" ? "" : `, ${filterName}`}`;
        body.replaceChildren();
        more(chunk);
    }

    function more(size: number): void {
        const shown = body.childElementCount;
        body.append(...found.slice(shown, shown + size).map(row => line(row, columns)));
    }

    const end = new IntersectionObserver(entries => entries.some(({ isIntersecting }) => isIntersecting) && more(chunk), { rootMargin: "800px" });
    end.observe(element("#end"));
    search.addEventListener("input", update);
    document.addEventListener("keydown", event => {
        if (event.key === "/" && document.activeElement !== search) {
            event.preventDefault();
            search.focus();
        } else if (event.key === "Escape" && document.activeElement === search) {
            search.value = "";
            update();
        }
    });
    window.addEventListener("beforeprint", () => {
        more(printed - body.childElementCount);
        const rest = found.length - body.childElementCount;
        element("#rest").textContent = rest > 0 ? `and ${rest.toLocaleString()} more: narrow the search to print them` : "";
    });
    update();
    return {
        filter(wanted, name) {
            [filter, filterName] = [wanted, name];
            update();
        },
    };
}

function line(row: ReportRow, columns: readonly Column[]): HTMLTableRowElement {
    const tr = document.createElement("tr");
    for (const { text, kind } of columns) {
        const cell = tr.insertCell();
        cell.textContent = text(row);
        const name = kind?.(row);
        if (name) cell.className = name;
    }
    tr.title = `${row.subject}\nissuer ${row.issuer}\nserial ${row.serialNumber}\ncredentialsId ${row.credentialsId}\ndevice ${row.deviceId}${row.check ? `\ncheck ${row.check.checkedAt}: ${row.check.message}` : ""}`;
    return tr;
}

function columnsOf(rows: readonly ReportRow[], now: Date): Column[] {
    const has = (wanted: Filter) => rows.some(wanted);
    const daysLeft = (row: ReportRow) => row.notAfter === "" ? -Infinity : Math.floor((Date.parse(row.notAfter) - now.getTime()) / 86_400_000);
    const several = new Set(rows.map(({ stack, fleet }) => `${stack} ${fleet ?? ""}`)).size > 1;
    const remark = ({ failed, drift }: ReportRow) => [failed, drift].filter(text => text !== undefined).join("; ");
    return [
        { title: "Device", text: ({ device }) => device },
        ...(several ? [{ title: "Stack", text: ({ stack, fleet }: ReportRow) => (fleet === undefined ? stack : `${stack}, ${fleet}`) }] : []),
        { title: "Ends", text: ({ notAfter }) => notAfter.slice(0, 10), order: ({ notAfter }) => notAfter },
        { title: "Days left", text: row => (row.notAfter === "" ? "" : daysLeft(row).toLocaleString()), order: daysLeft, kind: () => "number" },
        { title: "Certificate", text: ({ standing }) => standing, kind: ({ standing }) => `standing ${standing}` },
        { title: "Algorithm", text: ({ algorithm }) => algorithm },
        { title: "Issuer", text: issuerOf },
        ...(has(({ check }) => check !== undefined) ? [{ title: "Check", text: ({ check }: ReportRow) => checkText(check), order: ({ check }: ReportRow) => check?.connectMs ?? -1, kind: ({ check }: ReportRow) => (check?.outcome === "refused" ? "expired" : "") }] : []),
        ...(has(({ server }) => server !== undefined) ? [{ title: "Last seen", text: ({ server }: ReportRow) => seenText(server), kind: ({ server }: ReportRow) => (server && server.lastConnect === undefined ? "due" : "") }] : []),
        ...(has(row => remark(row) !== "") ? [{ title: "Remark", text: remark, kind: () => "remark" }] : []),
    ];
}

const checkText = (check: ReportRow["check"]): string => (check === undefined ? "" : check.outcome === "refused" ? "refused" : check.connectMs === undefined ? "accepted" : `${Math.round(check.connectMs)} ms`);
const seenText = (server: ReportRow["server"]): string => (server === undefined ? "" : server.lastConnect === undefined ? "never" : `${server.lastConnect.slice(0, 16).replace("T", " ")}${server.active ? " (active)" : ""}`);
const compare = (a: number | string, b: number | string): number => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true }));

function element<Kind extends HTMLElement>(selector: string): Kind {
    return document.querySelector<Kind>(selector)!;
}
