// A deployment that breaks off at any of its calls: the next one finishes the work. By default the calls that write are
// interrupted, before and after they take effect; `npm run test:soak` interrupts every call, and recovers in more ways.

import { afterAll, beforeAll, expect, onTestFinished } from "vitest";
import { emulated } from "../support/live";
import { type ThingsBoardUnderTest, emulatedThingsBoard } from "../support/thingsboard";
import type { Cut, Manner } from "./interrupter";
import { type Kind, type Lane, type Victim, lane, startRig } from "./lanes";

const soak = process.env["THINGSBOARD_SOAK"] !== undefined;

const kinds: readonly Kind[] = ["create", "hand", "adopt", "rebind", "move", "renew", "rename", "fleet", "profile"];
type Calls = Readonly<Record<"up" | "destroy", readonly string[]>>;

let server: ThingsBoardUnderTest;
/** What each kind asks for when nobody interrupts it. */
let calls: ReadonlyMap<Kind, Calls>;

beforeAll(async () => {
    server = await emulatedThingsBoard();
    const lanes = kinds.map(kind => lane(kind));
    const rig = await startRig(server, lanes);
    await rig.prepare();
    const up = await rig.interrupted("up", "drop");
    await rig.expectDone();
    const destroy = await rig.interrupted("destroy", "drop");
    await rig.expectGone();
    await rig.remove();
    calls = new Map(lanes.map(({ kind, name }) => [kind, { up: up.calls.get(name) ?? [], destroy: destroy.calls.get(name) ?? [] }]));
});
afterAll(() => server.stop());

/** How the next deployment goes about it. */
type Recovery = readonly (readonly string[])[];
const up: Recovery = [["up"]];
/** A killed engine leaves notes of what it was about to create, and only this takes them away. */
const upThenClear: Recovery = [["up"], ["refresh", "--clear-pending-creates"]];
const refreshing: Recovery = [["up", "--refresh"]];
const refreshFirst: Recovery = [["refresh"], ["up"]];
const clearing: Recovery = [["refresh", "--clear-pending-creates"], ["up"]];

interface Story {
    readonly manner: Manner;
    readonly victim?: Victim;
    readonly skipCheckpoints?: true;
    readonly recovery: Recovery;
    readonly only?: "soak";
}

const stories: readonly Story[] = [
    { manner: "outage", recovery: up },
    { manner: "outage", recovery: refreshFirst, only: "soak" },
    { manner: "hold", victim: "plugin", recovery: up },
    { manner: "hold", victim: "plugin", recovery: refreshing, only: "soak" },
    { manner: "hold", victim: "plugin", skipCheckpoints: true, recovery: up, only: "soak" },
    { manner: "hold", victim: "engine", recovery: upThenClear, only: "soak" },
    { manner: "hold", victim: "engine", recovery: [["refresh", "--clear-pending-creates"], ["up", "--refresh"]], only: "soak" },
    { manner: "hold", victim: "engine", recovery: clearing },
    { manner: "hold", victim: "engine", skipCheckpoints: true, recovery: up },
    { manner: "hold", victim: "engine", skipCheckpoints: true, recovery: refreshing, only: "soak" },
];

const inWords = ({ manner, victim, skipCheckpoints, recovery }: Story): string => {
    const what = victim ? `the ${victim} is killed during` : manner === "outage" ? "the server fails from" : "the connection drops at";
    return `${what} a call${skipCheckpoints ? ", without checkpoints" : ""}; ${recovery.map(command => command.join(" ")).join(", then ")}`;
};

const limit = { timeout: (soak ? 30 : 4) * 60_000 };

emulated.test("a connection that drops once does not even fail the deployment", limit, async () => {
    const lanes = lanesOf(kinds);
    const rig = await startRig(server, lanes, { PULUMI_SKIP_CHECKPOINTS: "true" });
    onTestFinished(() => rig.remove());
    await rig.prepare();
    const run = await rig.interrupted("up", "drop");
    expect(run).toMatchObject({ ok: true });
    expect(placesOf(covered("dropped once", "up", lanes, run.cut))).toEqual([]);
    await rig.expectDone();
    const end = await rig.interrupted("destroy", "drop");
    expect(end).toMatchObject({ ok: true });
    expect(placesOf(covered("dropped once", "destroy", lanes, end.cut), "destroy")).toEqual([]);
    await rig.expectGone();
});

