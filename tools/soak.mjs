// `npm run test:soak`: the long run of what `npm test` does a part of. `npm run test:soak -- fuzz load` runs some of them;
// what follows a `--` goes to vitest (`npm run test:soak -- faults -- -t MQTT`).

import { randomInt } from "node:crypto";
import { EngineError } from "./engine/say.mjs";
import { forgetThingsBoard } from "./live/target.mjs";
import { prepare } from "./steps.mjs";
import { runVitest } from "./vitest.mjs";

/** @type {Readonly<Record<string, { what: string, project: "unit" | "engine", files: readonly string[], minutes: number }[]>>} */
const parts = {
    interruption: [{ what: "a deployment interrupted at every one of its calls", project: "engine", files: ["test/engine/interruption"], minutes: 90 }],
    faults: [
        { what: "a thousand deployments with faults at random", project: "unit", files: ["test/faults"], minutes: 60 },
        { what: "declarations, failures and meddling in any order, thousands of times each", project: "unit", files: ["test/reconcilers/convergence.test.ts", "test/unit/fleet/convergence.test.ts"], minutes: 20 },
        { what: "the same with the engine", project: "engine", files: ["test/engine/faults.test.ts"], minutes: 60 },
    ],
    fuzz: [{ what: "a million bad inputs", project: "unit", files: ["test/fuzz"], minutes: 60 }],
    commands: [{ what: "what doctor, explain and publish say of every fault, in text and in JSON", project: "unit", files: ["test/cli/faults"], minutes: 30 }],
    load: [
        { what: "ten thousand devices at a limit", project: "unit", files: ["test/load"], minutes: 30 },
        { what: "the same with the engine", project: "engine", files: ["test/engine/load.test.ts"], minutes: 30 },
    ],
};

const given = process.argv.slice(2);
const end = given.includes("--") ? given.indexOf("--") : given.findIndex((word) => word.startsWith("-"));
const [names, rest] = end < 0 ? [given, []] : [given.slice(0, end), given.slice(given[end] === "--" ? end + 1 : end)];
const unknown = names.filter((name) => !(name in parts));

if (unknown.length > 0) {
    console.error(`npm run test:soak -- [${Object.keys(parts).join("|")} …] [-- options of vitest]; there is no ${unknown.join(", ")}`);
    process.exitCode = 2;
} else {
    try {
        forgetThingsBoard();
        const engine = await prepare();
        const seed = process.env.THINGSBOARD_SEED ?? String(randomInt(2 ** 31));
        const told = [];
        let interrupted = false;
        for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => (interrupted = true));
        for (const name of names.length > 0 ? names : Object.keys(parts)) {
            for (const { what, project, files, minutes } of parts[name] ?? []) {
                if (interrupted) continue;
                console.log(`${name}: ${what}; seed ${seed} (THINGSBOARD_SEED=${seed} repeats it)`);
                const began = performance.now();
                const { code, passed, failed } = await runVitest(
                    engine,
                    ["--project", project, "--disableConsoleIntercept=true", ...files, ...rest],
                    { THINGSBOARD_SOAK: "true", THINGSBOARD_SEED: seed },
                    minutes,
                );
                if (code !== 0) process.exitCode = 1;
                told.push(`${name}: ${what}: ${passed} passed, ${failed} failed, in ${Math.round((performance.now() - began) / 1000)} s`);
            }
        }
        console.log([...told, `seed ${seed}`].join("\n"));
    } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        console.error(`npm run test:soak: ${error.message}`);
        process.exitCode = 1;
    }
}
