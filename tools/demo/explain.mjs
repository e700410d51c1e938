// `npm run demo -- --explain`: breaks one thing after another and shows the sentence that the user reads.

import { createServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import tls from "node:tls";
import { restClient } from "../live/rest.mjs";
import { programEnvironment } from "../live/target.mjs";
import { repository } from "../steps.mjs";
import { cause, quickStart } from "./stack.mjs";
import { demand, heading, print } from "./show.mjs";

const require = createRequire(import.meta.url);
const { startEmulator } = require(path.join(repository, "bin", "emulator", "index.js"));
const { createAuthority, createServerCertificate } = require(path.join(repository, "bin", "emulator", "pki.js"));

/**
 * What explain/index.js deploys. A `server` is the arguments of a Provider; without one the environment decides.
 *
 * @typedef {object} Plan
 * @property {{ name: string, server?: object }[]} [devices]
 * @property {{ name: string, server?: object, args?: object }[]} [checks]
 * @property {string} [certificatePem]
 */

/**
 * @param {string} folder
 * @param {(() => Promise<unknown>)[]} cleanUp
 */
export async function explain(folder, cleanUp) {
    const server = await startEmulator();
    cleanUp.push(() => server.stop());
    const old = await startEmulator({ version: "3.8", limits: { maxDevices: 1 } });
    cleanUp.push(() => old.stop());
    const { restUrl: url, apiKey, caPem, mqttsHost, mqttsPort, username } = server;
    const rest = restClient({ url, apiKey });
    cleanUp.push(async () => rest.close());
    const oldRest = restClient({ url: old.restUrl, username: old.username, password: old.password });
    await oldRest.call("POST", "/api/device", { name: "the only one" });
    oldRest.close();

    const environment = { EXPLAIN: "{}" };
    const stack = quickStart(path.join(repository, "tools", "demo", "explain"), folder, environment);
    cleanUp.push(() => stack.stop());
    await stack.create();
    /** @param {Plan} plan @param {string[]} command */
    const deploy = async (plan, ...command) => {
        environment.EXPLAIN = JSON.stringify(plan);
        return (await stack.run("quiet", ...command)).text;
    };

    heading("What preview knows already");
    show("no ThingsBoard is named", cause(await deploy({ devices: [{ name: "pump-1" }] }, "preview")));
    Object.assign(environment, programEnvironment({ url, apiKey, caPem, mqttsHost, mqttsPort }));
    const key = (await createAuthority()).keyPem;
    show("a private key is given as the certificate", cause(await deploy({ certificatePem: key }, "preview")));

    heading("What the server says, or somebody in its place");
    const page = await listening(createServer((_request, response) => response.setHeader("Content-Type", "text/html").end("<html>Welcome</html>")), cleanUp);
    const pki = await privateServer();
    const withPrivateCa = await listening(createHttpsServer(pki, (_request, response) => response.end()), cleanUp);
    /** @type {Record<string, [string, object]>} */
    const servers = {
        "the password is wrong": ["pump-2", { url, username, password: "not-this-one" }],
        "an API key is given to a server before 4.3": ["pump-3", { url: old.restUrl, apiKey }],
        "the user lacks the rights": ["pump-4", { url, username: "customer@thingsboard.org", password: "customer" }],
        "nothing listens at the address": ["pump-5", { url: "http://127.0.0.1:1", apiKey }],
        "something else answers at the address": ["pump-6", { url: `http://127.0.0.1:${page}`, apiKey }],
        "the server's certificate is of a private CA": ["pump-7", { url: `https://127.0.0.1:${withPrivateCa}`, apiKey }],
        "the tenant may have no more devices": ["pump-8", { url: old.restUrl, username: old.username, password: old.password }],
    };
    const devices = Object.values(servers).map(([name, server]) => ({ name, server }));
    const refused = await deploy({ devices }, "up", "--yes", "--skip-preview", "--continue-on-error");
    for (const [title, [name]] of Object.entries(servers)) show(title, errorOf(refused, name));

    heading("What the publish check finds");
    const balancer = await listening(tls.createServer(pki, (socket) => joined(socket, net.connect(server.mqttPort, "127.0.0.1"))), cleanUp);
    const connection = { url, apiKey, mqttHost: mqttsHost, mqttPort: mqttsPort, mqttCaPem: caPem };
    await showChecks({
        "all is well": {},
        "the port is wrong": { server: { ...connection, mqttPort: 1 } },
        "it is the port without TLS": { server: { ...connection, mqttPort: server.mqttPort } },
        "the MQTT server's certificate is of a private CA": { server: { url, apiKey, mqttHost: mqttsHost, mqttPort: mqttsPort } },
        "a load balancer ends TLS in front of ThingsBoard": { server: { ...connection, mqttHost: "127.0.0.1", mqttPort: balancer, mqttCaPem: pki.ca } },
        "the topic has a slip of the pen": { args: { topic: "v1/devices/me/telemtry", payload: '{"temperature":25}' } },
        "the payload is no JSON": { args: { payload: "25 degrees" } },
    });
    const { id } = await rest.call("GET", "/api/tenant/devices?deviceName=pump-1");
    const row = await rest.call("GET", `/api/device/${id.id}/credentials`);
    await rest.call("POST", "/api/device/credentials", { ...row, credentialsType: "ACCESS_TOKEN", credentialsId: "TYPED_BY_SOMEBODY", credentialsValue: null });
    await showChecks({ "somebody took the certificate off the device": {} });
    const now = await rest.call("GET", `/api/device/${id.id}/credentials`);
    await rest.call("POST", "/api/device/credentials", { ...row, version: now.version });
    server.faults.set({ clockOffset: -2 * 86_400_000 });
    await showChecks({ "the server's clock is two days slow": {} });
    server.faults.clear();
    await stack.succeed("quiet", "destroy", "--yes", "--skip-preview");

    /** @param {Record<string, { server?: object, args?: object }>} checks */
    async function showChecks(checks) {
        await deploy({ checks: Object.entries(checks).map(([name, rest]) => ({ name, ...rest })) }, "up", "--yes", "--skip-preview");
        const { messages } = await stack.outputs();
        for (const title of Object.keys(checks)) show(title, messages[title]);
    }
}

/** @param {string} title @param {string | undefined} sentence */
function show(title, sentence) {
    demand(sentence, `nothing was said where ${title}`);
    print("", `-- ${title}:`, `   ${sentence}`);
}

/** The error that the engine shows for a resource. @param {string} text @param {string} name */
function errorOf(text, name) {
    const diagnostics = text.slice(text.indexOf("Diagnostics:"));
    return new RegExp(`\\(${name}\\):\\n\\s+error: (.*)`).exec(diagnostics)?.[1];
}

async function privateServer() {
    const authority = await createAuthority();
    const { chainPem, keyPem } = await createServerCertificate(authority);
    return { cert: chainPem, key: keyPem, ca: authority.caPem };
}

/** @param {net.Server} server @param {(() => Promise<unknown>)[]} cleanUp */
async function listening(server, cleanUp) {
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
    cleanUp.push(async () => server.close());
    return /** @type {net.AddressInfo} */ (server.address()).port;
}

/** @param {net.Socket} one @param {net.Socket} other */
function joined(one, other) {
    one.pipe(other).pipe(one);
    for (const end of [one, other]) end.on("error", () => { one.destroy(); other.destroy(); });
}
