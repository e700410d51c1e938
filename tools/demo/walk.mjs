// The demo: a ThingsBoard, `pulumi up`, the proof, the same by hand, a drift found and mended, and nothing left behind.

import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { restClient } from "../live/rest.mjs";
import { sweep } from "../live/sweep.mjs";
import { forgetThingsBoard, LiveError, liveTarget, programEnvironment } from "../live/target.mjs";
import { repository } from "../steps.mjs";
import { publishByHand } from "./byHand.mjs";
import { explain } from "./explain.mjs";
import { DemoFailure, demand, heading, print } from "./show.mjs";
import { quickStart } from "./stack.mjs";

const { startEmulator } = createRequire(import.meta.url)(path.join(repository, "bin", "emulator", "index.js"));

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pulumi-thingsboard-demo-")); // 0700
/** @type {(() => Promise<unknown>)[]} */
const cleanUp = [async () => fs.rmSync(folder, { recursive: true, force: true })];

/** @type {Promise<void> | undefined} */
let finishing;
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.once(signal, () => {
        interrupted = true;
        void finish().then(() => process.exit(130));
    });
}
try {
    const wanted = readArguments(process.argv.slice(2));
    // What stands in somebody's shell names no server for an emulated one.
    if (!wanted.live) forgetThingsBoard();
    await (wanted.explain ? explain(folder, cleanUp) : walk(wanted));
    await finish();
    heading("Done: no device, no state, no file is left");
} catch (error) {
    if (!interrupted) console.error(`\nnpm run demo: ${error instanceof DemoFailure || error instanceof LiveError ? error.message : error.stack}`);
    process.exitCode = 1;
} finally {
    await finish();
}
process.exit(); // whatever an interrupted step has left open

/** @param {ReturnType<typeof readArguments>} wanted */
async function walk(wanted) {
    const server = wanted.live ? someonesOwn() : await emulated(wanted.faults);
    if (wanted.live) forgetThingsBoard();
    const rest = restClient(server);
    cleanUp.push(async () => rest.close());
    const stack = quickStart(repository, folder, programEnvironment(server));
    cleanUp.push(() => stack.stop());

    heading("pulumi up: two devices, a key and a certificate each, bound and proven by a publish");
    await stack.create();
    if (wanted.live) await stack.succeed("quiet", "config", "set", "prefix", server.prefix);
    await stack.succeed("shown", "up", "--yes", "--skip-preview");

    heading("What the devices got from ThingsBoard (pulumi stack output)");
    const outputs = await stack.outputs();
    for (const [kind, device] of Object.entries(outputs)) {
        print(`${kind.padEnd(4)} CONNACK ${device.connackCode}, PUBACK ${device.pubackCode}: ${device.message}`);
        demand(device.connackCode === 0 && device.pubackCode === 0, `the publish check of ${kind} was not accepted: ${device.message}`);
    }

    heading("The same by hand");
    const { ec, rsa } = await stack.outputs("--show-secrets");
    const temperature = await latestTemperature(rest, ec.deviceId);
    if (await publishByHand(folder, server, ec, `{"temperature":${temperature + 1}}`)) {
        // PUBACK means queued: what was published is there a moment later.
        let stored = await latestTemperature(rest, ec.deviceId);
        for (let tries = 1; stored !== temperature + 1 && tries < 20; tries++) {
            await sleep(500);
            stored = await latestTemperature(rest, ec.deviceId);
        }
        demand(stored === temperature + 1, `mosquitto_pub published ${temperature + 1}, but ThingsBoard stores ${stored}`);
        print(`accepted; ThingsBoard now stores temperature ${stored}`);
    }

    heading("No private key in plain text in the raw state");
    const state = stack.rawState();
    demand(state.includes("BEGIN CERTIFICATE"), "the state holds no certificate, so it was not the state that was searched");
    for (const { privateKeyPem } of [ec, rsa]) {
        const body = privateKeyPem.split("\n")[1];
        demand(!state.includes("PRIVATE KEY") && !state.includes(body), "a private key is in the state in plain text");
    }
    print(`${state.length} bytes searched, none found`);

    heading("Somebody takes the certificate off a device");
    const row = await rest.call("GET", `/api/device/${ec.deviceId}/credentials`);
    await rest.call("POST", "/api/device/credentials", {
        ...row, credentialsType: "ACCESS_TOKEN", credentialsId: "TYPED_BY_SOMEBODY", credentialsValue: null,
    });
    print(`device ${ec.deviceId} now has an access token in the place of its certificate`);

    heading("Pulumi finds it");
    const drift = await stack.run("shown", "preview", "--refresh", "--diff", "--expect-no-changes");
    demand(drift.code !== 0, "`pulumi preview --refresh --expect-no-changes` did not find the drift");
    print("(an error is right here: it is what a nightly job would fail with)");
    await stack.succeed("shown", "refresh", "--yes", "--skip-preview", "--suppress-outputs");

    heading("... and puts it right");
    await stack.succeed("shown", "up", "--yes", "--skip-preview", "--suppress-outputs");
    const mended = await rest.call("GET", `/api/device/${ec.deviceId}/credentials`);
    demand(
        mended.credentialsType === "X509_CERTIFICATE" && mended.credentialsId === ec.credentialsId,
        `after \`pulumi up\` the device holds ${mended.credentialsType} ${mended.credentialsId}`,
    );
    await stack.succeed("quiet", "preview", "--refresh", "--expect-no-changes");
    print("$ pulumi preview --refresh --expect-no-changes", "nothing left to do");

    heading("pulumi destroy");
    await stack.succeed("shown", "destroy", "--yes", "--skip-preview");
    const left = await rest.call("GET", `/api/tenant/devices?pageSize=100&page=0&textSearch=${encodeURIComponent(server.prefix)}`);
    demand(left.totalElements === 0, `after \`pulumi destroy\` ${left.totalElements} devices are left`);
}

