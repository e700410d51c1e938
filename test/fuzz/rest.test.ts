// A server that answers anything: each call and each resource comes to an end, with a value or an error of ours.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../sdk/emulator/index";
import { device } from "../../sdk/reconcilers/device";
import { deviceCredential } from "../../sdk/reconcilers/deviceCredential";
import { deviceProfile } from "../../sdk/reconcilers/deviceProfile";
import { fleetBatch } from "../../sdk/reconcilers/fleetBatch";
import type { Reconciler } from "../../sdk/reconcilers/reconciler";
import { revoke } from "../../sdk/reconcilers/revoke";
import type { Server } from "../../sdk/reconcilers/server";
import { type ThingsBoard, connect } from "../../sdk/thingsboard";
import { readLeaf } from "../../sdk/x509/leaf";
import { runs, soak } from "../support/seed";
import { issue } from "../unit/mqtt/certificates";
import { testClock } from "../unit/thingsboard/support";
import { decent, expectSentence, patience, spoiled, spoiledJson } from "./mutations";

interface Answer {
    readonly status: number;
    readonly type: string;
    readonly body: string | Buffer;
    readonly ending: "whole" | "torn" | "reset";
    readonly headers: Readonly<Record<string, string>>;
}

/** What the emulator answered, by method and kind of path: what gets spoiled is the right answer, or another one. */
const recorded = new Map<string, string>();
let recording = true;
/** One after the other, and over again. */
let answers: readonly (Answer | "right")[] = [];
let asked = 0;

const server = createServer((request, response) => {
    void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const kind = `${request.method} ${(request.url ?? "").replace(/\?.*/, "").replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, ":id")}`;
        if (recording) {
            const headers = { "content-type": "application/json", "x-authorization": String(request.headers["x-authorization"] ?? "") };
            const answer = await fetch(emulator.restUrl + request.url, { method: request.method!, headers, ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }) });
            const text = await answer.text();
            if (answer.ok) recorded.set(kind, text);
            response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "text/plain" });
            response.end(text);
            return;
        }
        const next = answers.length === 0 ? "right" : answers[asked++ % answers.length]!;
        if (next === "right") {
            response.writeHead(200, { "content-type": "application/json" });
            response.end(recorded.get(kind) ?? "{}");
            return;
        }
        if (next.ending === "reset") return void response.destroy();
        const body = Buffer.from(next.body);
        response.writeHead(next.status, { "content-type": next.type, ...next.headers, ...(next.ending === "torn" ? { "content-length": String(body.length + 10) } : {}) });
        response.end(body);
        if (next.ending === "torn") response.destroy();
    })().catch(() => response.destroy());
});

let emulator: Emulator;
let url: string;
let thingsboard: ThingsBoard;
let answer: fc.Arbitrary<Answer | "right">;

const identity = issue("pump");
const value = readLeaf(identity.certificatePem).base64Der;
let deviceId: string;
let profileId: string;

const client = () => connect({ url, credentials: { apiKey: emulator.apiKey }, timeout: 2 }, { clock: testClock(), random: () => 0.5, environment: {} });
const mine = { declaredBy: "project/stack/pump" };

const calls: readonly ((client: ThingsBoard) => Promise<unknown>)[] = [
    client => client.deviceById(deviceId),
    client => client.deviceInfo(deviceId),
    client => client.deviceByName("pump"),
    client => client.devicesByIds([deviceId]),
    client => client.createDevice({ name: "other" }, () => false),
    client => client.createDeviceWithCredentials({ name: "third" }, { credentialsType: "X509_CERTIFICATE", credentialsValue: readLeaf(issue("third").certificatePem).base64Der }, () => true),
    async client => client.saveDevice({ ...(await client.deviceById(deviceId))!, label: "x" }),
    client => client.credentials(deviceId),
    async client => {
        const row = await client.credentials(deviceId);
        return row && client.saveCredentials({ ...row, credentialsType: "X509_CERTIFICATE", credentialsValue: value });
    },
    client => client.attributes(deviceId, "SERVER_SCOPE", ["site"]),
    client => client.saveAttributes(deviceId, { site: "north" }),
    client => client.deleteAttributes(deviceId, ["other"]),
    client => client.latestTelemetry(deviceId, ["temperature"]),
    client => client.deleteTelemetry(deviceId, ["temperature"]),
    client => client.deviceProfile(profileId),
    client => client.deviceProfileByName("default"),
    client => client.defaultDeviceProfile(),
    async client => client.saveDeviceProfile((await client.deviceProfile(profileId))!),
    client => client.devicesOfProfile(profileId),
    client => client.ruleChainsByName("Root"),
    client => client.dashboardsByTitle("Fleet"),
    client => client.customerByTitle("Customer A"),
    client => client.systemInfo(),
    client => client.serverCertificateChain(),
    client => client.deviceConnectivity(deviceId),
    client => revoke(client, "pump", { now: Date.now, sleep: async () => undefined }),
];

