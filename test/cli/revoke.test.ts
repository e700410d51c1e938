// `pulumi-thingsboard revoke`: what it does to the device, what it says, and what it can't do.

import { spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Emulator, startEmulator } from "../../sdk/emulator";
import { deviceCredential } from "../../sdk/reconcilers/deviceCredential";
import { revoke } from "../../sdk/reconcilers/revoke";
import type { Server } from "../../sdk/reconcilers/server";
import { connect as connectRest, type ThingsBoard } from "../../sdk/thingsboard";
import { bind, connect, makeCert, type Rest, restOf, TELEMETRY } from "../emulator/support";

let emulator: Emulator;
let rest: Rest;
let thingsboard: ThingsBoard;
beforeAll(async () => {
    emulator = await startEmulator();
    rest = restOf(emulator);
    thingsboard = connectRest({ url: emulator.restUrl, credentials: { apiKey: emulator.apiKey } });
});
afterEach(() => emulator.faults.set({ keepSessions: false, registrationDelay: 0 }));
afterAll(() => emulator.stop());

/** Waits a tenth of what it is asked for: the emulator is quicker than a real server. */
const pace = { now: Date.now, sleep: (time: number) => sleep(time / 10) };

const credentials = async (id: string) => (await rest("GET", `/api/device/${id}/credentials`)).body as { credentialsType: string; credentialsId: string };
const revokedOn = async (id: string) => ((await rest("GET", `/api/plugins/telemetry/DEVICE/${id}/values/attributes/SERVER_SCOPE?keys=pulumiRevoked`)).body as { value: Record<string, string> }[])[0]?.value;

test("the certificate is released, noted, and its session closed; an earlier note stays", async () => {
    const certificate = makeCert({ cn: "pump-1" });
    const id = await bind(rest, "pump-1", certificate);
    await rest("POST", `/api/plugins/telemetry/DEVICE/${id}/attributes/SERVER_SCOPE`, { pulumiRevoked: { before: "2026-01-01T00:00:00.000Z" } });
    const device = await connect(emulator, { certificate });
    expect(device.connack).toBe(0);

    const done = await revoke(thingsboard, "pump-1", pace);
    expect(done).toMatchObject({ deviceId: id, credentialsId: certificate.id, recorded: true, session: "closed", boundAgain: false });
    expect(done).not.toHaveProperty("chainProfile");
    expect(await credentials(id)).toMatchObject({ credentialsType: "ACCESS_TOKEN" });
    expect(await revokedOn(id)).toMatchObject({ before: "2026-01-01T00:00:00.000Z", [certificate.id]: done.at });
    expect(await device.closed()).not.toBe("open");
    expect((await connect(emulator, { certificate })).connack).toBe(5);

    const server: Server = { thingsboard, mqtt: { host: "", port: 0 }, restHost: "", restVerified: true };
    const deployment = deviceCredential(() => server, () => new Date(), () => undefined).create({ deviceName: "pump-1", certificatePem: certificate.pem, adopt: true, declaredBy: "fleet/dev/pump-1" });
    await expect(deployment).rejects.toThrow(`device "pump-1": this certificate was revoked on ${done.at} and is never bound again`);
    await expect(revoke(thingsboard, "pump-1", pace)).rejects.toThrow('device "pump-1" holds no certificate, but credentials of type ACCESS_TOKEN: there is nothing to revoke');
});

test("a session that the platform took note of too late is ended by a second change", async () => {
    const certificate = makeCert({ cn: "pump-2" });
    const id = await bind(rest, "pump-2", certificate);
    emulator.faults.set({ registrationDelay: 150 });
    const device = await connect(emulator, { certificate });
    expect(await revoke(thingsboard, "pump-2", pace)).toMatchObject({ session: "closed" });
    expect(await device.closed()).not.toBe("open");
    expect(await credentials(id)).toMatchObject({ credentialsType: "ACCESS_TOKEN" });
});

test("a session that can't be ended is told", async () => {
    const certificate = makeCert({ cn: "pump-3" });
    await bind(rest, "pump-3", certificate);
    emulator.faults.set({ keepSessions: true });
    const device = await connect(emulator, { certificate });
    expect(await revoke(thingsboard, "pump-3", pace)).toMatchObject({ session: "open" });
    expect(await device.publish(TELEMETRY, "{}", { qos: 1 })).toBe(0);
    device.end();
});

