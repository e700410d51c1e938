// What a crash of the plugin prints, and what the commands print: secrets in neither, and no name that a terminal obeys.

import { spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Emulator, startEmulator } from "../../../sdk/emulator";
import { reconciler } from "../../../sdk/plugin";
import { bind, makeCert, restOf } from "../../emulator/support";
import { keyAndCertificate } from "../../support/openssl";
import { deviceId, serve } from "../thingsboard/support";

const apiKey = "tb_canary-of-an-api-key-0123456789";
const { certificatePem, privateKeyPem } = keyAndCertificate("EC", "pump-1");
const keyLine = privateKeyPem.split("\n")[1]!;

test("whatever a server answers, and however the plugin fails of it, its output holds neither key nor credentials", { timeout: 60_000 }, async () => {
    let answer: unknown;
    // It also repeats what it was sent, as a debugging proxy does.
    const server = await serve(({ authorization, body }) => ({ body: JSON.parse(JSON.stringify(answer).replaceAll("ECHO", JSON.stringify(`${authorization} ${body}`).slice(1, -1))) }));
    const lines: string[] = [];
    const said = vi.spyOn(console, "error").mockImplementation((...texts) => void lines.push(...texts.map(text => inspect(text, { depth: 9 }))));
    const kinds = ["Device", "DeviceCredential", "PublishCheck", "DeviceProfile", "FleetBatch", "DeviceBundle", "EnrolmentCheck"];
    const inputs = {
        name: "pump-1", deviceId, deviceName: "pump-1", certificatePem, privateKeyPem, mode: "connect", timeout: 0.05, verifyStored: "off", onFailure: "fail", rollback: true, declaredBy: "p/s/n", topic: "t",
        transport: "DEFAULT", deviceProfileId: deviceId, profileName: "p", commonName: "c", authorityPem: certificatePem, authorityKeyPem: privateKeyPem, issuersPem: "", anchorPem: certificatePem,
        fleet: "p/s/f", batch: 0, batches: 1, members: ["pump-1"], details: {}, settings: { algorithm: "EC_P256", validityDays: 1, publishCheck: "none", onRemove: "delete", concurrency: 1 },
    };
    const device = { id: { entityType: "DEVICE", id: deviceId }, name: "pump-1", version: 1 };
    const shapes = fc.oneof(
        fc.constantFrom<unknown>(device, { ...device, additionalInfo: "ECHO" }, { ...device, credentialsType: "X509_CERTIFICATE", credentialsId: "ECHO", credentialsValue: "ECHO" }, [], [{ key: "pulumiRevoked", value: { ECHO: "ECHO" } }], { data: [device], hasNext: false, totalElements: 1 }, "ECHO", null, { ...device, profileData: null }),
        fc.jsonValue({ maxDepth: 2 }),
    );
    const settings = new Map([["url", server.url], ["apiKey", apiKey], ["mqttHost", "127.0.0.1"], ["mqttPort", "1"]]);
    const config = { get: (key: string) => settings.get(key.replace("thingsboard:", "")), require: (key: string) => settings.get(key) ?? "" };
    let failures = 0;
    try {
        await fc.assert(
            fc.asyncProperty(fc.constantFrom(...kinds), fc.constantFrom("create", "update", "read", "delete"), shapes, async (kind, call, shape) => {
                answer = shape;
                const provider = reconciler(kind, 1);
                await provider.configure?.({ config });
                const state = { ...inputs, credentialsId: "x", targetInputs: ["deviceId"], stateVersion: 1, devices: {}, failed: {} };
                const run = { create: () => provider.create?.(inputs), update: () => provider.update?.("id", state, inputs), read: () => provider.read?.("id", state), delete: () => provider.delete?.("id", state) }[call];
                try {
                    await run();
                } catch (error) {
                    failures++;
                    // As the engine and Node may print it; what a partial failure hands to the engine goes into state, encrypted.
                    const shown = error instanceof Error && "properties" in error ? [error.message, error.stack] : [inspect(error, { depth: 9, showHidden: true })];
                    lines.push(...shown.map(String));
                }
            }),
            { numRuns: 60 },
        );
    } finally {
        said.mockRestore();
    }
    expect(failures).toBeGreaterThan(5);
    const text = lines.join("\n");
    expect([text.includes(apiKey), text.includes(keyLine), text.includes("PRIVATE KEY-----")]).toEqual([false, false, false]);
});

describe("the command revoke", () => {
    const hostile = "pump\u001b[31m\u202E 7";
    let emulator: Emulator;
    beforeAll(async () => {
        emulator = await startEmulator();
    });
    afterAll(() => emulator.stop());

    async function command(environment: Readonly<Record<string, string>>, ...args: string[]) {
        const child = spawn(process.execPath, [path.join(import.meta.dirname, "../../../bin/cli/main.js"), "revoke", ...args], { env: { PATH: process.env["PATH"], THINGSBOARD_URL: emulator.restUrl, ...environment } });
        const said = { stdout: "", stderr: "" };
        for (const stream of ["stdout", "stderr"] as const) child[stream].on("data", (chunk: Buffer) => (said[stream] += chunk.toString()));
        const [code] = (await once(child, "close")) as [number];
        return { code, ...said };
    }

    test("tells a hostile name in a line, and as JSON exactly", { timeout: 60_000 }, async () => {
        const rest = restOf(emulator);
        for (const json of [[], ["--json"]]) {
            await rest("DELETE", `/api/device/${await bind(rest, hostile, makeCert({ cn: "x" }))}`);
            await bind(rest, hostile, makeCert({ cn: "x" }));
            const { code, stdout, stderr } = await command({ THINGSBOARD_API_KEY: emulator.apiKey }, hostile, ...json);
            expect(code, stderr).toBe(0);
            expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u);
            expect(stdout + stderr).not.toContain(emulator.apiKey);
            if (json.length > 0) expect(JSON.parse(stdout)).toMatchObject({ deviceName: hostile });
            else expect(stdout).toContain('device "pump\\u001b[31m\\u202e 7"');
            const device = (await rest("GET", `/api/tenant/devices?deviceName=${encodeURIComponent(hostile)}`)).body as { id: { id: string } };
            await rest("DELETE", `/api/device/${device.id.id}`);
        }
    });

    test.each([
        ["a wrong key", { THINGSBOARD_API_KEY: apiKey }],
        ["a wrong password", { THINGSBOARD_USERNAME: "tenant@thingsboard.org", THINGSBOARD_PASSWORD: apiKey }],
        ["a key in the place of the address", { THINGSBOARD_URL: apiKey, THINGSBOARD_API_KEY: apiKey }],
        ["a key in the place of the address, with a colon", { THINGSBOARD_URL: `${apiKey}:x`.replace("_", ""), THINGSBOARD_API_KEY: apiKey }],
        ["a password in the address", { THINGSBOARD_URL: `http://u:${apiKey}@localhost`, THINGSBOARD_API_KEY: apiKey }],
        ["a key with a line break", { THINGSBOARD_API_KEY: `${apiKey}\n` }],
        ["both", { THINGSBOARD_API_KEY: apiKey, THINGSBOARD_PASSWORD: apiKey }],
    ])("%s is refused in one sentence without it", async (_case, environment) => {
        const { code, stdout, stderr } = await command(environment, "pump-1");
        expect(code).toBe(1);
        expect(stdout).toBe("");
        expect(stderr).toMatch(/^[^\n]+\n$/);
        expect(stderr).not.toContain(apiKey);
        expect(stderr).not.toContain(apiKey.replace("_", ""));
    });
});
