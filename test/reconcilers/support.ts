// Reconcilers without the engine: called as it would call them, against a ThingsBoard on real sockets.

import fc from "fast-check";
import { runtime } from "@pulumi/pulumi";
import { expect } from "vitest";
import { type Emulator, type EmulatorOptions, startEmulator } from "../../sdk/emulator/index";
import type { Reconciler } from "../../sdk/reconcilers/reconciler";
import type { Server } from "../../sdk/reconcilers/server";
import { type ThingsBoard, connect } from "../../sdk/thingsboard";

export interface UnderTest {
    readonly emulator: Emulator;
    readonly server: Server;
    readonly thingsboard: ThingsBoard;
    stop(): Promise<void>;
}

export async function underTest(options?: EmulatorOptions): Promise<UnderTest> {
    const emulator = await startEmulator(options);
    const { restUrl: url, apiKey, username, password } = emulator;
    const thingsboard = connect({ url, credentials: apiKey === "" ? { username, password } : { apiKey } });
    const mqtt = { host: emulator.mqttsHost, port: emulator.mqttsPort, caPem: emulator.caPem };
    return { emulator, thingsboard, server: { thingsboard, mqtt, restHost: "127.0.0.1", restVerified: true }, stop: () => emulator.stop() };
}

/** What names may hold. */
export const someName = fc.string({ unit: "grapheme", maxLength: 30 }).filter(text => !text.includes("<") && !text.includes("\0"));

export const someText = fc.string({ unit: "grapheme", maxLength: 20 }).filter(value => !value.includes("<") && !value.includes("\0"));
export const someKey = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,12}$/).filter(text => !["pulumi", "gateway", "active", "lastConnectTime", "lastUpdateTime"].includes(text));
/** What a program can hand over: the engine knows no other numbers than doubles. */
export const someJson: fc.Arbitrary<unknown> = fc.letrec(again => ({
    value: fc.oneof({ maxDepth: 2 }, someText, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }).map(number => number + 0), fc.boolean(), fc.array(again("value"), { maxLength: 3 }), fc.dictionary(someKey, again("value"), { maxKeys: 3 })),
})).value;
export const someAttributes = fc.dictionary(someKey, someJson.filter(value => !(Number.isInteger(value) && Math.abs(value as number) >= 2 ** 63)), { maxKeys: 4 });

let count = 0;
/** Under a name of its own, each time that it is tried: a device has to be nobody else's. */
export const fresh = <Named extends { readonly name: string }>(named: Named): Named & { readonly declaredBy: string } => {
    count++;
    return { ...named, name: `n${count} ${named.name}`.trim(), declaredBy: `project/stack/${count}` };
};

export const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined });

/** Inputs as they come over the wire: what is not declared is not there. */
export const wire = <Value extends object>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

/** What holds for every resource from the moment it is made until it is gone. */
export async function expectLawful<Inputs extends object, State extends object>(reconciler: Reconciler<Inputs, State>, declared: Inputs): Promise<void> {
    const inputs = wire(declared);
    const checked = await reconciler.check({} as Inputs, inputs);
    expect(checked.failures ?? []).toEqual([]);
    const { id, outs } = await reconciler.create(inputs);
    try {
        const state = outs as State;
        expect(wire(state)).toEqual(state);
        expect(await reconciler.diff(id, state, inputs)).toEqual({ changes: false });

        const seen = await reconciler.read(id, state);
        expect(seen.id).toBe(id);
        const { props } = seen as { props: State };
        expect(wire(props)).toEqual(props);
        // The engine compares these inputs with those of before.
        const found = ("inputs" in seen ? seen.inputs : undefined) ?? inputs;
        expect(found).toEqual(inputs);
        expect(await reconciler.diff(id, props, inputs)).toEqual({ changes: false });
        expect(await reconciler.read(id, props)).toEqual(seen);

        // A second check of the same, as a preview that is followed by an update makes it.
        expect((await reconciler.check(found, inputs)).failures ?? []).toEqual([]);

        // An update that changes nothing leaves it so.
        const { outs: updated } = await reconciler.update(id, props, inputs);
        expect(await reconciler.diff(id, updated as State, inputs)).toEqual({ changes: false });
        await reconciler.delete(id, updated as State);
    } finally {
        await reconciler.delete(id, outs as State);
    }
    await reconciler.delete(id, outs as State);
}

/**
 * In preview anything may still be unknown: then nothing fails, nothing is replaced, and nothing is said to be unchanged.
 * @param known paths (`settings.algorithm`) of what are plain values in every program; who declares it the package itself says
 */
export async function expectPatient<Inputs extends object, State extends object>(reconciler: Reconciler<Inputs, State>, state: State, inputs: Inputs, known = /^declaredBy$/): Promise<void> {
    for (const path of pathsOf(wire(inputs)).filter(path => !known.test(path.join(".")))) {
        const news = replaced(wire(inputs), path) as Inputs;
        const checked = await reconciler.check(inputs, news);
        expect({ path, failures: checked.failures ?? [] }).toEqual({ path, failures: [] });
        const answer = await reconciler.diff("id", state, news);
        expect({ path, replaces: answer.replaces ?? [] }).toEqual({ path, replaces: [] });
        expect((await reconciler.check({} as Inputs, news)).failures ?? []).toEqual([]);
    }
}

type Path = readonly (string | number)[];

function pathsOf(value: unknown, at: Path = []): Path[] {
    if (typeof value !== "object" || value === null) return [at];
    return [...(at.length === 0 ? [] : [at]), ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...at, Array.isArray(value) ? Number(key) : key]))];
}

function replaced(value: unknown, [key, ...rest]: Path): unknown {
    if (key === undefined) return runtime.unknownValue;
    if (Array.isArray(value)) return value.map((inner: unknown, index) => (index === key ? replaced(inner, rest) : inner));
    return { ...(value as object), [key]: replaced((value as Record<string, unknown>)[key], rest) };
}
