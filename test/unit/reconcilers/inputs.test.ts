// Devices, credentials and batches that can't work, each with its sentence; and the last that still can.

import { runtime } from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { credentialFailures, endOf } from "../../../sdk/reconcilers/deviceCredentialInputs";
import type { DeviceCredentialInputs } from "../../../sdk/reconcilers/deviceCredential";
import type { DeviceInputs } from "../../../sdk/reconcilers/device";
import { heldBefore } from "../../../sdk/reconcilers/claims";
import { deviceFailures } from "../../../sdk/reconcilers/deviceInputs";
import type { DeviceDetails, FleetBatchInputs, FleetSettings } from "../../../sdk/reconcilers/fleet/batch";
import { batchFailures } from "../../../sdk/reconcilers/fleet/check";
import { GivingUp } from "../../../sdk/reconcilers/fleet/givingUp";
import { ApiError, type ApiErrorKind } from "../../../sdk/thingsboard";
import { keyId, readLeaf } from "../../../sdk/x509/leaf";
import { certificateRequest } from "../../support/openssl";
import { daysFromNow, issue } from "../mqtt/certificates";

const now = new Date();
const unknown = runtime.unknownValue;
let count = 0;

describe("a device", () => {
    const declared = (more: Partial<Record<keyof DeviceInputs, unknown>> = {}): DeviceInputs => ({ name: `pump-${++count}`, declaredBy: `p/s/${count}`, ...more }) as DeviceInputs;
    const said = (more: Partial<Record<keyof DeviceInputs, unknown>>) => deviceFailures({}, declared(more)).map(({ reason }) => reason).join("\n");

    test.each<[string, Partial<Record<keyof DeviceInputs, unknown>>]>([
        ["nothing but a name", {}],
        ["the longest texts", { name: "n".repeat(255), label: "l".repeat(255), deviceProfile: "p".repeat(255), customer: "c".repeat(255) }],
        ["a label that is blank", { label: "" }],
        ["less than", { label: "3 < 4" }],
        ["attributes of every kind", { attributes: { text: "a", number: 1.5, large: 2 ** 62, yes: true, list: [1], deep: { a: 1 }, "with blank": 1 } }],
        ["additional information", { additionalInfo: { description: "text" }, gateway: true }],
        ["a gateway said in additional information", { additionalInfo: { gateway: true } }],
        ["the ways to end", { onDelete: "keep" }],
        ["what isn't known yet", { name: unknown, label: unknown, attributes: unknown, additionalInfo: unknown, onDelete: unknown, onDrift: unknown }],
    ])("with %s is fine", (_what, more) => {
        expect(said(more)).toBe("");
    });

    test.each<[string, Partial<Record<keyof DeviceInputs, unknown>>]>([
        ["name is blank", { name: " " }],
        ["name is of type number: expected text", { name: 7 }],
        ["name has 256 characters: ThingsBoard takes at most 255", { name: "n".repeat(256) }],
        [`device "${"m".repeat(60)}…": name has`, { name: "m".repeat(256) }],
        ["label has 256 characters", { label: "l".repeat(256) }],
        ['label is "<b>": ThingsBoard refuses what looks like HTML', { label: "<b>" }],
        ["label is \"a</b>\"", { label: "a</b>" }],
        ["label is \"a< !--\"", { label: "a< !--" }],
        ["deviceProfile is blank", { deviceProfile: "" }],
        ["customer is blank", { customer: "" }],
        ["customer (Community Edition) and owner (Professional Edition and Cloud) exclude each other", { customer: "a", owner: { type: "CUSTOMER", name: "b" } }],
        ["attributes.serial is a whole number beyond 64 bits", { attributes: { serial: 2 ** 63 } }],
        ["attributes.serial is a whole number beyond 64 bits", { attributes: { serial: -(2 ** 63) } }],
        ['attributes has the key " "', { attributes: { " ": 1 } }],
        ['attributes has the key "a,b"', { attributes: { "a,b": 1 } }],
        ['attributes has the key "active", which ThingsBoard writes itself', { attributes: { active: true } }],
        ['additionalInfo has the key "pulumi", where this package keeps its ownership mark', { additionalInfo: { pulumi: 1 } }],
        ['additionalInfo has the key "gateway", and gateway is set too', { additionalInfo: { gateway: true }, gateway: false }],
        ['attributes has the key ""', { attributes: { "": 1 } }],
        ['onDelete is "drop": expected "delete" or "keep"', { onDelete: "drop" }],
        ['onDrift is "ignore"', { onDrift: "ignore" }],
    ])("is refused: %s", (sentence, more) => {
        const reasons = deviceFailures({}, declared(more));
        expect(reasons).toHaveLength(1);
        expect(reasons[0]!.reason).toContain(sentence);
    });

    test("goes once in a program", () => {
        expect(said({ name: "once", declaredBy: "p/s/first" })).toBe("");
        expect(said({ name: "once", declaredBy: "p/s/first" })).toBe("");
        expect(said({ name: "once", declaredBy: "p/s/second" })).toBe('device "once": it is declared twice in this program, also as p/s/first: names are unique on a ThingsBoard');
    });
});