beforeAll(async () => {
    emulator = await startEmulator();
    await new Promise<void>(listening => server.listen(0, "127.0.0.1", listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    thingsboard = client();
    deviceId = (await thingsboard.createDeviceWithCredentials({ name: "pump" }, { credentialsType: "X509_CERTIFICATE", credentialsValue: value }, () => false)).id.id;
    profileId = (await thingsboard.defaultDeviceProfile()).id.id;
    for (const { reconciler, inputs } of resources(target())) {
        const { id, outs } = await reconciler.create(inputs);
        made.push({ id, state: JSON.parse(JSON.stringify(outs)) as object });
        await reconciler.read(id, outs);
    }
    for (const call of calls) await call(thingsboard).catch(() => undefined);
    recording = false;

    const texts = [...recorded.values(), '{"status":400,"message":"Device with such name already exists!","errorCode":31,"timestamp":1}', "<html>x</html>", '{"status":401,"message":"Token has expired","errorCode":11}'];
    const bodies = texts.flatMap(text => {
        try {
            return [JSON.parse(text) as unknown];
        } catch {
            return [];
        }
    });
    const json = spoiledJson(bodies).map(body => JSON.stringify(body) ?? "");
    answer = fc.oneof(
        { weight: 3, arbitrary: fc.constant("right" as const) },
        {
            weight: 5,
            arbitrary: fc.record({
                status: fc.oneof({ weight: 6, arbitrary: fc.constant(200) }, { weight: 2, arbitrary: fc.constantFrom(201, 204, 301, 400, 401, 403, 404, 405, 409, 413, 429, 500, 502, 503) }, { weight: 1, arbitrary: fc.integer({ min: 200, max: 599 }) }),
                type: fc.oneof({ weight: 5, arbitrary: fc.constant("application/json") }, { weight: 1, arbitrary: fc.constantFrom("text/html", "text/plain;charset=ISO-8859-1", "", "application/octet-stream") }),
                body: fc.oneof({ weight: 6, arbitrary: json }, { weight: 2, arbitrary: spoiled(texts) }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes)) }),
                ending: fc.oneof({ weight: 12, arbitrary: fc.constant("whole" as const) }, { weight: 1, arbitrary: fc.constantFrom("torn" as const, "reset" as const) }),
                headers: fc.oneof(
                    { weight: 6, arbitrary: fc.constant({}) },
                    { weight: 1, arbitrary: fc.constantFrom<Record<string, string>>({ "retry-after": "1e9" }, { "retry-after": "Fri, 31 Dec 9999 23:59:59 GMT" }, { date: "Fri, 31 Dec 9999 23:59:59 GMT" }, { date: "never" }, { location: "//%zz" }, { "content-encoding": "gzip" }) },
                ),
            }),
        },
    );
});
afterAll(async () => {
    server.closeAllConnections();
    await new Promise(closed => server.close(closed));
    await emulator.stop();
});

const made: { id: string; state: object }[] = [];
const target = (): Server => ({ thingsboard: client(), mqtt: { host: "localhost", port: 1 }, restHost: "127.0.0.1", restVerified: true });

function resources(server: Server): { reconciler: Reconciler<any, any>; inputs: object; changed: object }[] {
    const of = () => server;
    const silent = () => undefined;
    const now = () => new Date();
    const settings = { algorithm: "EC_P256", validityDays: 365, renewBeforeDays: 30, renewalJitterDays: 0, rotationPolicy: "always", renewal: "report", publishCheck: "none", onRemove: "delete", onDrift: "repair", adopt: false };
    const batch = { fleet: "project/stack/pumps", batch: 0, batches: 1, members: ["a", "b"], details: { a: { label: "x", attributes: { row: 1 } } }, settings, concurrency: 2 };
    return [
        { reconciler: device(of, silent), inputs: { ...mine, name: "d", label: "x", attributes: { site: "north" }, additionalInfo: { description: "y" } }, changed: { ...mine, name: "d", label: "z", attributes: {} } },
        { reconciler: deviceCredential(of, now, silent), inputs: { ...mine, deviceId, certificatePem: identity.certificatePem, adopt: true }, changed: { ...mine, deviceId, certificatePem: issue("new").certificatePem, adopt: true } },
        { reconciler: deviceProfile(of, now), inputs: { ...mine, name: "p", description: "x", mqtt: { telemetryTopic: "t" }, transport: "MQTT" }, changed: { ...mine, name: "p", description: "y" } },
        { reconciler: fleetBatch(of, silent, now), inputs: batch, changed: { ...batch, members: ["a", "c"], details: {} } },
    ];
}

const limit = { timeout: soak ? 60 * 60_000 : 90_000 };

test("each call of the client", limit, async () => {
    await fc.assert(
        fc.asyncProperty(fc.constantFrom(...calls), fc.array(answer, { minLength: 1, maxLength: 3 }), async (call, given) => {
            [answers, asked] = [given, 0];
            await decent(() => call(client()));
            expect(asked).toBeLessThan(3_000);
        }),
        { ...runs(1_000, 100_000), timeout: patience },
    );
});

test("each operation of a resource, and state that the engine can store", limit, async () => {
    const operation = fc.constantFrom("create", "read", "update", "delete");
    await fc.assert(
        fc.asyncProperty(fc.nat(3), operation, fc.array(answer, { minLength: 1, maxLength: 8 }), async (index, operation, given) => {
            [answers, asked] = [given, 0];
            const { reconciler, inputs, changed } = resources(target())[index]!;
            const { id, state } = made[index]!;
            const name = randomUUID();
            const result = await decent<object | void>(() => {
                switch (operation) {
                    case "create":
                        return reconciler.create("name" in inputs ? { ...inputs, name } : inputs);
                    case "read":
                        return reconciler.read(id, state);
                    case "update":
                        return reconciler.update(id, state, changed);
                    default:
                        return reconciler.delete(id, state);
                }
            });
            if (result) expect(JSON.parse(JSON.stringify(result))).toEqual(result);
            for (const reason of Object.values((result as { outs?: { failed?: Record<string, string> } })?.outs?.failed ?? {})) expectSentence(reason);
        }),
        { ...runs(300, 20_000), timeout: patience },
    );
});
