// Resources that make nothing on the server, or only look at it.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publishCheck as connectAs } from "../../sdk/mqtt/publishCheck";
import { activation } from "../../sdk/reconcilers/activation";
import { runCheck } from "../../sdk/reconcilers/checkRun";
import { deviceBundle } from "../../sdk/reconcilers/deviceBundle";
import { type DeviceCredentialState, deviceCredential } from "../../sdk/reconcilers/deviceCredential";
import { type EnrolmentCheckInputs, enrolmentCheck } from "../../sdk/reconcilers/enrolmentCheck";
import { fleetMembership } from "../../sdk/reconcilers/fleetMembership";
import { type PublishCheckInputs, type PublishCheckState, publishCheck } from "../../sdk/reconcilers/publishCheck";
import type { Unfinished } from "../../sdk/reconcilers/reconciler";
import { renewal } from "../../sdk/reconcilers/renewal";
import { type ServerChainInputs, serverChain } from "../../sdk/reconcilers/serverChain";
import { membersOf } from "../../sdk/resources/fleetMembership";
import { readLeaf } from "../../sdk/x509/leaf";
import { rootAuthority } from "../support/openssl";
import { issue } from "../unit/mqtt/certificates";
import { type UnderTest, expectLawful, expectPatient, maybe, underTest, fresh, someName, someText, wire } from "./support";

let under: UnderTest;
beforeAll(async () => {
    under = await underTest();
});
afterAll(() => under.stop());

const now = () => new Date();
const quiet = () => undefined;

test("Renewal", async () => {
    const inputs = fc.record({
        certificate: fc.string(),
        afterDays: maybe(fc.double({ min: 0.5, max: 5000, noNaN: true })),
        jitterDays: fc.double({ min: 0, max: 0.4, noNaN: true }),
        maxPerUp: maybe(fc.integer({ min: 1, max: 10 })),
        issuedFrom: fc.string(),
        follows: maybe(fc.integer({ min: Date.now() - 1000, max: Date.now() })),
        declaredBy: fc.uuid(),
    });
    await fc.assert(fc.asyncProperty(inputs, declared => expectLawful(renewal(now), declared as never)));
    const declared = { certificate: "c", afterDays: 100, jitterDays: 1, maxPerUp: 2, issuedFrom: "x", follows: Date.now(), declaredBy: "a/b/c" };
    const { outs } = await renewal(now).create(declared);
    await expectPatient(renewal(now), outs!, declared);
});

test("Activation", async () => {
    const time = fc.integer({ min: 0, max: 4e12 });
    const inputs = fc.record({ since: fc.tuple(time, time), leadDays: fc.integer({ min: 0, max: 300 }), validityDays: fc.integer({ min: 1, max: 5000 }) });
    await fc.assert(fc.asyncProperty(inputs, declared => expectLawful(activation(now), declared)));
    const declared = { since: [1, 2] as const, leadDays: 1, validityDays: 2 };
    const { outs } = await activation(now).create(declared);
    await expectPatient(activation(now), outs!, declared);
});

async function bound(name: string) {
    const { certificatePem, privateKeyPem } = issue("pump");
    const { base64Der, credentialsId } = readLeaf(certificatePem);
    const device = await under.thingsboard.createDeviceWithCredentials({ name }, { credentialsType: "X509_CERTIFICATE", credentialsValue: base64Der }, () => false);
    return { deviceId: device.id.id, deviceName: name, certificatePem, privateKeyPem, credentialsId, bindingRevision: 1, boundAt: Date.now() };
}

test("PublishCheck in mode observe counts a connection after the binding alone, by the server's milliseconds", async () => {
    const credential = deviceCredential(() => under.server, now, quiet);
    const [old, next] = [issue("pump"), issue("pump")];
    const declared = { deviceName: "to the millisecond", declaredBy: "project/stack/pump" };
    const deviceId = (await under.thingsboard.createDevice({ name: declared.deviceName }, () => false)).id.id;
    const connects = async ({ certificatePem, privateKeyPem }: typeof old) =>
        expect(await connectAs({ ...under.server.mqtt, certificatePem, privateKeyPem, mode: "connect", timeoutSeconds: 10 })).toMatchObject({ ok: true });
    const first = await credential.create({ ...declared, certificatePem: old.certificatePem });
    await connects(old);
    const second = await credential.update(first.id, first.outs!, { ...declared, certificatePem: next.certificatePem });
    // A second early, as the Date header may have it.
    const seen = ({ credentialsId, boundAt }: DeviceCredentialState, timeout: number) =>
        runCheck(under.server, { deviceId, credentialsId, boundAt: boundAt - 1000, mode: "observe", timeout, verifyStored: "off", onFailure: "fail", rollback: false });
    expect(await seen(second.outs!, 0.2)).toMatchObject({ outcome: "refused", cause: "not-seen" });
    await connects(next);
    expect(await seen(second.outs!, 5)).toMatchObject({ outcome: "accepted" });

    // Bound once more, the same certificate in the place of what somebody had put there.
    await under.thingsboard.saveCredentials({ ...(await under.thingsboard.credentials(deviceId))!, credentialsType: "ACCESS_TOKEN", credentialsId: "by hand", credentialsValue: null });
    const third = await credential.update(first.id, second.outs!, { ...declared, certificatePem: next.certificatePem });
    expect(await seen(third.outs!, 0.2)).toMatchObject({ outcome: "refused", cause: "not-seen" });
});