describe("a credential", () => {
    const declared = (more: Partial<DeviceCredentialInputs> = {}): DeviceCredentialInputs => ({ deviceName: `valve-${++count}`, certificatePem: issue("valve").certificatePem, declaredBy: `p/s/${count}`, ...more });
    const said = (news: DeviceCredentialInputs, olds: Partial<DeviceCredentialInputs> = {}, at = now) => credentialFailures(olds, news, at).map(({ reason }) => reason).join("\n");

    test("is refused without a device, with another word for its end, and for one that has one already", () => {
        expect(said(declared({ deviceName: "" }))).toBe("deviceName is blank: name the device, or give device or deviceId");
        expect(said(declared({ onDelete: "delete" as "keep" }))).toContain('onDelete is "delete": expected "revoke" or "keep"');
        expect(said(declared({ deviceName: "twice", declaredBy: "p/s/first" }))).toBe("");
        expect(said(declared({ deviceName: "twice", declaredBy: "p/s/second" }))).toBe('device "twice": two resources of this program bind a certificate to it, also p/s/first: a device has one credential');
        expect(said(declared({ onDelete: "keep" }))).toBe("");
        expect(said(declared({ onDrift: "ignore" as "fail" }))).toContain('onDrift is "ignore"');
        expect(said(declared({ certificatePem: "hello", deviceName: unknown }))).toMatch(/^device: certificatePem: expected one PEM certificate/);
    });

    test("is for one device, by its id where it has no name", () => {
        const deviceId = "784f394c-42b6-11ef-983c-b7beff2784f9";
        const { deviceName: _name, ...rest } = declared({ deviceId, certificatePem: "hello" });
        expect(said(rest)).toContain(`device "${deviceId}": certificatePem`);
        expect(said(declared({ deviceId, deviceName: "by name" }))).toContain("two resources of this program bind a certificate to it");
        for (const _time of [1, 2]) expect(said(declared({ deviceName: unknown }))).toBe("");
    });

    test("remembers whose certificate it was when the deployment began", () => {
        const olds = declared();
        said(declared(), olds);
        expect(heldBefore(readLeaf(olds.certificatePem).credentialsId)).toBe(`p/s/${count}`);
        expect(said(declared(), { ...olds, certificatePem: "hello" })).toBe("");
    });

    test("goes to one device", () => {
        const { certificatePem } = issue("shared");
        expect(said(declared({ deviceName: "one", certificatePem }))).toBe("");
        expect(said(declared({ deviceName: "other", certificatePem }))).toBe('device "other": certificatePem is also the certificate of device "one" in this program: a certificate identifies one device, so issue one for each');
    });

    test("that has expired is refused, but for the one that is bound", () => {
        const news = declared();
        const later = daysFromNow(31);
        expect(said(news, {}, later)).toContain("certificatePem: the certificate expired on");
        expect(said(news, news, later)).toBe("");
        expect(said(news, declared(), later)).toContain("expired on");
    });

    test("that was revoked is refused, and its successor is not", () => {
        const news = declared();
        const revoked = { credentialsId: readLeaf(news.certificatePem).credentialsId, on: "2026-11-24" };
        expect(said(news, { ...news, revoked })).toContain("2026-11-24");
        expect(said({ ...news, certificatePem: issue("valve").certificatePem }, { ...news, revoked })).toBe("");
        const ofKey = { credentialsId: "another", keyId: keyId(readLeaf(news.certificatePem).base64Der)!, on: "2026-11-24" };
        expect(said(news, { ...news, revoked: ofKey })).toContain("the key of this certificate was revoked on 2026-11-24");
        expect(said({ ...news, certificatePem: issue("valve").certificatePem }, { ...news, revoked: ofKey })).toBe("");
    });

    test("close to its end is told, by days or by a third of its life", () => {
        const valid = (from: number, to: number) => declared({ certificatePem: issue("valve", { notBefore: daysFromNow(from), notAfter: daysFromNow(to) }).certificatePem });
        expect(endOf(valid(-300, 30.5), now)).toBeUndefined();
        expect(endOf(valid(-300, 29.5), now)).toMatch(/^device "valve-\d+": its certificate expires on .*, in 29 days; issue a new one/);
        expect(endOf(valid(-5, 3), now)).toBeUndefined();
        expect(endOf(valid(-5, 1.9), now)).toContain("in 1 day;");
        expect(endOf(valid(-5, 0.9), now)).toContain("in less than a day;");
        expect(endOf(valid(-5, -1), now)).toContain("ThingsBoard refuses the device");
        expect(endOf(declared({ certificatePem: "hello" }), now)).toBeUndefined();
    });
});

