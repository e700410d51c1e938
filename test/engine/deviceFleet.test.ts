// A fleet on the real engine: made, grown, drifted, mended, renewed, cut down, and left.

import { execFile } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { repository } from "./support/commandLine";
import { failure, tb, testStack } from "./support/stack";
import { certificateRequest, openssl, rootAuthority, selfSigned } from "../support/openssl";
import { daysFromNow, issue } from "../unit/mqtt/certificates";
import { type ThingsBoardUnderTest, emulatedThingsBoard, switchToToken } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await emulatedThingsBoard();
});
beforeEach(() => server.emulator.faults.clear());
afterAll(() => server.stop());

type FleetArgs = ConstructorParameters<typeof tb.DeviceFleet>[1];

const names = (prefix: string, count: number, from = 0) => Array.from({ length: count }, (_, i) => `${prefix}-${i + from}`);

const fleet = (args: FleetArgs, name = "fleet") => async () => {
    const made = new tb.DeviceFleet(name, { batches: 4, publishCheck: "none", ...args });
    return { summary: made.summary };
};

const bound = async (name: string) => {
    const device = (await server.deviceByName(name))!;
    const { credentialsType, credentialsId } = await server.credentials(device.id.id);
    return credentialsType === "X509_CERTIFICATE" ? credentialsId : credentialsType;
};

test("a fleet is made, proven, found unchanged, and revoked", async () => {
    const devices = names("made", 40);
    const stack = await testStack(server, async () => {
        const made = new tb.DeviceFleet("made", { devices, batches: 4, publishCheck: "all" });
        const one = made.deviceOutput("made-7");
        return { summary: made.summary, certificate: one.certificatePem, key: one.privateKeyPem, id: one.deviceId, credentialsId: one.credentialsId };
    });
    const preview = await stack.preview();
    expect(preview.changes).toEqual({ create: 7 });
    const { outputs } = await stack.up();
    expect(outputs["summary"]).toMatchObject({ devices: 40, failed: 0 });
    const device = (await server.deviceByName("made-7"))!;
    expect(outputs["id"]).toBe(device.id.id);
    expect(await bound("made-7")).toBe(outputs["credentialsId"]);
    const certificate = new X509Certificate(outputs["certificate"] as string);
    expect(certificate.subject).toBe("CN=made-7");
    expect(certificate.checkPrivateKey(createPrivateKey(outputs["key"] as string))).toBe(true);
    expect(stack.rawState()).not.toContain((outputs["key"] as string).split("\n")[1]);

    expect((await stack.up()).changes).toEqual({ same: 7 });
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 7 });
    await stack.destroy();
    expect(await bound("made-7")).toBe("ACCESS_TOKEN");
});

test("one more and one less touch one batch each, and preview says so in words", async () => {
    const devices = names("grown", 60);
    const stack = await testStack(server, fleet({ devices }));
    await stack.up();
    const before = await bound("grown-1");

    stack.program = fleet({ devices: [...devices, "grown-new"] });
    const preview = await stack.preview();
    expect(preview.changes).toEqual({ same: 6, update: 1 });
    expect(preview.output).toMatch(/fleet "fleet", batch \d of 4: 1 new, \d+ unchanged \(new: grown-new\)/);
    expect((await stack.up()).changes).toEqual({ same: 6, update: 1 });
    expect(await bound("grown-new")).toMatch(/^[0-9a-f]{64}$/);

    stack.program = fleet({ devices });
    expect((await stack.preview()).output).toMatch(/1 removed, \d+ unchanged \(removed: grown-new\)/);
    expect((await stack.up()).changes).toEqual({ same: 6, update: 1 });
    expect(await bound("grown-new")).toBe("ACCESS_TOKEN");
    expect(await bound("grown-1")).toBe(before);
});

