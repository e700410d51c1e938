// Whatever stands in configuration, environment and program in the place of what was expected.

import { Script, createContext } from "node:vm";
import fc from "fast-check";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { reconciler } from "../../sdk/plugin";
import { parseShard } from "../../sdk/resources/fleetMembership";
import { startEmulator } from "../../sdk/emulator/index";
import { environmentVariables, readSettings, settingKeys } from "../../sdk/settings";
import { connect } from "../../sdk/thingsboard";
import { proxyFor } from "../../sdk/thingsboard/proxy";
import { patternFault } from "../../sdk/x509/commonNamePattern";
import { runs, soak } from "../support/seed";
import { issue } from "../unit/mqtt/certificates";
import { anyJson, decent, expectSentence, spoiled } from "./mutations";

beforeEach(() => {
    vi.stubEnv("THINGSBOARD_URL", "https://tb.example.com");
    vi.stubEnv("THINGSBOARD_API_KEY", "tb_x");
});
afterEach(() => vi.unstubAllEnvs());

const limit = { timeout: soak ? 30 * 60_000 : 60_000 };
const { certificatePem, privateKeyPem } = issue("pump");

const good = ["https://tb.example.com", "http://127.0.0.1:8080/tb", "https://[::1]:8443", "https://eu.thingsboard.cloud", "tb_key", "tenant@example.com", "8883", "0.5", "1e3", "true", "mqtt.example.com", "::1", certificatePem, "*.example.com:443,localhost", "http://user:pass@proxy:3128", "3/16"];
const texts = (keys: readonly string[]) => fc.dictionary(fc.constantFrom(...keys), spoiled(good), { maxKeys: 6 });

test("settings are read whole, or one of them is named", limit, () =>
    fc.assert(
        fc.asyncProperty(texts(settingKeys), texts(Object.values(environmentVariables)), async (given, environment) => {
            const settings = await decent(() => readSettings(given, environment));
            if (!settings) return;
            // From one source: a key never goes to a server that another source names.
            const own = ["url", "apiKey", "username", "password"].some(key => given[key] !== undefined);
            expect(settings.url).toBe(own ? given["url"] : environment["THINGSBOARD_URL"]);
            await decent(() => connect(settings, { environment: {} }));
        }),
        runs(4_000, 200_000),
    ));

test("proxies and shards", limit, () =>
    fc.assert(
        fc.property(spoiled(good), spoiled(good), spoiled(good), (proxy, exceptions, shard) => {
            proxyFor(new URL("https://tb.example.com"), { HTTPS_PROXY: proxy, no_proxy: exceptions });
            const found = parseShard(shard);
            if (found) expect(found.index).toBeLessThan(found.count);
        }),
        runs(2_000, 60_000),
    ));

/** Of the pieces that regular expressions are made of, so that many of them can explode. */
const piece: fc.Arbitrary<string> = fc.letrec<{ any: string; group: string; atom: string }>(tie => ({
    atom: fc.constantFrom("a", "b", ".", "[ab]", "\\w", "[^b]", "aa", "\\.", "-", "^", "$", "\\1", "(?=a)", "(?i)"),
    group: fc.tuple(fc.constantFrom("(", "(?:", "(?<n>", "(?=", "(?!"), fc.array(tie("any"), { maxLength: 3 })).map(([open, inner]) => `${open}${inner.join("")})`),
    any: fc.tuple(fc.oneof({ depthSize: "small", withCrossShrink: true }, tie("atom"), tie("group")), fc.constantFrom("", "", "*", "+", "?", "*?", "{2,}", "{1,2}", "{0,9}", "{30}", "|")).map(([atom, repeat]) => atom + repeat),
})).any;

const sandbox = createContext({});
const find = new Script("new RegExp(pattern).exec(name)");
/** Milliseconds. */
const slow = 3_000;

test("a pattern for common names that is taken is a fast one, on names that are made to keep it busy", limit, () =>
    fc.assert(
        fc.property(fc.oneof(fc.array(piece, { maxLength: 8 }).map(pieces => `(${pieces.join("")})x`), fc.array(piece, { maxLength: 8 }).map(pieces => pieces.join("")), spoiled(["(.*)\\.factory\\.example", "(?i)device-(\\d+)"])), pattern => {
            const fault = patternFault(pattern);
            if (fault !== undefined) return expectSentence(fault);
            for (const name of ["a".repeat(64), `${"ab".repeat(32)}!`, "aab-".repeat(16)]) {
                // Bounded, which it would not be in this context: one that explodes must fail the test, and not stop it.
                Object.assign(sandbox, { pattern: pattern.replace(/^\(\?i\)/, ""), name });
                expect(() => find.runInContext(sandbox, { timeout: slow }), `${pattern} on ${name}`).not.toThrow();
            }
        }),
        runs(4_000, 200_000),
    ));

/** Names of properties that the resources have, so that many inputs are nearly right. */
const fields: Readonly<Record<string, object>> = {
    Device: { name: "pump", label: "Hall 3", deviceProfile: "default", customer: "Acme", attributes: { site: "north" }, additionalInfo: { description: "x" }, gateway: false, adopt: false, onDelete: "keep", onDrift: "repair", owner: "tenant", groups: ["a"], changedElsewhere: "label" },
    DeviceCredential: { deviceId: "784f394c-42b6-11ef-983c-b7beff2784f9", deviceName: "pump", certificatePem, adopt: false, onDelete: "revoke", onDrift: "fail", ignoreServerRotation: false },
    DeviceProfile: { name: "pumps", description: "x", transport: "MQTT", mqtt: { telemetryTopic: "t", attributesTopic: "a", payloadType: "JSON" }, x509Chain: { certificatePem, commonNamePattern: "(.*)", createDevices: true }, ruleChain: "Root", dashboard: "d", default: false, adopt: false, onDelete: "delete" },
    PublishCheck: { deviceId: "784f394c-42b6-11ef-983c-b7beff2784f9", deviceName: "pump", mode: "publish", certificatePem, privateKeyPem, verifyStored: "warn", timeout: 30, onFailure: "fail", rollback: true, topic: "t", payload: "{}", mqttVersion: "5", caPem: certificatePem, triggers: [1] },
    ServerChain: { source: "handshake", timeout: 15, caPem: certificatePem, host: "mqtt.example.com", port: 8883, fingerprint: "ab".repeat(32) },
};

test("whatever a program declares, preview answers with what is wrong", limit, async () => {
    // Preview asks it what an adoption would take over.
    const emulator = await startEmulator();
    onTestFinished(() => emulator.stop());
    vi.stubEnv("THINGSBOARD_URL", emulator.restUrl);
    vi.stubEnv("THINGSBOARD_API_KEY", emulator.apiKey);
    let number = 0;
    const declared = fc.constantFrom(...Object.keys(fields)).chain(type =>
        fc.record({ type: fc.constant(type), changes: fc.dictionary(fc.constantFrom(...Object.keys(fields[type]!)), fc.option(anyJson.map(put => ({ put })), { nil: "removed" as const, freq: 4 }), { minKeys: 1, maxKeys: 3 }) }),
    );
    await fc.assert(
        fc.asyncProperty(declared, async ({ type, changes }) => {
            const inputs: Record<string, unknown> = { ...fields[type], declaredBy: `project/stack/${number++}` };
            for (const [key, to] of Object.entries(changes)) {
                if (to === "removed") delete inputs[key];
                else inputs[key] = to.put;
            }
            const checked = await decent(() => reconciler(type, 1).check!({}, inputs));
            for (const { reason } of checked?.failures ?? []) expectSentence(reason);
        }),
        runs(2_000, 100_000),
    );
});
