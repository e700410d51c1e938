// What is measured, and how often. Each function adds its figures to the report.

import { createProject, changes } from "./stack.mjs";
import { deleteAll, provisionAll, readAll } from "./bare.mjs";
import { realPace } from "./emulator.mjs";
import { byHand } from "./guide.mjs";
import { emptyProgram, fleetProgram, noopProgram, singleProgram } from "./programs.mjs";
import { shardedFleet } from "./shards.mjs";

/** @param {readonly number[]} values */
export function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    return (Number(sorted[(sorted.length - 1) >> 1]) + Number(sorted[sorted.length >> 1])) / 2;
}

/** @param {string} names @returns {any} */
const lists = names => Object.fromEntries(names.split(" ").map(name => [name, []]));
const last = (/** @type {readonly number[]} */ list) => Number(list.at(-1)).toFixed(1);
const toldSeconds = (/** @type {Record<string, number[]>} */ seconds) => Object.entries(seconds).map(([step, list]) => `${step} ${last(list)} s`).join(", ");

/**
 * Where and how is measured.
 *
 * @typedef {object} Place
 * @property {import("../../tools/engine/engine.mjs").Engine} engine
 * @property {() => Promise<import("./emulator.mjs").Server>} startServer
 * @property {(line: string) => void} say
 */

/**
 * First `up` of a fleet with a publish check of each device, beside the bare loop and the guide's own way.
 *
 * @param {Place} place
 */
