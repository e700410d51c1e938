// A certificate that was revoked on a device comes back there by no way: not by a deployment, not by a new certificate for
// the same key, not by a check that goes back to what was before, not by a deployment that had begun already.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DeviceCredentialState, deviceCredential } from "../../../sdk/reconcilers/deviceCredential";
import { bind } from "../../../sdk/reconcilers/fleet/provision";
import { revoke } from "../../../sdk/reconcilers/revoke";
import { revokedAttribute, revokedOf } from "../../../sdk/reconcilers/revoked";
import { rollBack } from "../../../sdk/reconcilers/rollback";
import type { ThingsBoard } from "../../../sdk/thingsboard";
import { readLeaf } from "../../../sdk/x509/leaf";
import { type UnderTest, underTest } from "../../reconcilers/support";
import { openssl, selfSigned } from "../../support/openssl";

let tb: UnderTest;
let folder: string;
beforeAll(async () => {
    tb = await underTest();
    folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-revocation-"));
});
afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await tb.stop();
});

const pace = { now: Date.now, sleep: (time: number) => sleep(time / 20) };
const reconciler = (thingsboard: ThingsBoard = tb.thingsboard) => deviceCredential(() => ({ ...tb.server, thingsboard }), () => new Date(), () => undefined);

async function deviceNamed(name: string): Promise<string> {
    const device = await tb.thingsboard.createDevice({ name }, () => false);
    return device.id.id;
}
const inputs = (name: string, certificatePem: string) => ({ deviceName: name, certificatePem, declaredBy: `project/stack/${name}` });
const held = async (id: string) => (await tb.thingsboard.credentials(id))!;

/** Two certificates for one key, as a renewal that keeps the key makes them. */
function twoForOneKey(name: string): readonly [string, string] {
    const key = path.join(folder, `${name}.key`);
    writeFileSync(key, openssl(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"]), { mode: 0o600 });
    const issue = () => execFileSync("openssl", ["req", "-x509", "-key", key, "-days", "30", "-subj", `/CN=${name}`], { encoding: "utf8", stdio: "pipe" });
    return [issue(), issue()];
}

test("a new certificate for a stolen key is refused, by name and time, also in preview", async () => {
    const id = await deviceNamed("same-key");
    const [first, second] = twoForOneKey("same-key");
    const made = await reconciler().create(inputs("same-key", first));
    const { at } = await revoke(tb.thingsboard, "same-key", pace);
    await expect(reconciler().update(made.id, made.outs as DeviceCredentialState, inputs("same-key", second))).rejects.toThrow(`device "same-key": the key of this certificate was revoked on ${at}, with an earlier certificate, and is never bound again`);
    await expect(reconciler().create({ ...inputs("same-key", second), adopt: true })).rejects.toThrow("the key of this certificate was revoked");
    expect((await held(id)).credentialsType).toBe("ACCESS_TOKEN");
    // What `refresh` found lets preview say it, also after a second one.
    let seen = await reconciler().read(made.id, made.outs);
    for (let refresh = 1; refresh <= 2; refresh++) {
        if (!("inputs" in seen) || !seen.inputs) throw new Error("nothing was read");
        const { failures } = await reconciler().check(seen.inputs, inputs("same-key", second));
        expect(failures?.map(({ reason }) => reason)).toContainEqual(expect.stringContaining(`the key of this certificate was revoked on ${at}`));
        seen = await reconciler().read(made.id, seen.props);
    }
    // A new key is all it takes.
    await reconciler().update(made.id, made.outs as DeviceCredentialState, inputs("same-key", selfSigned("same-key")));
    expect((await held(id)).credentialsType).toBe("X509_CERTIFICATE");
});

test("a fleet refuses it as well", async () => {
    const id = await deviceNamed("of-a-fleet");
    const [first, second] = twoForOneKey("of-a-fleet");
    const device = { id: { entityType: "DEVICE" as const, id }, name: "of-a-fleet" };
    const identity = (pem: string) => ({ certificate: readLeaf(pem).base64Der, notAfter: readLeaf(pem).notAfter.toISOString(), from: {} }) satisfies Parameters<typeof bind>[2];
    await bind(tb.thingsboard, device, identity(first));
    await revoke(tb.thingsboard, "of-a-fleet", pace);
    await expect(bind(tb.thingsboard, device, identity(first))).rejects.toThrow("this certificate was revoked on");
    await expect(bind(tb.thingsboard, device, identity(second))).rejects.toThrow("the key of this certificate was revoked on");
    expect((await held(id)).credentialsType).toBe("ACCESS_TOKEN");
});

test("a publish check that goes back to the certificate of before does not go back to a revoked one", async () => {
    const id = await deviceNamed("rolled-back");
    const [before, after] = [selfSigned("rolled-back"), selfSigned("rolled-back")];
    const made = await reconciler().create(inputs("rolled-back", before));
    await revoke(tb.thingsboard, "rolled-back", pace);
    await reconciler().update(made.id, made.outs as DeviceCredentialState, inputs("rolled-back", after));
    const from = readLeaf(after).credentialsId;
    expect(await rollBack(tb.thingsboard, { deviceId: id, from, toPem: before })).toBe("revoked");
    expect((await held(id)).credentialsId).toBe(from);
});

test("a deployment that had read the device before it was revoked does not bind it afterwards", async () => {
    const id = await deviceNamed("overtaken");
    const certificate = selfSigned("overtaken");
    const made = await reconciler().create(inputs("overtaken", certificate));
    // Revoked between the deployment's last look and its write, by a person who is faster.
    let revoked: Promise<unknown> | undefined;
    const slow: ThingsBoard = {
        ...tb.thingsboard,
        about: () => slow,
        saveCredentials: async row => {
            await (revoked ??= revoke(tb.thingsboard, "overtaken", pace));
            return tb.thingsboard.saveCredentials(row);
        },
    };
    await expect(reconciler(slow).create({ ...inputs("overtaken", certificate), adopt: true })).rejects.toThrow("this certificate was revoked on");
    expect((await held(id)).credentialsType).toBe("ACCESS_TOKEN");
    expect(made.id).not.toBe("");
});

test("what is noted is the certificate and its key, beside what was noted before; without a readable certificate its id alone", async () => {
    const id = await deviceNamed("noted");
    await tb.thingsboard.saveAttributes(id, { [revokedAttribute]: { earlier: "2026-01-01T00:00:00Z" } });
    const certificate = selfSigned("noted");
    await reconciler().create(inputs("noted", certificate));
    const { at, credentialsId } = await revoke(tb.thingsboard, "noted", pace);
    const notes = await revokedOf(tb.thingsboard, id);
    expect(Object.keys(notes).sort()).toEqual([credentialsId, "earlier", expect.stringMatching(/^key:[0-9a-f]{64}$/)].sort((a, b) => String(a).localeCompare(String(b))));
    expect(notes[credentialsId]).toBe(at);
    await tb.thingsboard.saveCredentials({ ...(await held(id)), credentialsType: "X509_CERTIFICATE", credentialsId: "hello", credentialsValue: "hello" });
    const second = await revoke(tb.thingsboard, "noted", pace);
    expect(Object.keys(await revokedOf(tb.thingsboard, id))).toHaveLength(4);
    expect(second.credentialsId).toMatch(/^[0-9a-f]{64}$/);
});
