// The table: the whole list is in memory, and only as many rows are on the page as somebody has scrolled to.

import type { Report, ReportRow } from "../model";
import { type Column, columnsOf, detailsOf } from "./columns";

export type Filter = (row: ReportRow) => boolean;

/** Rows that are added at a time, and that are printed at most. */
const [chunk, printed] = [200, 5_000];

export function showTable({ at, rows }: Report): { readonly filter: (wanted: Filter | undefined, name: string) => void } {
    const columns = columnsOf(rows, new Date(at));
    const [head, body, search, count] = [element("thead tr"), element("tbody"), element<HTMLInputElement>("#search"), element("#count")];
    const haystacks = new Map(rows.map(row => [row, [row.device, row.subject, row.issuer, row.serialNumber, row.credentialsId, row.deviceId, row.algorithm, row.fleet, row.stack, row.drift, row.failed, row.check?.message].join(" ").toLowerCase()]));
    let [sorted, ascending] = [columns.findIndex(({ title }) => title === "Days left"), true];
    let [filter, filterName]: [Filter | undefined, string] = [undefined, ""];
    let [found, shown]: [readonly ReportRow[], number] = [[], 0];

    const buttons = columns.map((column, index) => {
        const cell = document.createElement("th");
        cell.scope = "col";
        if (column.heading !== undefined) cell.className = column.heading;
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
        element("#nothing").textContent = found.length > 0 || rows.length === 0 ? "" : `No device${filterName === "" ? "" : ` of these (${filterName})`}${words.length === 0 ? "" : " has all of these words"}.`;
        body.replaceChildren();
        shown = 0;
        more(chunk);
    }

    function more(size: number): void {
        const next = found.slice(shown, shown + size);
        shown += next.length;
        body.append(...next.map(row => line(row, columns)));
    }

    const end = new IntersectionObserver(entries => entries.some(({ isIntersecting }) => isIntersecting) && more(chunk), { rootMargin: "800px" });
    end.observe(element("#end"));
    keepHeadings(element("#scroll"), element("table"));
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
        more(printed - shown);
        const rest = found.length - shown;
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
    columns.forEach(({ text, kind }, index) => {
        const cell = tr.insertCell();
        const content = text(row);
        if (index === 0) cell.append(opener(tr, row, content, columns.length));
        else cell.textContent = content;
        const name = kind?.(row);
        if (name) cell.className = name;
        if (name === "long") cell.title = content;
    });
    return tr;
}

/** Headings stay in sight, but for a table that is wider than the window: what scrolls sideways would hold on to them. */
function keepHeadings(scroll: HTMLElement, table: HTMLElement): void {
    const observer = new ResizeObserver(() => {
        const fits = table.offsetWidth <= scroll.clientWidth;
        scroll.classList.toggle("fits", fits);
        scroll.tabIndex = fits ? -1 : 0;
    });
    observer.observe(scroll);
    observer.observe(table);
}

/** A device's name, which opens and closes what there is no column for. */
function opener(tr: HTMLTableRowElement, row: ReportRow, name: string, width: number): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => {
        const open = button.getAttribute("aria-expanded") === "false";
        button.setAttribute("aria-expanded", String(open));
        if (open) tr.after(opened(row, width));
        else tr.nextElementSibling?.remove();
    });
    return button;
}

function opened(row: ReportRow, width: number): HTMLTableRowElement {
    const tr = document.createElement("tr");
    tr.className = "details";
    const cell = tr.insertCell();
    cell.colSpan = width;
    const list = document.createElement("dl");
    for (const [name, value] of detailsOf(row)) {
        const [term, description] = [document.createElement("dt"), document.createElement("dd")];
        [term.textContent, description.textContent] = [name, value];
        list.append(term, description);
    }
    cell.append(list);
    return tr;
}

const compare = (a: number | string, b: number | string): number => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true }));

function element<Kind extends HTMLElement>(selector: string): Kind {
    return document.querySelector<Kind>(selector)!;
}