test("PublishCheck", async () => {
    const inputs = fc.record({
        name: someName,
        mode: fc.constantFrom("publish", "connect"),
        payload: maybe(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.integer(), { minKeys: 1, maxKeys: 3 }).map(value => JSON.stringify(value))),
        verifyStored: fc.constantFrom("required", "warn", "off"),
        mqttVersion: maybe(fc.constantFrom("auto", "3.1.1", "5")),
        timeout: fc.integer({ min: 5, max: 60 }),
        onFailure: fc.constantFrom("fail", "warn"),
        rollback: fc.boolean(),
        triggers: maybe(fc.array(fc.jsonValue(), { maxLength: 2 })),
    });
    const reconciler = publishCheck(() => under.server, quiet);
    await fc.assert(
        fc.asyncProperty(inputs, async tried => {
                const { name, declaredBy: _by, ...rest } = fresh(tried);
            await expectLawful(reconciler, { ...(await bound(name)), ...rest } as PublishCheckInputs);
        }),
        { numRuns: 12 },
    );
    const declared = { ...(await bound("patient")), mode: "connect", verifyStored: "off", timeout: 20, onFailure: "fail", rollback: true, mqttVersion: "5", triggers: [{ a: [1] }] } as const;
    const { outs } = await reconciler.create(declared);
    expect(JSON.stringify(outs)).not.toContain("PRIVATE KEY");
    await expectPatient(reconciler, outs!, declared);
});

test("ServerChain", async () => {
    const reconciler = serverChain(() => under.server, quiet, now);
    const { outs: first } = await reconciler.create({ source: "handshake", timeout: 10 });
    const inputs = fc.record({
        source: fc.constant("handshake" as const),
        host: maybe(fc.constantFrom("localhost", "127.0.0.1")),
        port: maybe(fc.constant(under.emulator.mqttsPort)),
        caPem: maybe(fc.constant(under.emulator.caPem)),
        fingerprint: maybe(fc.constant(first!.serverFingerprint)),
        timeout: fc.integer({ min: 5, max: 60 }),
    });
    await fc.assert(fc.asyncProperty(inputs, declared => expectLawful(reconciler, wire(declared) as ServerChainInputs)), { numRuns: 20 });
    await expectPatient(reconciler, first!, { source: "handshake", host: "localhost", port: under.emulator.mqttsPort, caPem: under.emulator.caPem, fingerprint: first!.serverFingerprint, timeout: 10 });
});

test("a check that was refused is made again after a refresh too, which says to the engine that all is well", async () => {
    const reconciler = publishCheck(() => under.server, quiet);
    const declared = { ...(await bound("refused")), mode: "connect", verifyStored: "off", timeout: 5, onFailure: "fail", rollback: false } as PublishCheckInputs;
    under.emulator.faults.set({ mqtt: { connack: 3 } });
    const refused = await reconciler.create(wire(declared)).then(() => undefined, (error: unknown) => error as Unfinished);
    under.emulator.faults.clear();
    const state = wire(refused!.properties) as PublishCheckState;
    const { props } = (await reconciler.read(refused!.id, state)) as { props: PublishCheckState };
    expect(await reconciler.diff(refused!.id, props, wire(declared))).toEqual({ changes: true });
    const { outs } = await reconciler.update(refused!.id, props, wire(declared));
    expect(await reconciler.diff(refused!.id, outs!, wire(declared))).toEqual({ changes: false });
    // One that may fail is told of once, and leaves nothing to do.
    const lenient = { ...declared, onFailure: "warn" } as const;
    expect(await reconciler.diff(refused!.id, { ...props, onFailure: "warn" }, wire(lenient))).toEqual({ changes: false });
});