/** Undoes what was begun, last thing first; only once, whoever asks. */
function finish() {
    finishing ??= (async () => {
        for (const undo of cleanUp.reverse()) await undo();
    })();
    return finishing;
}

/** @param {object} faults */
async function emulated(faults) {
    heading("A ThingsBoard, emulated: REST, and MQTT over TLS, on this machine only");
    const emulator = await startEmulator({ faults });
    cleanUp.push(() => emulator.stop());
    const { restUrl: url, apiKey, caPem, mqttsHost, mqttsPort } = emulator;
    print(`REST ${url}, MQTT ${mqttsHost}:${mqttsPort}`);
    return { url, apiKey, caPem, mqttsHost, mqttsPort, prefix: "pump" };
}

/** Only what begins with the prefix is made there, and it is swept even if the stack could not be destroyed. */
function someonesOwn() {
    const { PULUMI_THINGSBOARD_LIVE: told } = process.env;
    /** @type {import("../live/target.mjs").LiveTarget} */
    const target = told === undefined ? liveTarget(process.env) : JSON.parse(told);
    const server = { ...target, prefix: `${target.prefix}demo` };
    heading("A ThingsBoard of your own");
    print(`REST ${server.url}, MQTT ${server.mqttsHost}:${server.mqttsPort}; the demo's devices are called ${server.prefix}-1 and ${server.prefix}-2`);
    cleanUp.push(() => sweep(server));
    return server;
}

/**
 * `--faults <JSON>`: what the emulator should do wrong, to see what a refusal looks like. `--live`: on a server of one's
 * own instead. `--explain`: what goes wrong, one thing after another.
 *
 * @param {string[]} argv
 */
function readArguments([flag, json, ...rest]) {
    const usage = `usage: npm run demo [-- --live | --explain | --faults '{"mqtt":{"puback":"withhold"}}']`;
    const plain = { live: false, explain: false, faults: {} };
    if (flag === undefined) return plain;
    if (flag === "--live" || flag === "--explain") {
        demand(json === undefined, usage);
        return { ...plain, live: flag === "--live", explain: flag === "--explain" };
    }
    demand(flag === "--faults" && json && rest.length === 0, usage);
    try {
        return { ...plain, faults: JSON.parse(json) };
    } catch (error) {
        throw new DemoFailure(`${usage} (${error.message})`);
    }
}

/** @param {ReturnType<typeof restClient>} rest @param {string} deviceId */
async function latestTemperature(rest, deviceId) {
    const values = await rest.call("GET", `/api/plugins/telemetry/DEVICE/${deviceId}/values/timeseries?keys=temperature`);
    return Number(values.temperature?.[0]?.value);
}
