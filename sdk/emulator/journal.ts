// Keeps the platform's memory in a file: one line a change, read again at the next start.
import { closeSync, createReadStream, createWriteStream, existsSync, openSync, renameSync, rmSync, writeSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { KeyValueChange, KeyValues } from "./platform/keyValues";
import type { Store, StoreChange } from "./platform/store";
import type { Table } from "./platform/table";

export interface Journal {
    append(change: StoreChange): void;
    close(): Promise<void>;
}

const FILE = "data.ndjson";
type Tables = Omit<Store, "keyValues">;

/** Fills the store from the file, writes it anew without what is superseded, and goes on writing to it. */
export async function openJournal(dir: string, store: Store): Promise<Journal> {
    const file = join(dir, FILE);
    if (existsSync(file)) await load(file, store);
    compact(file, store);
    const stream: WriteStream = createWriteStream(file, { flags: "a", mode: 0o600 });
    let failure: Error | undefined;
    let closed = false;
    stream.on("error", (error) => (failure = error));
    return {
        append: (change) => {
            // A call that is still at work when the emulator stops gets no answer. Written after the end, its change would
            // destroy the stream, and what was acknowledged before and is still in it would be lost.
            if (closed) return;
            if (failure) throw new Error(`The emulator can't write ${file}: ${failure.message}`);
            stream.write(`${JSON.stringify(change)}\n`);
        },
        close: () =>
            new Promise((done) => {
                closed = true;
                stream.end(done);
            }),
    };
}

async function load(file: string, store: Store): Promise<void> {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
        let change: StoreChange;
        try {
            change = JSON.parse(line) as StoreChange;
        } catch {
            continue; // the last line of a process that was killed while writing
        }
        apply(store, change);
    }
}

function apply(store: Store, change: StoreChange): void {
    if (!("table" in change)) return applyKeyValue(store.keyValues, change);
    const table = (store as unknown as Record<string, Table<{ readonly id: string }, never> | undefined>)[change.table];
    if ("put" in change) table?.put(change.put as { readonly id: string });
    else table?.remove(change.remove);
}

function applyKeyValue(keyValues: KeyValues, change: KeyValueChange): void {
    if ("attribute" in change) keyValues.setAttribute(...change.attribute);
    else if ("series" in change) keyValues.replaceSeries(...change.series);
    else keyValues.forget(change.forget);
}

function compact(file: string, store: Store): void {
    const next = `${file}.new`;
    // Left behind by one that was killed, or put there by somebody else: it is not written through.
    rmSync(next, { force: true });
    const to = openSync(next, "wx", 0o600);
    const { keyValues, ...tables } = store;
    for (const name of Object.keys(tables) as (keyof Tables)[]) {
        for (const put of tables[name].values()) writeSync(to, `${JSON.stringify({ table: name, put })}\n`);
    }
    for (const change of keyValues.all()) writeSync(to, `${JSON.stringify(change)}\n`);
    closeSync(to);
    renameSync(next, file);
}
