// The demo: a ThingsBoard, `pulumi up`, the proof, the same by hand, a drift found and mended, and nothing left behind.

import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { repository } from "../steps.mjs";
import { publishByHand } from "./byHand.mjs";
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
    await walk();
    await finish();
    heading("Done: no device, no state, no file is left");
} catch (error) {
    if (!interrupted) console.error(`\nnpm run demo: ${error instanceof DemoFailure ? error.message : error.stack}`);
    process.exitCode = 1;
} finally {
    await finish();
}
process.exit(); // whatever an interrupted step has left open

async function walk() {
    const faults = readFaults(process.argv.slice(2));
    heading("A ThingsBoard, emulated: REST, and MQTT over TLS, on this machine only");
    const server = await startEmulator({ faults });
    cleanUp.push(() => server.stop());
    print(`REST ${server.restUrl}, MQTT ${server.mqttsHost}:${server.mqttsPort}`);
    const rest = restClient(server);
    const stack = quickStart(repository, folder, {
        THINGSBOARD_URL: server.restUrl,
        THINGSBOARD_API_KEY: server.apiKey,
        THINGSBOARD_MQTT_HOST: server.mqttsHost,
        THINGSBOARD_MQTT_PORT: String(server.mqttsPort),
        THINGSBOARD_MQTT_CA_PEM: server.caPem,
    });
    cleanUp.push(() => stack.stop());

    heading("pulumi up: two devices, a key and a certificate each, bound and proven by a publish");
    await stack.create();
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
        const stored = await latestTemperature(rest, ec.deviceId);
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
    const row = await rest("GET", `/api/device/${ec.deviceId}/credentials`);
    await rest("POST", "/api/device/credentials", {
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
    const mended = await rest("GET", `/api/device/${ec.deviceId}/credentials`);
    demand(
        mended.credentialsType === "X509_CERTIFICATE" && mended.credentialsId === ec.credentialsId,
        `after \`pulumi up\` the device holds ${mended.credentialsType} ${mended.credentialsId}`,
    );
    await stack.succeed("quiet", "preview", "--refresh", "--expect-no-changes");
    print("$ pulumi preview --refresh --expect-no-changes", "nothing left to do");

    heading("pulumi destroy");
    await stack.succeed("shown", "destroy", "--yes", "--skip-preview");
    const left = await rest("GET", "/api/tenant/devices?pageSize=100&page=0&textSearch=pump-");
    demand(left.totalElements === 0, `after \`pulumi destroy\` ${left.totalElements} devices are left`);
}

/** Undoes what was begun, last thing first; only once, whoever asks. */
function finish() {
    finishing ??= (async () => {
        for (const undo of cleanUp.reverse()) await undo();
    })();
    return finishing;
}

/** `--faults <JSON>`: what the emulator should do wrong, to see what a refusal looks like. @param {string[]} argv */
function readFaults([flag, json, ...rest]) {
    if (flag === undefined) return {};
    const usage = `usage: npm run demo [-- --faults '{"mqtt":{"puback":"withhold"}}']`;
    demand(flag === "--faults" && json && rest.length === 0, usage);
    try {
        return JSON.parse(json);
    } catch (error) {
        throw new DemoFailure(`${usage} (${error.message})`);
    }
}

/** @param {{ restUrl: string, apiKey: string }} server */
function restClient({ restUrl, apiKey }) {
    return async (/** @type {string} */ method, /** @type {string} */ resource, /** @type {unknown} */ body = undefined) => {
        const answer = await fetch(restUrl + resource, {
            method,
            headers: { "X-Authorization": `ApiKey ${apiKey}`, "Content-Type": "application/json" },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await answer.text();
        demand(answer.ok, `${method} ${resource} answered ${answer.status} ${text}`);
        return text ? JSON.parse(text) : undefined;
    };
}

/** @param {ReturnType<typeof restClient>} rest @param {string} deviceId */
async function latestTemperature(rest, deviceId) {
    const values = await rest("GET", `/api/plugins/telemetry/DEVICE/${deviceId}/values/timeseries?keys=temperature`);
    return Number(values.temperature?.[0]?.value);
}
