// `npm run test:live`: the engine tests, the examples and the demo's steps, against a ThingsBoard that somebody has, in
// the emulator's place. Everything made there begins with a prefix of this run, and is gone at the end however it ends.
//
//     THINGSBOARD_URL=… THINGSBOARD_USERNAME=… THINGSBOARD_PASSWORD=… THINGSBOARD_MQTTS=host:port THINGSBOARD_CA=file npm run test:live
//
// Arguments go to vitest: `npm run test:live -- test/engine/device.test.ts`.

import { setTimeout as sleep } from "node:timers/promises";
import { EngineError } from "./engine/say.mjs";
import { findJava } from "./java.mjs";
import { RestFailure, restClient } from "./live/rest.mjs";
import { sweep } from "./live/sweep.mjs";
import { forgetThingsBoard, LiveError, liveTarget } from "./live/target.mjs";
import { findMosquitto } from "./mosquitto.mjs";
import { prepare } from "./steps.mjs";
import { runVitest } from "./vitest.mjs";

try {
    const target = liveTarget(process.env);
    forgetThingsBoard();
    await logIn(target);
    const engine = await prepare();
    await findMosquitto();
    await findJava();
    let interrupted = false;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => (interrupted = true));
    const { code, passed, failed, skipped } = await runVitest(engine, ["--project", "engine", ...process.argv.slice(2)], { PULUMI_THINGSBOARD_LIVE: JSON.stringify(target) });
    await clean(target, () => interrupted);
    process.exitCode = code;
    console.log(`${passed} passed, ${failed} failed, ${skipped} need the emulator and were not run`);
} catch (error) {
    if (!(error instanceof EngineError || error instanceof LiveError || error instanceof RestFailure)) throw error;
    console.error(`npm run test:live: ${error.message}`);
    process.exitCode = 1;
}

/** A wrong password or authority is said once, before anything is tested. @param {import("./live/target.mjs").LiveTarget} target */
async function logIn(target) {
    const rest = restClient(target);
    const info = await rest.call("GET", "/api/system/info").catch(unlessForbidden);
    const user = await rest.call("GET", "/api/auth/user");
    rest.close();
    console.log(`${target.url}, ThingsBoard ${info?.type ?? ""} ${info?.version ?? "of unknown version"}, as ${user.name}; devices connect at ${target.mqttsHost}:${target.mqttsPort}`);
    console.log(`whatever is made there begins with ${target.prefix}`);
    if (user.authority !== "TENANT_ADMIN") throw new LiveError(`${user.name} is ${user.authority}: the tests need a tenant administrator`);
}

/**
 * After an interruption a deployment that nobody waits for any more may go on for some seconds.
 *
 * @param {import("./live/target.mjs").LiveTarget} target
 * @param {() => boolean} interrupted
 */
async function clean(target, interrupted) {
    const removed = await sweep(target);
    for (let quiet = interrupted() ? 0 : 2; quiet < 2; ) {
        await sleep(4000);
        const more = await sweep(target);
        removed.push(...more);
        quiet = more.length === 0 ? quiet + 1 : 0;
    }
    console.log(removed.length === 0 ? "nothing was left behind" : `removed what was left behind: ${removed.join(", ")}`);
}

/** @param {unknown} error */
function unlessForbidden(error) {
    if (error instanceof RestFailure && error.status > 400 && error.status !== 401) return undefined;
    throw error;
}