test("the device may be given by its id, as to explain and publish", async () => {
    const certificate = makeCert({ cn: "pump-8" });
    const id = await bind(rest, "pump-8", certificate);
    expect(await revoke(thingsboard, id, pace)).toMatchObject({ deviceName: "pump-8", deviceId: id, credentialsId: certificate.id });
    expect(await credentials(id)).toMatchObject({ credentialsType: "ACCESS_TOKEN" });
});

test("a note that can't be made does not stop the release", async () => {
    const certificate = makeCert({ cn: "pump-4" });
    const id = await bind(rest, "pump-4", certificate);
    emulator.faults.set({ rest: [{ method: "POST", path: "*/attributes/*", status: 400 }] });
    const done = await revoke(thingsboard, "pump-4", pace);
    emulator.faults.set({ rest: [] });
    expect(done).toMatchObject({ recorded: false, session: "none" });
    expect(await credentials(id)).toMatchObject({ credentialsType: "ACCESS_TOKEN" });
});

test("once the certificate is released, a server that can't be asked any more is no failure of the whole", async () => {
    const certificate = makeCert({ cn: "pump-7" });
    const id = await bind(rest, "pump-7", certificate);
    // The first of these reads is that of earlier notes; of profiles and credentials none comes before the release.
    emulator.faults.set({ rest: [{ method: "GET", path: "*/values/attributes/*", skip: 1, status: 400 }, { method: "GET", path: "/api/deviceProfile/*", status: 400 }] });
    const { code, stdout, stderr } = await command("revoke", "pump-7");
    emulator.faults.set({ rest: [] });
    expect(await credentials(id)).toMatchObject({ credentialsType: "ACCESS_TOKEN" });
    expect(stdout).toContain('Revoked: the certificate of device "pump-7"');
    expect(stdout).toContain("its session     could not be looked at");
    expect(stderr).toMatch(/^warning: whether the session of device "pump-7" is over could not be seen: .*: run "pulumi-thingsboard explain" on it, which says when it was last connected$/m);
    expect(stderr).toContain("warning: whether its profile lets it enrol again by its chain could not be seen: ");
    expect(code).toBe(3);
});

/** The command as it was built. */
async function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const environment = { THINGSBOARD_URL: emulator.restUrl, THINGSBOARD_API_KEY: emulator.apiKey };
    const child = spawn(process.execPath, [path.join(import.meta.dirname, "../../bin/cli/main.js"), ...args], { env: { ...process.env, ...environment } });
    const said = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) child[stream].on("data", (chunk: Buffer) => (said[stream] += chunk.toString()));
    const [code] = (await once(child, "close")) as [number];
    return { code, ...said };
}

test("the command: under a chain profile it warns, since the owner of the key is not shut out", async () => {
    const authority = makeCert({ cn: "Root", ca: true });
    await rest("POST", "/api/deviceProfile", {
        name: "chained", type: "DEFAULT", transportType: "DEFAULT", provisionType: "X509_CERTIFICATE_CHAIN",
        profileData: {
            configuration: { type: "DEFAULT" },
            transportConfiguration: { type: "DEFAULT" },
            provisionConfiguration: { type: "X509_CERTIFICATE_CHAIN", provisionDeviceSecret: authority.pem, certificateRegExPattern: "(.*)", allowCreateNewDevicesByX509Certificate: true },
        },
    });
    const certificate = makeCert({ cn: "pump-5", issuer: authority });
    expect((await connect(emulator, { certificate, chain: [authority] })).connack).toBe(0);
    const { code, stdout, stderr } = await command("revoke", "pump-5");
    expect(stdout).toContain(`Revoked: the certificate of device "pump-5" on ${emulator.restUrl}`);
    expect(stdout).toContain(certificate.id);
    expect(stderr).toContain('profile "chained" has the X.509 chain strategy: releasing one certificate does not shut its owner out');
    expect(code).toBe(0);
    expect(await command("revoke", "nobody")).toMatchObject({ code: 1, stdout: "", stderr: 'device "nobody": ThingsBoard has no device of this name or id, and nothing was changed\n' });
});

test("the command: what is done in part has an exit code of its own", async () => {
    const certificate = makeCert({ cn: "pump-6" });
    const id = await bind(rest, "pump-6", certificate);
    emulator.faults.set({ rest: [{ method: "POST", path: "*/attributes/*", status: 400 }] });
    const { code, stdout, stderr } = await command("revoke", "pump-6", "--json");
    emulator.faults.set({ rest: [] });
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ deviceId: id, recorded: false, warnings: [expect.stringContaining("could not be noted in the device's attribute pulumiRevoked")] });
    expect(stderr).toContain("warning: the certificate could not be noted");
    expect(await credentials(id)).toMatchObject({ credentialsType: "ACCESS_TOKEN" });
});