test("a device that fails holds up no other, is named with its reason, and is done by the next up", async () => {
    const devices = names("partly", 100);
    const stack = await testStack(server, fleet({ devices }));
    const skips = Array.from({ length: 5 }, () => Math.floor(Math.random() * 90));
    server.emulator.faults.set({ rest: skips.map(skip => ({ method: "POST", path: "/api/device-with-credentials", skip, times: 1, status: 400, body: '{"status":400,"message":"no luck today","errorCode":31}' })) });
    const text = await failure(stack.up());
    expect(text).toMatch(/(device "partly-\d+"|devices \(partly-.*\)): cannot create the device.*no luck today/);
    expect(text).toMatch(/fleet "fleet", batch \d of 4: \d of \d+ devices could not be finished; the others are/);
    server.emulator.faults.clear();
    const made = (await Promise.all(devices.map(name => server.deviceByName(name)))).filter(device => device !== undefined);
    expect(made.length).toBeGreaterThanOrEqual(95);
    const certificates = await Promise.all(made.map(({ name }) => bound(name)));

    const again = await stack.up();
    expect(again.outputs["summary"]).toMatchObject({ devices: 100, failed: 0 });
    expect(await Promise.all(made.map(({ name }) => bound(name)))).toEqual(certificates);
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 7 });
});

test("what was changed elsewhere is drift: named per device, put right by up with the same certificates", async () => {
    const devices = names("drifted", 30).map(name => ({ name, label: "ours", attributes: { site: "north" } }));
    const stack = await testStack(server, fleet({ devices }));
    await stack.up();
    const before = await Promise.all(devices.map(({ name }) => bound(name)));
    const id = async (name: string) => (await server.deviceByName(name))!.id.id;
    await switchToToken(server, await id("drifted-1"));
    await server.call("DELETE", `/api/device/${await id("drifted-2")}`);
    await server.call("POST", "/api/device", { ...(await server.deviceByName("drifted-3"))!, name: "renamed-3", label: "theirs" });
    await server.call("POST", `/api/plugins/telemetry/DEVICE/${await id("drifted-4")}/attributes/SERVER_SCOPE`, { site: "south" });

    const { output } = await stack.preview({ refresh: true });
    expect(output).toContain("holds an access token");
    expect(output).toContain("was deleted");
    expect(output).toContain('is called \\"renamed-3\\", has label \\"theirs\\"');
    expect(output).toContain('has another value in attribute \\"site\\"');
    await failure(stack.preview({ refresh: true, expectNoChanges: true }));
    await stack.refresh();
    stack.program = fleet({ devices, onDrift: "fail" });
    expect(await failure(stack.preview())).toMatch(/device "drifted-\d" .*, and onDrift is "fail": put it right/);
    stack.program = fleet({ devices });
    await stack.up();
    expect(await Promise.all(devices.map(({ name }) => bound(name)))).toEqual(before);
    expect(await server.deviceByName("drifted-3")).toMatchObject({ label: "ours" });
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 7 });
});

test("certificates that fall due are reported, and renewed only where that was asked for", async () => {
    const [old, young] = [names("renewed", 5), names("renewed", 45, 5)];
    const certificate = { validityDays: 20, renewBeforeDays: 5 };
    const stack = await testStack(server, fleet({ devices: old, certificate }));
    await stack.up();
    stack.program = fleet({ devices: [...old, ...young], certificate: { validityDays: 365, renewBeforeDays: 5 } });
    await stack.up();
    const [oldBefore, youngBefore] = [await Promise.all(old.map(bound)), await Promise.all(young.map(bound))];

    const due = (renewal: "report" | "immediate") => fleet({ devices: [...old, ...young], certificate: { validityDays: 365, renewBeforeDays: 30 }, renewal });
    stack.program = due("report");
    const reported = await stack.up();
    expect(reported.output).toMatch(/will expire soon \(renewed-\d.*renewal is "report"/);
    expect(await Promise.all(old.map(bound))).toEqual(oldBefore);

    stack.program = due("immediate");
    expect((await stack.preview()).output).toMatch(/\d renewed, \d+ unchanged/);
    await stack.up();
    const renewed = await Promise.all(old.map(bound));
    expect(renewed.filter(id => oldBefore.includes(id))).toEqual([]);
    expect(await Promise.all(young.map(bound))).toEqual(youngBefore);
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 7 });
});