test("DeviceBundle", async () => {
    const base = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-bundles-"));
    const root = issue("Root", { authority: true });
    const pairOf = ({ certificatePem, privateKeyPem } = issue("pump", { issuer: root })) => ({ certificatePem, chainPem: certificatePem + root.certificatePem, privateKeyPem });
    const [pair, next] = [pairOf(), pairOf()];
    const waiting = { nextCertificatePem: next.certificatePem, nextChainPem: next.chainPem, nextPrivateKeyPem: next.privateKeyPem };
    const inputs = fc.record({
        next: fc.constantFrom({}, waiting, { nextCertificatePem: null, nextChainPem: null, nextPrivateKeyPem: null }),
        pkcs12Password: maybe(fc.constant("a password")),
        alias: maybe(fc.constant("pump")),
        serverChainPem: maybe(fc.constantFrom(under.emulator.caPem, `${under.emulator.caPem}\n\n`)),
        host: maybe(fc.constant("mqtt.example.com")),
        port: maybe(fc.constant(8883)),
        topic: maybe(someText.filter(text => text.trim() !== "" && !text.includes("\n"))),
        deviceDirectory: maybe(fc.constant("/etc/device")),
        written: fc.boolean(),
    });
    const declared = ({ next, written, topic = "v1/devices/me/telemetry", ...rest }: Partial<Record<"pkcs12Password" | "alias" | "serverChainPem" | "host" | "topic" | "deviceDirectory", string | undefined>> & { next: object; port?: number | undefined; written: boolean }, name: string) =>
        wire({ ...pair, ...next, ...rest, topic, ...(written ? { directory: path.join(base, name) } : {}), declaredBy: `project/stack/${name}` });
    const reconciler = deviceBundle(() => under.server, quiet);
    let count = 0;
    try {
        await fc.assert(fc.asyncProperty(inputs, tried => expectLawful(reconciler, declared(tried, String(++count)) as never)), { numRuns: 15 });
        expect(readdirSync(base)).toEqual([]);
        const patient = declared({ next: waiting, written: true, pkcs12Password: "a password", alias: "pump", host: "h", port: 1, deviceDirectory: "/d" }, "patient");
        const { outs } = await reconciler.create(patient as never);
        expect(JSON.stringify(outs)).not.toContain("PRIVATE KEY");
        await expectPatient(reconciler, outs!, patient as never);
    } finally {
        rmSync(base, { recursive: true, force: true });
    }
});

test("EnrolmentCheck", async () => {
    const authority = rootAuthority("Root");
    const commonNamePattern = "(.*)\\.example";
    const provisionConfiguration = { type: "X509_CERTIFICATE_CHAIN", provisionDeviceSecret: authority.certificatePem, certificateRegExPattern: commonNamePattern, allowCreateNewDevicesByX509Certificate: true } as const;
    const profile = await under.thingsboard.createDeviceProfile(
        { name: "chain", type: "DEFAULT", transportType: "DEFAULT", provisionType: "X509_CERTIFICATE_CHAIN", profileData: { configuration: { type: "DEFAULT" }, transportConfiguration: { type: "DEFAULT" }, provisionConfiguration } },
        () => false,
    );
    const fixed = { deviceProfileId: profile.id.id, profileName: "chain", commonNamePattern, createDevices: true, anchorPem: authority.certificatePem, authorityPem: authority.certificatePem, issuersPem: "", authorityKeyPem: authority.privateKeyPem } as const;
    const reconciler = enrolmentCheck(() => under.server, quiet, now);
    const inputs = fc.record({
        commonName: fc.stringMatching(/^[a-z0-9 -]{1,40}$/).filter(text => text.trim() === text && text !== "").map(text => `${text}.example`),
        caPem: maybe(fc.constant(under.emulator.caPem)),
        timeout: fc.integer({ min: 5, max: 60 }),
        onFailure: fc.constantFrom("fail", "warn"),
        triggers: maybe(fc.array(fc.jsonValue(), { maxLength: 2 })),
    });
    await fc.assert(fc.asyncProperty(inputs, declared => expectLawful(reconciler, wire({ ...fixed, ...declared }) as EnrolmentCheckInputs)), { numRuns: 6 });
    const declared = { ...fixed, commonName: "canary.example", caPem: under.emulator.caPem, timeout: 20, onFailure: "fail", triggers: [{ a: [1] }] } as const;
    const { outs } = await reconciler.create(declared);
    expect(JSON.stringify(outs)).not.toContain("PRIVATE KEY");
    await expectPatient(reconciler, outs!, declared);
    expect(await under.thingsboard.deviceByName("canary")).toBeUndefined();
});

test("FleetMembership", async () => {
    const inputs = fc.record({
        fleet: fc.constant("project/stack/pumps"),
        batches: fc.integer({ min: 1, max: 1024 }),
        shard: maybe(fc.constantFrom("0/1", "3/16")),
        members: fc.array(someName, { maxLength: 50 }).map(membersOf),
        maxRemovals: maybe(fc.integer({ min: 0, max: 1e9 })),
        onRemove: fc.constantFrom("revoke", "delete", "keep"),
    });
    await fc.assert(fc.asyncProperty(inputs, declared => expectLawful(fleetMembership(), wire(declared) as never)));
});
