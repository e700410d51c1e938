// The floor: the calls that a fleet makes for its devices, in a bare loop without Pulumi and without the package's client.

import { randomBytes } from "node:crypto";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import { connect } from "node:tls";
import mqtt from "mqtt-packet";

const require = createRequire(import.meta.url);
const { issue } = require("../../bin/x509/issue.js");
const { toPem } = require("../../bin/x509/leaf.js");

/** As the package does by default. */
const inFlight = { rest: 8, deletes: 4, checks: 32, devices: 64 };

export function bareClient(server) {
    const { Agent, request } = server.restUrl.startsWith("https:") ? https : http;
    const agent = new Agent({ keepAlive: true, ...(server.restCaPem === undefined ? {} : { ca: server.restCaPem }) });
    const { hostname, port } = new URL(server.restUrl);
    const headers = { "x-authorization": server.authorization, "content-type": "application/json" };
    const rest = limit(inFlight.rest);
    const deletes = limit(inFlight.deletes);
    const send = (method, path, body) => new Promise((done, fail) => {
        const text = body === undefined ? undefined : JSON.stringify(body);
        const req = request({ agent, hostname, port, method, path, headers: text ? { ...headers, "content-length": Buffer.byteLength(text) } : headers }, res => {
            let answer = "";
            res.setEncoding("utf8");
            res.on("data", chunk => (answer += chunk));
            res.on("end", () => (res.statusCode === 200 ? done(answer === "" ? undefined : JSON.parse(answer)) : fail(new Error(`${method} ${path}: ${res.statusCode} ${answer}`))));
        });
        req.on("error", fail);
        req.end(text);
    });
    const call = (method, path, body) => (method === "DELETE" ? deletes(() => rest(() => send(method, path, body))) : rest(() => send(method, path, body)));
    return { call, close: () => agent.destroy() };
}

/** Key, certificate, device with credentials, and where wanted the publish check with its look at what was stored. */
export async function provisionAll(server, names, { check }) {
    const { call, close } = bareClient(server);
    const checks = limit(inFlight.checks);
    const ids = [];
    const began = performance.now();
    await each(names, inFlight.devices, async name => {
        const { certificate, key } = await issue({ commonName: name, algorithm: "EC_P256", validityDays: 365 }, new Date());
        const device = { name, additionalInfo: { pulumi: { declaredBy: "bare/loop/fleet", claim: name, adopted: false } } };
        const { id } = await call("POST", "/api/device-with-credentials", { device, credentials: { credentialsType: "X509_CERTIFICATE", credentialsValue: certificate } });
        ids.push(id.id);
        if (!check) return;
        const value = `bare-${randomBytes(8).toString("hex")}`;
        await checks(() => publish(server, toPem(certificate), toPem(key, "PRIVATE KEY"), value));
        const telemetry = `/api/plugins/telemetry/DEVICE/${id.id}`;
        for (let pause = 50; ; pause = Math.min(pause * 2, 1000)) {
            const latest = await call("GET", `${telemetry}/values/timeseries?keys=pulumiPublishCheck`);
            if (latest.pulumiPublishCheck?.[0]?.value === value) break;
            await new Promise(done => setTimeout(done, pause));
        }
        await call("DELETE", `${telemetry}/timeseries/delete?keys=pulumiPublishCheck&deleteAllDataForKeys=true`);
    });
    const seconds = (performance.now() - began) / 1000;
    close();
    return { seconds, ids };
}

/** What a refresh asks at least: the credentials of each device, and the devices a hundred at a time. */
export async function readAll(server, ids) {
    const { call, close } = bareClient(server);
    const began = performance.now();
    await each(ids, inFlight.devices, id => call("GET", `/api/device/${id}/credentials`));
    for (let i = 0; i < ids.length; i += 100) await call("GET", `/api/devices?deviceIds=${ids.slice(i, i + 100).join(",")}`);
    const seconds = (performance.now() - began) / 1000;
    close();
    return seconds;
}

export async function deleteAll(server, ids) {
    const { call, close } = bareClient(server);
    await each(ids, inFlight.devices, id => call("DELETE", `/api/device/${id}`));
    close();
}

/**
 * TLS with the device's certificate, CONNECT (MQTT 5), CONNACK, QoS 1, PUBACK, DISCONNECT.
 *
 * @returns {Promise<void>}
 */
function publish(server, cert, key, value) {
    return new Promise((done, fail) => {
        const socket = connect({ host: server.mqttsHost, port: server.mqttsPort, servername: server.mqttsHost, ca: server.caPem, cert, key });
        const parser = mqtt.parser({ protocolVersion: 5 });
        const send = packet => socket.write(mqtt.generate(packet, { protocolVersion: 5 }));
        parser.on("packet", packet => {
            if (packet.cmd === "connack" && packet.reasonCode === 0) send({ cmd: "publish", topic: "v1/devices/me/telemetry", payload: JSON.stringify({ pulumiPublishCheck: value }), qos: 1, messageId: 1 });
            else if (packet.cmd === "puback") {
                send({ cmd: "disconnect" });
                socket.end();
                done();
            } else fail(new Error(JSON.stringify(packet)));
        });
        parser.on("error", fail);
        socket.on("error", fail);
        socket.on("data", chunk => parser.parse(chunk));
        socket.on("secureConnect", () => send({ cmd: "connect", protocolId: "MQTT", protocolVersion: 5, clientId: `bare-${randomBytes(8).toString("hex")}`, clean: true, keepalive: 60 }));
    });
}

function limit(most) {
    /** @type {(() => void)[]} */
    const waiting = [];
    let running = 0;
    return async run => {
        if (running < most) running++;
        else await new Promise(go => waiting.push(() => go(undefined)));
        try {
            return await run();
        } finally {
            const next = waiting.shift();
            if (next) next();
            else running--;
        }
    };
}

async function each(items, most, run) {
    const queue = items.values();
    await Promise.all(Array.from({ length: most }, async () => {
        for (const item of queue) await run(item);
    }));
}