test("a truncated list, another number of batches and another shard fail in preview, and nothing is touched", async () => {
    const devices = names("guarded", 60);
    const stack = await testStack(server, fleet({ devices, shard: { index: 0, count: 1 } }));
    await stack.up();
    const cut = { devices: devices.slice(0, 30), shard: { index: 0, count: 1 } };
    stack.program = fleet(cut);
    const text = await failure(stack.preview());
    expect(text).toMatch(/30 of its 60 devices are no longer declared, and maxRemovals is 20: if the list of devices is right, set maxRemovals to 30; their certificates will be refused/);
    expect(await failure(stack.up())).toContain("maxRemovals is 20");

    stack.program = fleet({ devices, shard: { index: 0, count: 1 }, batches: 8 });
    expect(await failure(stack.preview())).toMatch(/batches is 8, and the fleet was made with 4: .*Set batches back to 4/);
    stack.program = fleet({ devices, shard: { index: 0, count: 2 } });
    expect(await failure(stack.preview())).toContain("this is shard 0/2, and the fleet in this stack was made as shard 0/1");

    stack.program = fleet({ ...cut, maxRemovals: 30, onRemove: "delete" });
    await stack.up();
    expect(await server.deviceByName("guarded-0")).toBeDefined();
    expect(await server.deviceByName("guarded-59")).toBeUndefined();
});

test("existing devices are taken over only with adopt, and survive a fleet that deletes", async () => {
    await server.call("POST", "/api/device", { name: "there-1", label: "by hand" });
    const devices = names("there", 3);
    const stack = await testStack(server, fleet({ devices }));
    const text = await failure(stack.up());
    expect(text).toContain('device "there-1" exists already on this ThingsBoard: set adopt: true on the fleet');
    stack.program = fleet({ devices, adopt: true, onRemove: "delete" });
    await stack.up();
    expect(await bound("there-1")).toMatch(/^[0-9a-f]{64}$/);
    expect(await server.deviceByName("there-1")).toMatchObject({ label: "by hand" });
    await stack.destroy();
    expect(await server.deviceByName("there-0")).toBeUndefined();
    expect(await bound("there-1")).toBe("ACCESS_TOKEN");
});

test("a refused check keeps the device with its certificate, and is made again", async () => {
    const devices = names("checked", 12);
    const stack = await testStack(server, fleet({ devices, publishCheck: "all" }));
    server.emulator.faults.set({ mqtt: { connack: 0x87, times: 4 } });
    const text = await failure(stack.up());
    expect(text).toMatch(/publish check: /);
    const before = await Promise.all(devices.map(bound));
    server.emulator.faults.clear();
    expect((await stack.preview()).output).toMatch(/\d retried/);
    expect((await stack.up()).outputs["summary"]).toMatchObject({ devices: 12, failed: 0 });
    expect(await Promise.all(devices.map(bound))).toEqual(before);
});

test("a certificate from outside is bound, exchanged, and needs no key", async () => {
    const first = selfSigned("outside");
    const declare = (certificatePem: string) => fleet({ devices: [{ name: "outside-1", certificatePem }, "outside-2"], publishCheck: "all" });
    const stack = await testStack(server, declare(first));
    await stack.up();
    const before = [await bound("outside-1"), await bound("outside-2")];
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 7 });
    stack.program = declare(selfSigned("outside again"));
    expect((await stack.preview()).output).toContain("1 rebound");
    await stack.up();
    expect(await bound("outside-1")).not.toBe(before[0]);
    expect(await bound("outside-2")).toBe(before[1]);
    stack.program = declare("hello");
    expect(await failure(stack.preview())).toContain('device "outside-1": certificatePem: expected one PEM certificate, found no PEM block');
});

test("a device with its certificate goes from single resources into a fleet in one up, and stays bound", async () => {
    const certificatePem = selfSigned("moves-in");
    const stack = await testStack(server, async () => {
        const device = new tb.Device("single", { name: "moves-in" });
        new tb.DeviceCredential("single", { device, certificatePem });
    });
    await stack.up();
    const credentialsId = await bound("moves-in");
    stack.program = fleet({ devices: [{ name: "moves-in", certificatePem }], batches: 1, adopt: true });
    await stack.up();
    expect(await bound("moves-in")).toBe(credentialsId);
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 4 });
    await stack.destroy();
    expect(await bound("moves-in")).toBe("ACCESS_TOKEN");
});

