// What the engine does with reconcilers, as far as failures matter: it keeps what it is told, compares, and tries again in
// the next `up`. The real one is too slow for thousands of deployments; `test/engine/faults.test.ts` has a few of those.

import { isDeepStrictEqual } from "node:util";
import { type Reconciler, Unfinished } from "../../sdk/reconcilers/reconciler";

export interface Declaration<Inputs extends object = object, State extends object = object> {
    readonly name: string;
    readonly reconciler: () => Reconciler<Inputs, State>;
    /** Given the state of what it depends on. */
    readonly inputs: (stateOf: (name: string) => any) => Inputs;
    readonly dependsOn?: readonly string[];
}

interface Kept {
    readonly id: string;
    readonly inputs: object;
    readonly state: object;
    /** The remote object exists, but is not yet what was declared. */
    readonly unfinished: boolean;
    readonly declaration: Declaration;
}

/** By resource, why it failed. */
export type Failures = ReadonlyMap<string, Error>;

export interface SmallEngine {
    readonly kept: ReadonlyMap<string, Kept>;
    /** Creates, updates, and at last deletes what is not declared any more. */
    up(program: readonly Declaration[]): Promise<Failures>;
    refresh(): Promise<Failures>;
    /** What `up` would do: nothing, if all is as declared. */
    pending(program: readonly Declaration[]): Promise<string[]>;
}

/** As it arrives over the wire. */
const wire = <Value extends object>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

export function smallEngine(): SmallEngine {
    const kept = new Map<string, Kept>();
    const stateOf = (name: string) => kept.get(name)?.state;

    async function step(declaration: Declaration): Promise<void> {
        const { name } = declaration;
        const before = kept.get(name);
        const news = wire(declaration.inputs(stateOf));
        const reconciler = declaration.reconciler();
        const { failures = [] } = await reconciler.check(before?.inputs ?? {}, news);
        if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason).join("; "));
        const keep = (id: string, state: object, unfinished: boolean) => kept.set(name, { id, inputs: news, state: wire(state), unfinished, declaration });
        try {
            if (!before) {
                const { id, outs } = await reconciler.create(news);
                keep(id, outs!, false);
            } else if (before.unfinished || (await changes(reconciler, before, news))) {
                const { outs } = await reconciler.update(before.id, before.state, news);
                keep(before.id, outs!, false);
            } else kept.set(name, { ...before, inputs: news, declaration });
        } catch (error) {
            if (error instanceof Unfinished) keep(error.id, error.properties, true);
            throw error;
        }
    }

    async function each<Item>(items: readonly Item[], nameOf: (item: Item) => string, waitsFor: (item: Item) => readonly string[], run: (item: Item) => Promise<void>): Promise<Map<string, Error>> {
        const failures = new Map<string, Error>();
        const started = new Map<string, Promise<void>>();
        for (const item of items) {
            const before = waitsFor(item).map(name => started.get(name));
            const after = Promise.all(before).then(async () => {
                const failed = waitsFor(item).find(name => failures.has(name));
                try {
                    if (failed !== undefined) throw new Error(`${failed} failed before`);
                    await run(item);
                } catch (error) {
                    failures.set(nameOf(item), error as Error);
                }
            });
            started.set(nameOf(item), after);
        }
        await Promise.all(started.values());
        return failures;
    }

    return {
        kept,

        async up(program) {
            const failures = await each(program, ({ name }) => name, ({ dependsOn = [] }) => dependsOn, step);
            // The engine stops before it deletes, if something failed.
            if (failures.size > 0) return failures;
            const gone = [...kept.values()].filter(({ declaration }) => !program.some(({ name }) => name === declaration.name)).reverse();
            const dependents = ({ declaration }: Kept) => gone.filter(other => other.declaration.dependsOn?.includes(declaration.name)).map(other => other.declaration.name);
            return each(gone, ({ declaration }) => declaration.name, dependents, async ({ id, state, declaration }) => {
                await declaration.reconciler().delete(id, state);
                kept.delete(declaration.name);
            });
        },

        async refresh() {
            return each([...kept.values()], ({ declaration }) => declaration.name, () => [], async before => {
                const found = await before.declaration.reconciler().read(before.id, before.state);
                if (!("props" in found)) kept.delete(before.declaration.name);
                // Whatever had failed before is forgotten: a read that succeeds says that all is well.
                else kept.set(before.declaration.name, { ...before, state: wire(found.props), inputs: wire(found.inputs ?? before.inputs), unfinished: false });
            });
        },

        async pending(program) {
            const found = await Promise.all(program.map(async declaration => {
                const before = kept.get(declaration.name);
                const planned = !before ? "create" : before.unfinished ? "finish" : (await changes(declaration.reconciler(), before, wire(declaration.inputs(stateOf)))) ? "update" : undefined;
                return planned === undefined ? [] : [`${planned} ${declaration.name}`];
            }));
            const declared = new Set(program.map(({ name }) => name));
            return [...found.flat(), ...[...kept.keys()].filter(name => !declared.has(name)).map(name => `delete ${name}`)];
        },
    };
}

async function changes(reconciler: Reconciler<object, object>, before: Kept, news: object): Promise<boolean> {
    const { changes, replaces = [] } = await reconciler.diff(before.id, before.state, news);
    if (replaces.length > 0) throw new Error(`nothing in these stories is replaced, and ${before.declaration.name} would be`);
    return changes ?? !isDeepStrictEqual(before.inputs, news);
}
