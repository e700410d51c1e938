// What a fleet costs, beside a bare loop and beside the work by hand: measures, tells, compares with the targets, and leaves
// bench/results/<name>.json and .svg.
//   npm run bench                  everything (about 40 minutes on two cores)
//   npm run bench -- --quick       the same with a tenth of the devices, one run of each
//   npm run bench -- --only life   one part: start, checkedSmall, checkedLarge, life, growth, shards, single
//   npm run bench -- --runs 1      one run of each, instead of three (two of the large ones, one of the shards)
//   npm run bench -- --live        on the ThingsBoard that THINGSBOARD_URL and its like name, as for `npm run test:live`

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findEngine } from "../tools/engine/engine.mjs";
import { forgetThingsBoard, LiveError, liveTarget } from "../tools/live/target.mjs";
import { startEmulator } from "./fleet/emulator.mjs";
import * as measure from "./fleet/measure.mjs";
import { plot } from "./fleet/plot.mjs";
import { useReal } from "./fleet/real.mjs";
import { limits, targets } from "./fleet/targets.mjs";

const { values } = parseArgs({
    options: { quick: { type: "boolean", default: false }, only: { type: "string", multiple: true }, live: { type: "boolean", default: false }, runs: { type: "string" } },
});
const scale = values.quick ? 0.1 : 1;
const runs = Number(values.runs ?? (values.quick ? 1 : 3));
if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs is ${values.runs}: expected a whole number of at least 1`);

const parts = {
    start: () => measure.startOfEngine(place, { runs }),
    checkedSmall: () => measure.checkedFleet(place, { devices: 500 * scale, runs, guide: true }),
    checkedLarge: () => measure.checkedFleet(place, { devices: 5_000 * scale, runs: Math.min(runs, 2), guide: false }),
    life: () => measure.lifeOfFleet(place, { devices: 10_000 * scale, runs }),
    growth: () => measure.growth(place, { devices: 20_000 * scale, runs: Math.min(runs, 2) }),
    shards: () => measure.shardedFleet(place, { devices: 100_000 * scale, shards: 10, parallel: 2 }),
    single: () => measure.singleResources(place, { devices: 100 * scale, runs }),
};

const target = values.live ? realTarget() : undefined;
forgetThingsBoard();
const place = { engine: await findEngine(), startServer: () => (target ? useReal(target) : startEmulator()), say: line => console.log(line) };
const against = target ? new URL(target.url).host : "the emulator in a process of its own";
const report = { at: new Date().toISOString(), quick: values.quick, runs, machine: machine(), against, engine: place.engine.kind, node: process.version };
for (const [name, run] of Object.entries(parts)) {
    if (values.only && !values.only.includes(name)) continue;
    report[name] = await run();
}
report.loadAfter = os.loadavg();
report.targets = targets(report);
report.limits = limits(report);

const folder = fileURLToPath(new URL("results/", import.meta.url));
mkdirSync(folder, { recursive: true });
const name = (target ? "live-" : "") + (values.only ? values.only.join("-") : values.quick ? "quick" : "fleet");
writeFileSync(`${folder}${name}.json`, `${JSON.stringify(report, null, 2)}\n`);
writeFileSync(`${folder}${name}.svg`, plot(report));
console.log(`\n${report.machine}; against ${against}; bench/results/${name}.json and .svg`);
for (const line of report.limits) console.log(line);
for (const { name: what, value, target, ok } of report.targets) console.log(`target ${what}: ${value} (${target}) ${ok ? "ok" : "short"}`);

function realTarget() {
    try {
        return liveTarget(process.env);
    } catch (error) {
        if (!(error instanceof LiveError)) throw error;
        console.error(`npm run bench -- --live: ${error.message}`);
        process.exit(1);
    }
}

function machine() {
    const memory = Math.round(os.totalmem() / 2 ** 30);
    const load = Number(os.loadavg()[0]).toFixed(1);
    return `${os.availableParallelism()} cores (${cpu()}), ${memory} GB, ${os.type()} ${os.release()}, load ${load} before the first measurement`;
}

function cpu() {
    try {
        return /model name\s*:\s*(.+)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? os.arch();
    } catch {
        return os.arch();
    }
}