test("certificates from outside that are weak, or end soon, are told of once with their number", async () => {
    const weak = openssl(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha1", "-days", "90", "-keyout", "/dev/null", "-subj", "/CN=weak"]);
    const ending = issue("ending", { notBefore: daysFromNow(-60), notAfter: daysFromNow(2) }).certificatePem;
    const given = [selfSigned("good"), weak, ending].map((certificatePem, i) => ({ name: `given-${i}`, certificatePem }));
    const stack = await testStack(server, fleet({ devices: given }));
    const { output } = await stack.preview();
    expect(output.match(/warning: fleet .*/g)).toEqual([
        'warning: fleet "fleet": 1 of the 3 certificates that were given to it is signed with SHA-1 or MD5 ("given-1"), which can be forged and which clients and servers with current TLS libraries refuse; issue ones that are signed with SHA-256',
        'warning: fleet "fleet": 1 of the 3 certificates that were given to it has expired or will soon ("given-2"), and a fleet renews only what it has issued itself; give it their successors',
    ]);
    stack.program = fleet({ devices: given.map(({ name, certificatePem }) => ({ name, certificatePem: pulumi.output(certificatePem) })) });
    expect((await stack.preview()).output.match(/warning: fleet/g)).toHaveLength(2);
});

test("certificates signed by an authority, whose key stays secret", async () => {
    const stack = await testStack(server, async () => {
        const authority = new tb.CertificateAuthority("factory", { commonName: "factory" });
        const made = new tb.DeviceFleet("signed", { devices: names("signed", 4), batches: 2, certificate: { authority }, publishCheck: "all" });
        return { authority: authority.certificatePem, key: authority.privateKeyPem, certificate: made.deviceOutput("signed-1").certificatePem };
    });
    const { outputs } = await stack.up();
    const [authority, certificate] = [outputs["authority"], outputs["certificate"]].map(pem => new X509Certificate(pem as string)) as [X509Certificate, X509Certificate];
    expect(certificate.checkIssued(authority) && certificate.verify(authority.publicKey)).toBe(true);
    expect(stack.rawState()).not.toContain((outputs["key"] as string).split("\n")[1]);
    await switchToToken(server, (await server.deviceByName("signed-2"))!.id.id);
    await stack.up({ refresh: true });
    expect(await bound("signed-2")).toMatch(/^[0-9a-f]{64}$/);
    await stack.preview({ refresh: true, expectNoChanges: true });
});

/** `pulumi-thingsboard …` */
const command = (environment: NodeJS.ProcessEnv, ...args: string[]) => promisify(execFile)(process.execPath, [path.join(repository, "bin/cli/main.js"), ...args], { env: { ...process.env, ...environment } });

test("devices that keep their keys: a refused request names its device in preview; certificates alone are kept and exported", async () => {
    const root = rootAuthority("factory");
    const [one, two] = [certificateRequest("/CN=own-key-1"), certificateRequest("/CN=own-key-2")];
    const declare = (csrPem: string) => async () => {
        const authority = new tb.CertificateAuthority("factory", root);
        const devices = [{ name: "own-key-1", csrPem }, { name: "own-key-2", csrPem: two.csrPem }, "own-key-3"];
        const made = new tb.DeviceFleet("own-key", { devices, batches: 2, certificate: { authority }, publishCheck: { devices: "all", mode: "connect" } });
        const { certificatePem, privateKeyPem } = made.deviceOutput("own-key-1");
        return { summary: made.summary, certificatePem, hasKey: privateKeyPem.apply(key => key !== undefined) };
    };
    const secret = one.privateKeyPem.split("\n")[1]!;
    const stack = await testStack(server, declare(two.csrPem), "own-key");
    expect(await failure(stack.preview())).toContain('device "own-key-1": csrPem: it is for CN=own-key-2, and CN=own-key-1 was declared');
    stack.program = declare(one.csrPem + one.privateKeyPem);
    const text = await failure(stack.up());
    expect(text).toContain('device "own-key-1": csrPem: it holds a private key: give the request alone');
    expect(text + stack.rawState()).not.toContain(secret);

    stack.program = declare(one.csrPem);
    const { outputs } = await stack.up();
    expect(outputs).toMatchObject({ summary: { devices: 3, failed: 0 }, hasKey: false });
    expect(new X509Certificate(outputs["certificatePem"] as string).checkPrivateKey(createPrivateKey(one.privateKeyPem))).toBe(true);
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes["update"]).toBeUndefined();
    const out = path.join(stack.folder, "exported");
    await command(stack.environment, "fleet", "export", "--stack", "own-key", "--cwd", stack.folder, "--out", out);
    expect(readdirSync(out).sort()).toEqual(["own-key-1.pem", "own-key-2.pem", "own-key-3.key", "own-key-3.pem"]);
    expect(readFileSync(path.join(out, "own-key-1.pem"), "utf8")).toBe(outputs["certificatePem"]);
});