describe("a batch", async () => {
    const settings: FleetSettings = { algorithm: "EC_P256", validityDays: 365, renewBeforeDays: 30, renewalJitterDays: 0, rotationPolicy: "always", renewal: "report", publishCheck: "none", onRemove: "revoke", onDrift: "repair", adopt: false };
    const declared = (changed: Partial<Record<keyof FleetSettings, unknown>>, details: Record<string, DeviceDetails> = {}): FleetBatchInputs => ({ fleet: `project/stack/pumps-${++count}`, batch: 0, batches: 1, members: [`a-${count}`, ...Object.keys(details)], details, settings: { ...settings, ...changed } as FleetSettings, concurrency: 1 });
    const said = async (news: FleetBatchInputs, olds: Partial<FleetBatchInputs> = {}, at = now) => (await batchFailures(olds, news, at)).map(({ reason }) => reason).join("\n");

    test.each<Partial<Record<keyof FleetSettings, unknown>>>([
        {},
        { algorithm: "RSA_4096", rotationPolicy: "never", renewal: "immediate", publishCheck: "sample", onRemove: "delete", onDrift: "fail" },
        { validityDays: 36_500, renewBeforeDays: 36_499 },
        { validityDays: 1, renewBeforeDays: 0 },
        { deviceProfile: "pumps" },
        { algorithm: unknown, renewal: unknown, deviceProfile: unknown, validityDays: unknown, renewBeforeDays: unknown, renewalJitterDays: unknown, maxRenewalsPerUp: unknown, checkMode: unknown },
        { maxRenewalsPerUp: 1, checkMode: "connect", publishCheck: "all" },
    ])("with the settings %j is fine", async changed => {
        expect(await said(declared(changed))).toBe("");
    });

    test.each<[string, Partial<Record<keyof FleetSettings, unknown>>]>([
        ['algorithm is "DSA": expected "EC_P256" or "EC_P384" or "RSA_2048" or "RSA_3072" or "RSA_4096"', { algorithm: "DSA" }],
        ['renewal is "staged", which a fleet does not offer: use "immediate" with maxRenewalsPerUp', { renewal: "staged" }],
        ['renewal is "later": expected "report" or "immediate"', { renewal: "later" }],
        ['rotationPolicy is "keepKey"', { rotationPolicy: "keepKey" }],
        ['publishCheck is "some"', { publishCheck: "some" }],
        ['onRemove is "drop"', { onRemove: "drop" }],
        ['onDrift is "ignore"', { onDrift: "ignore" }],
        ["validityDays is 36501: expected a whole number of days, 1 to 36500", { validityDays: 36_501 }],
        ["validityDays is 90.5", { validityDays: 90.5 }],
        ["renewBeforeDays is -1: expected a whole number of days, 0 to 36500", { renewBeforeDays: -1 }],
        ["renewalJitterDays is -1", { renewalJitterDays: -1 }],
        ["renewBeforeDays and renewalJitterDays (30 and 335) leave nothing of validityDays (365)", { renewalJitterDays: 335 }],
        ["renewBeforeDays is 36501", { validityDays: unknown, renewBeforeDays: 36_501 }],
        ["maxRenewalsPerUp is 0: expected a whole number above 0", { maxRenewalsPerUp: 0 }],
        ["maxRenewalsPerUp is 2.5", { maxRenewalsPerUp: 2.5 }],
        ['publishCheck.mode is "observe", which a fleet does not offer', { checkMode: "observe" }],
        ['checkMode is "look": expected "publish" or "connect"', { checkMode: "look" }],
        ["deviceProfile is blank", { deviceProfile: " " }],
        ["deviceProfile is blank", { deviceProfile: 7 }],
    ])("is refused: %s", async (sentence, changed) => {
        const news = declared(changed);
        expect(await said(news)).toContain(sentence);
        expect(await said(news)).toContain(`fleet "pumps-${count}": `);
        expect(await said(news)).not.toContain("\n");
    });

    test("has faults of single devices told by their names", async () => {
        const { certificatePem } = issue("given");
        const base64 = readLeaf(issue("given").certificatePem).base64Der;
        expect(await said(declared({}, { "good-1": { label: "fine", attributes: { site: 1 }, certificate: certificatePem }, "good-2": { certificate: base64 } }))).toBe("");
        expect(await said(declared({}, { "bad-1": { label: "<b>" } }))).toContain('device "bad-1": label is "<b>"');
        expect(await said(declared({}, { "bad-2": { attributes: { active: 1 } } }))).toContain('device "bad-2": attributes has the key "active"');
        expect(await said(declared({}, { "bad-3": { certificate: "hello" } }))).toContain('device "bad-3": certificatePem: expected one PEM certificate');
        const twice = issue("twice").certificatePem;
        expect(await said(declared({}, { "twin-1": { certificate: twice }, "twin-2": { certificate: readLeaf(twice).base64Der } }))).toContain('device "twin-2": certificatePem is also the certificate of device "twin-1" in this program');
        // Of a single resource, too.
        expect(credentialFailures({}, { deviceName: "single", certificatePem: twice, declaredBy: "p/s/single" }, now).map(({ reason }) => reason)).toEqual([expect.stringContaining('certificatePem is also the certificate of device "twin-1" in this program')]);
    });

    test("has requests looked at once, by device, and left alone while they aren't known", async () => {
        const { csrPem } = certificateRequest("/CN=asks");
        expect(await said(declared({}, { asks: { csr: csrPem }, waits: { csr: unknown } }))).toBe("");
        const other = declared({}, { torn: { csr: csrPem.replace("MI", "AA") }, names: { csr: csrPem } });
        expect(await said(other)).toMatch(/^device "torn": csrPem: it is no certificate request that can be read.*\ndevice "names": csrPem: it is for CN=asks, and CN=names was declared/);
        expect(await said(other, other)).toBe("");
    });

    test("has nothing asked of details that aren't known", async () => {
        expect(await said(declared({}, { later: unknown as never }))).toBe("");
        expect(await said(declared({}, { "later still": { certificate: unknown, label: unknown } }))).toBe("");
    });

    test("stops at a revoked certificate only where that was asked for, and as long as it is to be kept", async () => {
        const news = declared({ onDrift: "fail" });
        const name = news.members[0]!;
        const olds = { ...news, revoked: { [name]: "2026-11-24" } };
        const sentence = `device "${name}": its certificate was revoked on 2026-11-24 and is never bound again: set generation: 2 on the device`;
        expect(await said(news, olds)).toContain(sentence);
        expect(await said({ ...news, settings: { ...news.settings, onDrift: "repair" } }, olds)).toBe("");
        expect(await said({ ...news, members: [] }, olds)).toBe("");
        expect(await said({ ...news, details: { [name]: { generation: 2 } } }, olds)).toBe("");
        expect(await said({ ...news, details: { [name]: { certificate: issue("new").certificatePem } } }, olds)).toBe("");
        expect(await said({ ...news, details: { [name]: { csr: certificateRequest(`/CN=${name}`).csrPem } } }, olds)).toBe("");
    });

    test("keeps a certificate from outside that has expired since", async () => {
        const news = declared({}, { outside: { certificate: issue("outside").certificatePem } });
        expect(await said(news, {}, daysFromNow(31))).toContain('device "outside": certificatePem: the certificate expired on');
        expect(await said(news, news, daysFromNow(31))).toBe("");
    });

    test("stops at drift only where that was asked for", async () => {
        const drift = { "a-1": "has another credential" };
        expect(await said(declared({ onDrift: "repair" }), { drift })).toBe("");
        expect(await said(declared({ onDrift: "fail" }))).toBe("");
        expect(await said(declared({ onDrift: "fail" }), { drift })).toContain('device "a-1" has another credential, and onDrift is "fail": put it right on ThingsBoard');
    });
});

describe("giving up", () => {
    const failure = (kind: ApiErrorKind) => new ApiError(`${kind}!`, { kind, mayHaveHappened: false });

    test("is right at once where the next device would hear the same", () => {
        const batch = new GivingUp();
        expect(batch.reason()).toBeUndefined();
        batch.failed(failure("forbidden"));
        batch.failed(failure("unauthorized"));
        expect(batch.reason()).toContain("not tried, because others failed before: ");
        expect(batch.reason()).toContain("forbidden!");
    });

    test("is right after ten in a row where it may pass, and never for faults of single devices", () => {
        const batch = new GivingUp();
        for (let time = 0; time < 9; time++) batch.failed(failure("server"));
        batch.worked();
        for (let time = 0; time < 9; time++) batch.failed(failure("timeout"));
        expect(batch.reason()).toBeUndefined();
        batch.failed(failure("unreachable"));
        expect(batch.reason()).toContain("unreachable!");

        const other = new GivingUp();
        for (let time = 0; time < 50; time++) other.failed(failure("versionConflict"));
        for (let time = 0; time < 50; time++) other.failed(new Error("no"));
        expect(other.reason()).toBeUndefined();
    });
});
