// Which ThingsBoard to use in the emulator's place, from the environment, and what its programs are told.

import fs from "node:fs";
import { randomBytes } from "node:crypto";

/**
 * @typedef {object} LiveTarget
 * @property {string} url of its web page and REST API
 * @property {string} [apiKey] or else:
 * @property {string} [username]
 * @property {string} [password]
 * @property {string} [caPem] the authority that signed the certificates of REST and MQTT, where it is a private one
 * @property {string} mqttsHost
 * @property {number} mqttsPort
 * @property {string} prefix how everything begins that is made there
 */

/** What is missing or wrong, in words for the person at the terminal. */
export class LiveError extends Error {}

export const HOW_TO_NAME_IT = `It is named by the environment:

  THINGSBOARD_URL        https://thingsboard.example.com
  THINGSBOARD_API_KEY    of a tenant administrator (ThingsBoard 4.3 and newer), or
  THINGSBOARD_USERNAME   and THINGSBOARD_PASSWORD
  THINGSBOARD_MQTTS      thingsboard.example.com:8883 (the default: the host of the URL, port 8883)
  THINGSBOARD_CA         file with the authority that signed the certificates of both, where it is a private one`;

/**
 * @param {Readonly<Record<string, string | undefined>>} env
 * @returns {LiveTarget}
 */
export function liveTarget(env) {
    const given = (/** @type {string} */ name) => env[name]?.trim() || undefined;
    const missing = (/** @type {string} */ what) => new LiveError(`${what}. ${HOW_TO_NAME_IT}`);
    const url = given("THINGSBOARD_URL");
    if (!url) throw missing("THINGSBOARD_URL is not set");
    if (!URL.canParse(url)) throw new LiveError("THINGSBOARD_URL is not a URL, such as https://thingsboard.example.com");
    const [apiKey, username, password] = ["THINGSBOARD_API_KEY", "THINGSBOARD_USERNAME", "THINGSBOARD_PASSWORD"].map(given);
    if (apiKey && (username || password)) throw missing("THINGSBOARD_API_KEY is set, and THINGSBOARD_USERNAME or THINGSBOARD_PASSWORD too: give one of the two");
    const who = apiKey ? { apiKey } : username && password ? { username, password } : undefined;
    if (!who) throw missing("neither THINGSBOARD_API_KEY is set, nor both THINGSBOARD_USERNAME and THINGSBOARD_PASSWORD");
    const caFile = given("THINGSBOARD_CA");
    return {
        url: url.replace(/\/+$/, ""),
        ...who,
        ...(caFile ? { caPem: readCa(caFile) } : {}),
        ...mqtts(given("THINGSBOARD_MQTTS"), new URL(url).hostname),
        prefix: `live-${randomBytes(3).toString("hex")}-`,
    };
}

/**
 * What a program of the package needs in its environment to work there.
 *
 * @param {Omit<LiveTarget, "prefix">} target
 * @returns {Record<string, string>}
 */
export function programEnvironment({ url, apiKey, username, password, caPem, mqttsHost, mqttsPort }) {
    const settings = {
        THINGSBOARD_URL: url,
        THINGSBOARD_API_KEY: apiKey,
        THINGSBOARD_USERNAME: username,
        THINGSBOARD_PASSWORD: password,
        // Plain http has no certificate, but a private authority may all the same have signed that of MQTT.
        THINGSBOARD_CA_PEM: url.startsWith("https:") ? caPem : undefined,
        THINGSBOARD_MQTT_HOST: mqttsHost,
        THINGSBOARD_MQTT_PORT: String(mqttsPort),
        THINGSBOARD_MQTT_CA_PEM: caPem,
    };
    return Object.fromEntries(Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/**
 * Takes what names a ThingsBoard out of this process's environment, and so out of its children's: tests say themselves
 * which one they mean, and none of them may end up on a server that somebody has in his shell.
 */
export function forgetThingsBoard() {
    for (const name of Object.keys(process.env)) if (name.startsWith("THINGSBOARD_") && !ofTests.includes(name)) delete process.env[name];
}

/** What repeats a run or bounds it (test/support/seed.ts). */
const ofTests = ["THINGSBOARD_SEED", "THINGSBOARD_SOAK_MINUTES"];

/** @param {string} file */
function readCa(file) {
    try {
        const pem = fs.readFileSync(file, "utf8");
        if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
    } catch (error) {
        throw new LiveError(`THINGSBOARD_CA: ${file} can't be read (${error.code})`);
    }
    throw new LiveError(`THINGSBOARD_CA: ${file} holds no PEM certificate`);
}

/** @param {string | undefined} text @param {string} restHost */
function mqtts(text, restHost) {
    if (text === undefined) return { mqttsHost: restHost.replace(/^\[(.*)\]$/, "$1"), mqttsPort: 8883 };
    const [, bracketed, name, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
    const mqttsHost = bracketed ?? name;
    if (mqttsHost === undefined) throw new LiveError("THINGSBOARD_MQTTS is not a host with a port, such as thingsboard.example.com:8883");
    return { mqttsHost, mqttsPort: Number(port ?? 8883) };
}