test("a bounded renewal: preview says who is renewed and who waits, and up does just that", async () => {
    const devices = names("bounded", 40);
    const stack = await testStack(server, fleet({ devices }));
    await stack.up();
    stack.setEnvironment("THINGSBOARD_CLOCK_OFFSET_DAYS", "340");
    stack.program = fleet({ devices, renewal: "immediate", maxRenewalsPerUp: 10 });
    const certificates = async () => new Map(await Promise.all(devices.map(async name => [name, await bound(name)] as const)));
    // Told of as it happens, and once more in the end.
    const renewed = (output: string) => [...new Set([...output.matchAll(/renewed: ([^;)]*)/g)].flatMap(([, list]) => list!.split(", ")))].sort();

    let before = await certificates();
    const { output } = await stack.preview();
    expect(output).toMatch(/\d more are due and left for a later "pulumi up" \(bounded-.*\): maxRenewalsPerUp is 10, divided among 4 batches/);
    expect(renewed(output)).toHaveLength(10);
    for (const planned of [renewed(output), undefined]) {
        const up = await stack.up();
        const after = await certificates();
        const changed = devices.filter(name => after.get(name) !== before.get(name)).sort();
        expect(changed).toHaveLength(10);
        expect(changed).toEqual(planned ?? renewed(up.output));
        before = after;
    }
});

test("a device that was revoked by hand is told of, holds up no other, and gets a new key in one up", async () => {
    const declare = (generation: number, count = 6) => fleet({ devices: names("stolen", count).map(name => (name === "stolen-2" ? { name, generation } : name)) });
    const stack = await testStack(server, declare(1));
    await stack.up();
    const before = await bound("stolen-2");
    await command(server.environment, "revoke", "stolen-2");

    const { output } = await stack.preview({ refresh: true });
    expect(output).toMatch(/1 revoked, \d unchanged \(revoked: stolen-2\); a revoked certificate is never bound again: set generation: 2 on the device/);
    stack.program = declare(1, 7);
    expect(await failure(stack.up({ refresh: true }))).toMatch(/device "stolen-2": its certificate was revoked on 20.* and is never bound again: set generation: 2 on the device to have a new key and certificate issued, or take it out of the list/);
    expect(await bound("stolen-6")).toMatch(/^[0-9a-f]{64}$/);
    expect(await bound("stolen-2")).toBe("ACCESS_TOKEN");

    stack.program = declare(2, 7);
    expect((await stack.preview()).output).toMatch(/1 reissued, \d unchanged \(reissued: stolen-2\)/);
    expect((await stack.up()).outputs["summary"]).toMatchObject({ devices: 7, failed: 0 });
    expect(await bound("stolen-2")).toMatch(/^[0-9a-f]{64}$/);
    expect(await bound("stolen-2")).not.toBe(before);
    await stack.preview({ refresh: true, expectNoChanges: true });
});

test("state stays small: certificate and key of a device in one kilobyte", async () => {
    const devices = Array.from({ length: 1000 }, (_, i) => `pump-${String(i).padStart(5, "0")}`);
    const stack = await testStack(server, fleet({ devices }));
    await stack.up();
    const [file] = readdirSync(stack.folder, { recursive: true, encoding: "utf8" }).filter(name => /stacks\/fleet\/[^/]+\.json$/.test(name));
    const state = readFileSync(path.join(stack.folder, file!), "utf8");
    const ciphertexts = [...state.matchAll(/"ciphertext":"([^"]*)"/g)].reduce((sum, [, text]) => sum + text!.length, 0);
    expect(state.length / 1000).toBeLessThanOrEqual(1024);
    expect((state.length - ciphertexts) / 1000).toBeLessThanOrEqual(0.7 * 1024);
});
