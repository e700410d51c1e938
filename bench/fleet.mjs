// What a fleet costs, beside a bare loop and beside the work by hand: measures, tells, compares with the targets, and leaves
// bench/results/<name>.json and .svg.
//   npm run bench                  everything (about an hour on two cores)
//   npm run bench -- --quick       the same with a tenth of the devices, one run of each
//   npm run bench -- --only life   one part: checkedSmall, checkedLarge, life, growth, shards, single

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findEngine } from "../tools/engine/engine.mjs";
import * as measure from "./fleet/measure.mjs";
import { plot } from "./fleet/plot.mjs";
import { targets } from "./fleet/targets.mjs";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, only: { type: "string", multiple: true } } });
const scale = values.quick ? 0.1 : 1;
const runs = values.quick ? 1 : 3;

const parts = {
    checkedSmall: say => measure.checkedFleet(engine, say, { devices: 500 * scale, runs, guide: true }),
    checkedLarge: say => measure.checkedFleet(engine, say, { devices: 5_000 * scale, runs: Math.min(runs, 2), guide: false }),
    life: say => measure.lifeOfFleet(engine, say, { devices: 10_000 * scale, runs }),
    growth: say => measure.growth(engine, say, { devices: 20_000 * scale }),
    shards: say => measure.shardedFleet(engine, say, { devices: 100_000 * scale, shards: 10, parallel: 2 }),
    single: say => measure.singleResources(engine, say, { devices: 100 * scale, runs }),
};

const engine = await findEngine();
const report = { at: new Date().toISOString(), quick: values.quick, machine: machine(), engine: engine.kind, node: process.version };
for (const [name, run] of Object.entries(parts)) {
    if (values.only && !values.only.includes(name)) continue;
    report[name] = await run(line => console.log(line));
}
report.loadAfter = os.loadavg();
report.targets = targets(report);

const folder = fileURLToPath(new URL("results/", import.meta.url));
mkdirSync(folder, { recursive: true });
const name = values.only ? values.only.join("-") : values.quick ? "quick" : "fleet";
writeFileSync(`${folder}${name}.json`, `${JSON.stringify(report, null, 2)}\n`);
writeFileSync(`${folder}${name}.svg`, plot(report));
console.log(`\n${report.machine}; bench/results/${name}.json and .svg`);
for (const { name: what, value, target, ok } of report.targets) console.log(`target ${what}: ${value} (${target}) ${ok ? "ok" : "short"}`);

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
