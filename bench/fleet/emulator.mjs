// The server that is measured against: the emulator in a process of its own, at its own speed or at a real server's.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../bin/cli/main.js", import.meta.url));

/** A ThingsBoard 4.3 that shares two cores with its client, as it was measured under sustained load. */
export const realPace = {
    create: { perSecond: 170, latency: 8 },
    read: { perSecond: 1400, latency: 2 },
    write: { perSecond: 170, latency: 8 },
    delete: { perSecond: 340, latency: 6 },
    connect: { perSecond: 100, latency: 50 },
    deleteStall: { inFlight: 16, duration: 30_000 },
};

/**
 * What is measured against.
 *
 * @typedef {object} Server
 * @property {string} restUrl
 * @property {string} authorization what goes into `X-Authorization`
 * @property {string} [restCaPem] authority of the REST server's certificate, where it is a private one
 * @property {string} mqttsHost
 * @property {number} mqttsPort
 * @property {string} [caPem] authority of the MQTT server's certificate, where it is a private one
 * @property {string} prefix how the names of all devices begin
 * @property {Record<string, string>} environment what a program of the package needs
 * @property {(pace: "unlimited" | object) => Promise<void>} pace
 * @property {() => Promise<void>} stop
 */

/** @returns {Promise<Server>} */
export async function startEmulator() {
    const child = spawn(process.execPath, [main, "emulator", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
    const at = JSON.parse(await firstLine(child.stdout));
    const caPem = readFileSync(at.caFile, "utf8");
    return {
        restUrl: at.restUrl,
        authorization: `ApiKey ${at.apiKey}`,
        mqttsHost: at.mqttsHost,
        mqttsPort: at.mqttsPort,
        caPem,
        prefix: "",
        environment: {
            THINGSBOARD_URL: at.restUrl,
            THINGSBOARD_API_KEY: at.apiKey,
            THINGSBOARD_MQTT_HOST: at.mqttsHost,
            THINGSBOARD_MQTT_PORT: String(at.mqttsPort),
            THINGSBOARD_MQTT_CA_PEM: caPem,
        },
        async pace(pace) {
            const answer = await fetch(`${at.adminUrl}/pace`, { method: "PUT", headers: { Authorization: `Bearer ${at.adminToken}` }, body: JSON.stringify(pace) });
            if (!answer.ok) throw new Error(await answer.text());
        },
        stop: () => new Promise(done => {
            child.once("exit", () => done(undefined));
            child.kill("SIGTERM");
        }),
    };
}

function firstLine(stream) {
    return new Promise((done, fail) => {
        let text = "";
        stream.on("data", chunk => {
            text += chunk;
            if (text.includes("\n")) done(text.split("\n")[0]);
        });
        stream.on("end", () => fail(new Error("the emulator ended before it said where it is")));
    });
}