emulated.test.for(stories.filter(({ only }) => soak || only !== "soak").map(story => [inWords(story), story] as const))("%s", limit, async ([words, story]) => {
    const lanes = lanesOf(kinds);
    const unreached = await liveThrough(words, story, lanes);
    // Once anything has failed, the engine does not come to the delete of what was replaced: that has a deployment of its own.
    expect(placesOf(unreached.filter(({ kind }) => kind !== "rename"))).toEqual([]);
    if (unreached.length > 0) expect(placesOf(await liveThrough(words, story, unreached.map(({ kind, up }) => lane(kind, { up: up! }))))).toEqual([]);
});

/** @returns the lanes whose change was over before it could be interrupted */
async function liveThrough(words: string, story: Story, lanes: readonly Lane[]): Promise<Lane[]> {
    const rig = await startRig(server, lanes, story.skipCheckpoints ? { PULUMI_SKIP_CHECKPOINTS: "true" } : {});
    onTestFinished(() => rig.remove());
    await rig.prepare();
    const broken = await rig.interrupted("up", story.manner, story.victim);
    expect(broken.ok).toBe(false);
    const unreached = covered(words, "up", lanes, broken.cut);
    for (const command of story.recovery) await rig.recover(...command);
    await rig.expectDone();

    const end = await rig.interrupted("destroy", story.manner, story.victim);
    expect(end.ok).toBe(lanes.every(({ destroy }) => destroy === undefined));
    expect(placesOf(covered(words, "destroy", lanes, end.cut), "destroy")).toEqual([]);
    if (!end.ok) await rig.recover("destroy");
    await rig.expectGone();
    return unreached;
}

type Choice = (calls: readonly string[]) => Cut[];

const allCalls: Choice = made =>
    made.flatMap((call, index) => {
        const nth = made.slice(0, index + 1).filter(other => other === call).length;
        return [{ call, nth, when: "before" }, { call, nth, when: "after" }] satisfies Cut[];
    });
const writes: Choice = made => allCalls(made).filter(({ call }) => !call.startsWith("GET"));
const chosen = soak ? allCalls : writes;

/** A lane for each place to cut at, and one of each kind that is left alone. */
function lanesOf(some: readonly Kind[]): Lane[] {
    return some.flatMap(kind => {
        const [ups, destroys] = [chosen(calls.get(kind)!.up), chosen(calls.get(kind)!.destroy)];
        const cuts = Array.from({ length: Math.max(ups.length, destroys.length) }, (_none, index) => ({ up: ups[index], destroy: destroys[index] }));
        return [lane(kind), ...cuts.map(({ up, destroy }) => lane(kind, { ...(up && { up }), ...(destroy && { destroy }) }))];
    });
}

const inWordsOf = ({ call, nth, when }: Cut): string => `${when} ${call} (${nth})`;
const placesOf = (lanes: readonly Lane[], phase: "up" | "destroy" = "up"): string[] => lanes.map(({ kind, [phase]: cut }) => `${kind} ${cut ? inWordsOf(cut) : ""}`);

/** @returns the lanes that were never cut: they tell nothing */
function covered(story: string, phase: "up" | "destroy", lanes: readonly Lane[], cut: ReadonlySet<string>): Lane[] {
    const planned = lanes.filter(lane => lane[phase] !== undefined);
    if (soak) {
        for (const kind of kinds) {
            const hit = planned.filter(lane => lane.kind === kind && cut.has(lane.name));
            if (hit.length > 0) console.log(`${phase}, ${story}: ${kind} at ${hit.map(({ [phase]: cut }) => inWordsOf(cut!)).join(", ")}`);
        }
    }
    return planned.filter(({ name }) => !cut.has(name));
}
