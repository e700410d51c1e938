// Page links: the search, the order and the cut of a list.
import { badRequest, PlatformError } from "./errors";
import type { Table } from "./table";

export interface PageLink {
    readonly pageSize: number;
    readonly page: number;
    readonly textSearch: string | undefined;
    readonly sortProperty: string | undefined;
    readonly sortOrder: string | undefined;
}

export interface Page<Row> {
    readonly data: readonly Row[];
    readonly totalPages: number;
    readonly totalElements: number;
    readonly hasNext: boolean;
}

/** SQL's ILIKE '%text%': `%` and `_` in the text are wildcards, a backslash takes the next character as it is. */
export function search(text: string): (value: string | null) => boolean {
    if (!/[%_\\]/.test(text)) {
        const needle = text.toLowerCase();
        return (value) => value !== null && value.toLowerCase().includes(needle);
    }
    const pattern: (string | typeof ANY | typeof ONE)[] = [ANY];
    const source = `${text.toLowerCase()}%`;
    for (let i = 0; i < source.length; i++) {
        const char = source[i] ?? "";
        if (char === "%") pattern.push(ANY);
        else if (char === "_") pattern.push(ONE);
        else if (char === "\\") pattern.push(source[++i] ?? "");
        else pattern.push(char);
    }
    return (value) => value !== null && like(value.toLowerCase(), pattern);
}

const ANY = Symbol("any");
const ONE = Symbol("one");

function like(text: string, pattern: readonly (string | symbol)[]): boolean {
    let [at, p, star, mark] = [0, 0, -1, 0];
    while (at < text.length) {
        if (pattern[p] === ANY) [star, mark] = [p++, at];
        else if (pattern[p] === ONE || pattern[p] === text[at]) [p, at] = [p + 1, at + 1];
        else if (star >= 0) [p, at] = [star + 1, ++mark];
        else return false;
    }
    while (pattern[p] === ANY) p++;
    return p === pattern.length;
}

export interface Listing<Row> {
    readonly filter: (row: Row) => boolean;
    /** What the text is searched in. */
    readonly searched: (row: Row) => readonly (string | null)[];
    /** What a list may be sorted by. */
    readonly sorts: Readonly<Record<string, (row: Row) => string | number | null>>;
}

/** The last order of a table, kept as long as the table does not change: a fleet is read page by page. */
const orders = new WeakMap<object, { generation: number; key: string; rows: readonly unknown[] }>();

function ordered<Row extends { readonly id: string }>(table: Table<Row, never>, link: PageLink, listing: Listing<Row>): readonly Row[] {
    const key = `${link.sortProperty ?? ""} ${link.sortOrder ?? ""}`;
    const kept = orders.get(table);
    if (kept && kept.key === key && kept.generation === table.generation) return kept.rows as readonly Row[];
    const direction = link.sortOrder === "DESC" ? -1 : 1;
    const value = (link.sortProperty ? listing.sorts[link.sortProperty] : undefined) ?? ((row: Row) => row.id);
    const compare = (a: string | number | null, b: string | number | null): number =>
        a === b ? 0 : a === null ? 1 : b === null ? -1 : a < b ? -1 : 1;
    const rows = [...table.values()].sort((a, b) => direction * compare(value(a), value(b)) || compare(a.id, b.id));
    orders.set(table, { generation: table.generation, key, rows });
    return rows;
}

export function pageOf<Row extends { readonly id: string }>(table: Table<Row, string>, link: PageLink, listing: Listing<Row>): Page<Row> {
    if (link.sortProperty !== undefined && !listing.sorts[link.sortProperty]) throw new PlatformError(500, 46, "Database error");
    const found = link.textSearch ? search(link.textSearch) : undefined;
    const rows = ordered(table as unknown as Table<Row, never>, link, listing).filter(
        (row) => listing.filter(row) && (!found || listing.searched(row).some(found)),
    );
    return cut(rows, link);
}

export function cut<Row>(rows: readonly Row[], link: PageLink): Page<Row> {
    const from = link.page * link.pageSize;
    return {
        data: rows.slice(from, from + link.pageSize),
        totalPages: Math.ceil(rows.length / link.pageSize),
        totalElements: rows.length,
        hasNext: from + link.pageSize < rows.length,
    };
}

export function checkPage(pageSize: number, page: number, sortOrder: string | undefined): void {
    if (pageSize < 1) throw badRequest(`Incorrect page link page size '${pageSize}'. Page size must be greater than zero.`);
    if (page < 0) throw badRequest(`Incorrect page link page '${page}'. Page must be positive integer.`);
    if (sortOrder !== undefined && sortOrder.toUpperCase() !== "ASC" && sortOrder.toUpperCase() !== "DESC") {
        throw badRequest(`Unsupported sort order '${sortOrder}'! Only 'ASC' or 'DESC' types are allowed.`);
    }
}