export async function checkedFleet({ engine, startServer, say }, { devices, runs, guide }) {
    const server = await startServer();
    const names = kind => Array.from({ length: devices }, (_, i) => `${server.prefix}${kind}-${String(i).padStart(6, "0")}`);
    const seconds = lists("fleet bare guide");
    let megabytes = {};
    try {
        for (let run = 1; run <= runs; run++) {
            await server.pace(realPace);
            const bare = await provisionAll(server, names("bare"), { check: true });
            seconds.bare.push(bare.seconds);
            const project = await createProject(engine, server, fleetProgram);
            const variables = { N: String(devices), CHECK: "all" };
            const up = await project.up(variables);
            seconds.fleet.push(up.seconds);
            megabytes = up.megabytes;
            const hand = guide ? await byHand(server, names("hand"), 8) : undefined;
            if (hand) seconds.guide.push(hand.seconds);
            say(`${devices} devices with check, run ${run} of ${runs}: fleet ${up.seconds.toFixed(1)} s, bare loop ${bare.seconds.toFixed(1)} s${hand ? `, guide's loop on 8 processes ${hand.seconds.toFixed(1)} s` : ""}`);
            await server.pace("unlimited");
            await project.pulumi(["destroy", "--yes", "--skip-preview"], variables);
            project.remove();
            await deleteAll(server, [...bare.ids, ...(hand?.ids ?? [])]);
        }
    } finally {
        await server.stop();
    }
    const rate = list => (list.length === 0 ? undefined : devices / median(list));
    return { devices, seconds, perSecond: { fleet: rate(seconds.fleet), bare: rate(seconds.bare), guide: rate(seconds.guide) }, megabytes };
}

/**
 * What a deployment costs before and after its work: engine and program alone, and with the plugin and a single device.
 *
 * @param {Place} place
 */
export async function startOfEngine({ engine, startServer, say }, { runs }) {
    const seconds = lists("program plugin");
    const server = await startServer();
    try {
        for (let run = 1; run <= runs; run++) {
            for (const [which, program] of Object.entries({ program: emptyProgram, plugin: fleetProgram })) {
                const project = await createProject(engine, server, program);
                seconds[which].push((await project.up({ N: "1" })).seconds);
                await project.pulumi(["destroy", "--yes", "--skip-preview"], { N: "1" });
                project.remove();
            }
            say(`start, run ${run} of ${runs}: engine and program ${last(seconds.program)} s, with plugin and one device ${last(seconds.plugin)} s`);
        }
    } finally {
        await server.stop();
    }
    return { seconds };
}

/**
 * The life of a fleet without checks, at the emulator's own speed.
 *
 * @param {Place} place
 */
export async function lifeOfFleet({ engine, startServer, say }, { devices, runs }) {
    const seconds = lists("first nothing preview refresh one renewed destroy bareReads bareBind");
    /** @type {any} */
    const figures = {};
    for (let run = 1; run <= runs; run++) {
        const server = await startServer();
        const project = await createProject(engine, server, fleetProgram);
        try {
            const at = N => ({ N: String(N) });
            const first = await project.up(at(devices));
            seconds.first.push(first.seconds);
            const text = project.stateText();
            const ciphertexts = [...text.matchAll(/"ciphertext":"([^"]*)"/g)].reduce((sum, [, found]) => sum + String(found).length, 0);
            figures.stateBytes = { withKey: Math.round(text.length / devices), withoutKey: Math.round((text.length - ciphertexts) / devices) };
            figures.megabytes = { first: first.megabytes };
            const ids = [...text.matchAll(/"id":"([0-9a-f-]{36})","notAfter"/g)].map(([, id]) => id);
            for (const [step, args] of Object.entries({ nothing: ["up", "--yes", "--skip-preview"], preview: ["preview"], refresh: ["refresh", "--yes", "--skip-preview"] })) {
                const done = await project.pulumi(args, at(devices));
                seconds[step].push(done.seconds);
                figures.megabytes[step] = done.megabytes;
            }
            seconds.bareReads.push(await readAll(server, ids));
            const one = await project.up(at(devices + 1));
            seconds.one.push(one.seconds);
            figures.oneTouched = changes(one.text);
            const renewed = await project.up({ ...at(devices + 1), RENEW: "1" });
            seconds.renewed.push(renewed.seconds);
            figures.renewed = [...renewed.text.matchAll(/(\d+) renewed/g)].reduce((sum, [, count]) => sum + Number(count), 0) / 2;
            seconds.destroy.push((await project.pulumi(["destroy", "--yes", "--skip-preview"])).seconds);
            const bare = await provisionAll(server, Array.from({ length: devices }, (_, i) => `${server.prefix}bare-${i}`), { check: false });
            seconds.bareBind.push(bare.seconds);
            say(`${devices} devices, run ${run} of ${runs}: ${toldSeconds(seconds)}`);
        } finally {
            project.remove();
            await server.stop();
        }
    }
    return { devices, seconds, ...figures };
}

/** @param {Place} place */
export async function growth({ engine, startServer, say }, { devices, runs }) {
    const seconds = [];
    let megabytes = {};
    for (let run = 1; run <= runs; run++) {
        const up = await firstUp({ engine, startServer, say }, devices);
        seconds.push(up.seconds);
        megabytes = up.megabytes;
    }
    return { devices, seconds, megabytes };
}

/** @param {Place} place */
async function firstUp({ engine, startServer, say }, devices) {
    const server = await startServer();
    const project = await createProject(engine, server, fleetProgram);
    try {
        const { seconds, megabytes } = await project.up({ N: String(devices) });
        say(`${devices} devices: first up ${seconds.toFixed(1)} s, memory ${JSON.stringify(megabytes)}`);
        return { seconds, megabytes };
    } finally {
        project.remove();
        await server.stop();
    }
}

/** @param {Place} place */
export async function singleResources({ engine, startServer, say }, { devices, runs }) {
    const seconds = lists("single noop");
    const server = await startServer();
    try {
        for (let run = 1; run <= runs; run++) {
            for (const [which, program] of Object.entries({ noop: noopProgram, single: singleProgram })) {
                const project = await createProject(engine, server, program);
                seconds[which].push((await project.up({ N: String(devices) })).seconds);
                await project.pulumi(["destroy", "--yes", "--skip-preview"]);
                project.remove();
            }
            say(`${devices} devices as single resources, run ${run} of ${runs}: ${last(seconds.single)} s, the same resources doing nothing ${last(seconds.noop)} s`);
        }
    } finally {
        await server.stop();
    }
    return { devices, seconds };
}

export { shardedFleet };
