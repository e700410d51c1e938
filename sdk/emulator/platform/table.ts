// A table in memory: rows by id, unique indexes, and a record of every change for whoever keeps them.

export type Change = { readonly table: string; readonly put: unknown } | { readonly table: string; readonly remove: string };

export interface Table<Row, Index extends string> {
    readonly size: number;
    /** Grows with every change; lets a reader keep a sorted list as long as nothing changed. */
    readonly generation: number;
    get(id: string): Row | undefined;
    find(index: Index, key: string): Row | undefined;
    put(row: Row): void;
    remove(id: string): void;
    values(): IterableIterator<Row>;
}

export function createTable<Row extends { readonly id: string }, Index extends string = never>(
    name: string,
    changed: (change: Change) => void,
    indexes: Record<Index, (row: Row) => string | null>,
): Table<Row, Index> {
    const rows = new Map<string, Row>();
    const keys = (Object.keys(indexes) as Index[]).map((index) => ({ keyOf: indexes[index], ids: new Map<string, string>() }));
    const byName = new Map<string, Map<string, string>>((Object.keys(indexes) as Index[]).map((index, i) => [index, keys[i]?.ids ?? new Map()]));
    let generation = 0;

    const forget = (row: Row): void => {
        for (const { keyOf, ids } of keys) {
            const key = keyOf(row);
            if (key !== null && ids.get(key) === row.id) ids.delete(key);
        }
    };
    return {
        get size() {
            return rows.size;
        },
        get generation() {
            return generation;
        },
        get: (id) => rows.get(id),
        find: (index, key) => {
            const id = byName.get(index)?.get(key);
            return id === undefined ? undefined : rows.get(id);
        },
        put: (row) => {
            const old = rows.get(row.id);
            if (old) forget(old);
            rows.set(row.id, row);
            for (const { keyOf, ids } of keys) {
                const key = keyOf(row);
                if (key !== null) ids.set(key, row.id);
            }
            generation++;
            changed({ table: name, put: row });
        },
        remove: (id) => {
            const old = rows.get(id);
            if (!old) return;
            forget(old);
            rows.delete(id);
            generation++;
            changed({ table: name, remove: id });
        },
        values: () => rows.values(),
    };
}
