// How fast the emulator is, from another process on the same machine: it must never be what another benchmark measures.
//   node bench/emulator.mjs [--devices N] [--sessions N] [--fleet N] [--json]
import { spawn } from "node:child_process";
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { fileURLToPath } from "node:url";
import { connect as connectTls, createSecureContext } from "node:tls";
import { parseArgs } from "node:util";
import mqtt from "mqtt-packet";

const { values } = parseArgs({
    options: {
        devices: { type: "string", default: "10000" },
        sessions: { type: "string", default: "2000" },
        fleet: { type: "string", default: "100000" },
        json: { type: "boolean", default: false },
    },
});
const WANTED = { createsPerSecond: 2000, sessionsPerSecond: 300, fleetMegabytes: 1024 };

const result = await measure(Number(values.devices), Number(values.sessions), Number(values.fleet));
if (values.json) console.log(JSON.stringify(result));
else {
    console.log(`device-with-credentials          ${result.createsPerSecond}/s   (wanted ${WANTED.createsPerSecond}; the emulator worked ${result.createMilliseconds} ms on each)`);
    console.log(`full mTLS publish sessions       ${result.sessionsPerSecond}/s   (wanted ${WANTED.sessionsPerSecond}; the emulator worked ${result.sessionMilliseconds} ms on each)`);
    console.log(`${result.fleet} devices in memory     ${result.fleetMegabytes} MB   (wanted below ${WANTED.fleetMegabytes})`);
    console.log(`the fleet listed page by page    ${result.listSeconds} s`);
}
const good = result.createsPerSecond >= WANTED.createsPerSecond && result.sessionsPerSecond >= WANTED.sessionsPerSecond && result.fleetMegabytes < WANTED.fleetMegabytes;
process.exitCode = good ? 0 : 1;

async function measure(devices, sessions, fleet) {
    const main = fileURLToPath(new URL("../bin/cli/main.js", import.meta.url));
    const child = spawn(process.execPath, [main, "emulator", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
    try {
        const target = JSON.parse(await firstLine(child.stdout));
        const rest = client(target);
        const bodies = Array.from({ length: devices }, (_, i) => withCredentials(`bench-${i}`, randomBytes(400).toString("base64")));
        const createWork = processorTime(child.pid);
        const creates = await rate(bodies, 32, (body) => rest("POST", "/api/device-with-credentials", body));
        const createMilliseconds = createWork() / devices;

        const identities = Array.from({ length: 50 }, (_, i) => selfSigned(`session-${i}`));
        for (const { name, pem } of identities) await rest("POST", "/api/device-with-credentials", withCredentials(name, pem));
        const ca = readFileSync(target.caFile);
        const turns = Array.from({ length: sessions }, (_, i) => identities[i % identities.length]);
        for (const identity of identities) identity.context = createSecureContext({ ca, cert: identity.pem, key: identity.key, minVersion: "TLSv1.2" });
        const sessionWork = processorTime(child.pid);
        const checks = await rate(turns, 32, (identity) => publish(target, identity));
        const sessionMilliseconds = sessionWork() / sessions;

        const more = Array.from({ length: Math.max(0, fleet - devices - identities.length) }, (_, i) => i);
        await rate(more, 32, (i) => rest("POST", "/api/device-with-credentials", withCredentials(`fleet-${i}`, randomBytes(400).toString("base64"))));
        const begun = performance.now();
        for (let page = 0, next = true; next; page++) {
            next = JSON.parse(await rest("GET", `/api/tenant/devices?pageSize=1000&page=${page}&sortProperty=name&sortOrder=ASC`)).hasNext;
        }
        const listSeconds = (performance.now() - begun) / 1000;
        return {
            createsPerSecond: Math.round(creates),
            sessionsPerSecond: Math.round(checks),
            createMilliseconds: Number(createMilliseconds.toFixed(2)),
            sessionMilliseconds: Number(sessionMilliseconds.toFixed(2)),
            fleet: Math.max(fleet, devices),
            fleetMegabytes: Math.round(residentBytes(child.pid) / 2 ** 20),
            listSeconds: Number(listSeconds.toFixed(1)),
        };
    } finally {
        child.kill("SIGTERM");
    }
}

function withCredentials(name, credentialsValue) {
    return JSON.stringify({ device: { name }, credentials: { credentialsType: "X509_CERTIFICATE", credentialsValue } });
}

function firstLine(stream) {
    return new Promise((done, fail) => {
        let text = "";
        stream.on("data", (chunk) => {
            text += chunk;
            if (text.includes("\n")) done(text.split("\n")[0]);
        });
        stream.on("end", () => fail(new Error("the emulator ended before it said where it is")));
    });
}

/** Work a second with so many in flight. */
async function rate(items, inFlight, run) {
    const queue = items.values();
    const begun = performance.now();
    await Promise.all(Array.from({ length: inFlight }, async () => {
        for (const item of queue) await run(item);
    }));
    return items.length / ((performance.now() - begun) / 1000);
}

function client({ restUrl, apiKey }) {
    const agent = new Agent({ keepAlive: true });
    const { hostname, port } = new URL(restUrl);
    const headers = { "x-authorization": `ApiKey ${apiKey}`, "content-type": "application/json" };
    return (method, path, body) =>
        new Promise((done, fail) => {
            const req = request({ agent, hostname, port, method, path, headers: body ? { ...headers, "content-length": Buffer.byteLength(body) } : headers }, (res) => {
                let text = "";
                res.setEncoding("utf8");
                res.on("data", (chunk) => (text += chunk));
                res.on("end", () => (res.statusCode === 200 ? done(text) : fail(new Error(`${method} ${path}: ${res.statusCode} ${text}`))));
            });
            req.on("error", fail);
            req.end(body);
        });
}

/** One session of a device: TLS with its certificate, CONNECT, CONNACK, QoS 1, PUBACK, DISCONNECT. */
function publish({ mqttsPort }, { name, context }) {
    return /** @type {Promise<void>} */ (new Promise((done, fail) => {
        const socket = connectTls({ host: "127.0.0.1", port: mqttsPort, servername: "localhost", secureContext: context });
        const parser = mqtt.parser({ protocolVersion: 4 });
        const send = (packet) => socket.write(mqtt.generate(packet));
        parser.on("packet", (packet) => {
            if (packet.cmd === "connack" && packet.returnCode === 0) send({ cmd: "publish", topic: "v1/devices/me/telemetry", payload: '{"probe":"bench"}', qos: 1, messageId: 1 });
            else if (packet.cmd === "puback") {
                send({ cmd: "disconnect" });
                socket.end();
                done();
            } else fail(new Error(`${name}: ${JSON.stringify(packet)}`));
        });
        parser.on("error", fail);
        socket.on("error", fail);
        socket.on("data", (chunk) => parser.parse(chunk));
        socket.on("secureConnect", () => send({ cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clientId: `${name}-${randomBytes(4).toString("hex")}`, clean: true, keepalive: 60 }));
    }));
}

function residentBytes(pid) {
    try {
        return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? NaN) * 1024;
    } catch {
        return NaN; // not on this system
    }
}

/** Milliseconds of processor time of a process from now on: on a machine with other work, what counts. */
function processorTime(pid) {
    const ticks = () => {
        try {
            const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
            return (Number(fields[11]) + Number(fields[12])) * 10;
        } catch {
            return NaN; // not on this system
        }
    };
    const begun = ticks();
    return () => ticks() - begun;
}

/** A minimal self-signed certificate, EC P-256. */
function selfSigned(name) {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const tlv = (tag, ...parts) => {
        const body = Buffer.concat(parts);
        const length = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255];
        return Buffer.concat([Buffer.from([tag, ...length]), body]);
    };
    const subject = tlv(0x30, tlv(0x31, tlv(0x30, Buffer.from("0603550403", "hex"), tlv(0x0c, Buffer.from(name)))));
    const algorithm = Buffer.from("300a06082a8648ce3d040302", "hex");
    const time = (days) => tlv(0x17, Buffer.from(`${new Date(Date.now() + days * 864e5).toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));
    const serial = Buffer.concat([Buffer.from([1]), createHash("sha1").update(name + Date.now()).digest()]);
    const tbs = tlv(0x30, Buffer.from("a003020102", "hex"), tlv(0x02, serial), algorithm, subject, tlv(0x30, time(-1), time(30)), subject, publicKey.export({ type: "spki", format: "der" }));
    const der = tlv(0x30, tbs, algorithm, tlv(0x03, Buffer.from([0]), sign("sha256", tbs, privateKey)));
    const pem = `-----BEGIN CERTIFICATE-----\n${der.toString("base64").match(/.{1,64}/g)?.join("\n")}\n-----END CERTIFICATE-----\n`;
    return { name, pem, key: privateKey.export({ type: "pkcs8", format: "pem" }) };
}
