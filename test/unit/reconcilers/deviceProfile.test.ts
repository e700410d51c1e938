// A device profile against the emulator, without an engine: crashes, races and drift.

import { afterAll, beforeAll, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../../sdk/emulator";
import { deviceProfile, type DeviceProfileInputs } from "../../../sdk/reconcilers/deviceProfile";
import { emptyProfile } from "../../../sdk/reconcilers/deviceProfileContent";
import type { Server } from "../../../sdk/reconcilers/server";
import { connect, type ThingsBoard } from "../../../sdk/thingsboard";
import { rootAuthority } from "../../support/openssl";

let emulator: Emulator;
let thingsboard: ThingsBoard;
beforeAll(async () => {
    emulator = await startEmulator();
    thingsboard = connect({ url: emulator.restUrl, credentials: { apiKey: emulator.apiKey } });
});
afterAll(() => emulator.stop());

const reconciler = () => deviceProfile(() => ({ thingsboard, mqtt: { host: "", port: 0 }, restHost: "", restVerified: true }) satisfies Server, () => new Date());
const x509Chain = { certificatePem: rootAuthority("Root").certificatePem, commonNamePattern: "(.*)\\.example", createDevices: true };
const inputs = (name: string, more: Partial<DeviceProfileInputs> = {}): DeviceProfileInputs => ({ name, declaredBy: `fleet/dev/${name}`, ...more });

test("a create that is repeated after a crash finds its own; another stack's needs adopt", async () => {
    const made = await reconciler().create(inputs("again"));
    const again = await reconciler().create(inputs("again"));
    expect(again.id).toBe(made.id);
    expect(again.outs).toMatchObject({ adopted: false });
    // The first one's claim is gone: its delete leaves the profile to the second.
    await reconciler().delete(made.id, made.outs!);
    expect(await thingsboard.deviceProfile(made.id)).toBeDefined();
    await expect(reconciler().create(inputs("again", { declaredBy: "other/dev/again" }))).rejects.toThrow("belongs to fleet/dev/again (project/stack/resource): set adopt: true");
    const adopted = await reconciler().create(inputs("again", { declaredBy: "other/dev/again", adopt: true }));
    await reconciler().delete(adopted.id, adopted.outs!);
    expect(await thingsboard.deviceProfile(made.id)).toMatchObject({ description: "" });
});

test("an answer that got lost makes no second one", async () => {
    emulator.faults.set({ rest: [{ method: "POST", path: "/api/deviceProfile", drop: "after", times: 1 }] });
    const made = await reconciler().create(inputs("lost", { x509Chain }));
    expect(await thingsboard.deviceProfileByName("lost")).toMatchObject({ id: { id: made.id } });
    await reconciler().delete(made.id, made.outs!);
    expect(await thingsboard.deviceProfileByName("lost")).toBeUndefined();
});

test("drift in words, the same after a second refresh; onDrift fail stops; a strategy that somebody switched on is seen", async () => {
    const wanted = inputs("drifting", { description: "ours", onDrift: "fail" });
    const made = await reconciler().create(wanted);
    const found = (await thingsboard.deviceProfile(made.id))!;
    await thingsboard.saveDeviceProfile({
        ...found,
        description: "theirs",
        provisionType: "X509_CERTIFICATE_CHAIN",
        profileData: { ...found.profileData, provisionConfiguration: { type: "X509_CERTIFICATE_CHAIN", provisionDeviceSecret: rootAuthority("Theirs").certificatePem, certificateRegExPattern: "(.*)", allowCreateNewDevicesByX509Certificate: true } },
    });
    let state = made.outs!;
    for (let refresh = 0; refresh < 2; refresh++) {
        const read = await reconciler().read(made.id, state);
        if (!("props" in read)) throw new Error("gone");
        state = read.props;
        expect(read.inputs!.changedElsewhere).toEqual({ description: '"theirs", was "ours"', x509Chain: "switched on, with pattern (.*)" });
        const { failures } = await reconciler().check(read.inputs!, wanted);
        expect(failures).toEqual([{ property: "onDrift", reason: expect.stringContaining('device profile "drifting" was changed on ThingsBoard, and onDrift is "fail"') as string }]);
    }
    expect(await reconciler().diff(made.id, state, wanted)).toEqual({});
    const { outs } = await reconciler().update(made.id, state, wanted);
    expect(await thingsboard.deviceProfile(made.id)).toMatchObject({ provisionType: "DISABLED", description: expect.stringMatching(/^ours\n/) as string });
    const clean = await reconciler().read(made.id, outs);
    expect("inputs" in clean && clean.inputs).toEqual(wanted);
});

test("a public authority that only the server knows as one is refused in the server's words and ours", async () => {
    const message = "Device profile certificate cannot be well known root CA!";
    emulator.faults.set({ rest: [{ method: "POST", path: "/api/deviceProfile", status: 400, body: JSON.stringify({ status: 400, message, errorCode: 31, timestamp: 1 }), times: 1 }] });
    await expect(reconciler().create(inputs("public", { x509Chain }))).rejects.toThrow(
        /device profile "public".*Device profile certificate cannot be well known root CA!.*whoever gets a certificate from a public authority could enrol: use a CA of your own/,
    );
    emulator.faults.set({ rest: [] });
    expect(await thingsboard.deviceProfileByName("public")).toBeUndefined();
});

test("the chain strategy is refused for an adopted profile whose transport would not honour it", async () => {
    const theirs = emptyProfile("coap");
    const { id } = await thingsboard.createDeviceProfile({ ...theirs, transportType: "COAP", profileData: { ...theirs.profileData, transportConfiguration: { type: "COAP" } } }, () => false);
    await expect(reconciler().create(inputs("coap", { adopt: true, x509Chain }))).rejects.toThrow('device profile "coap": ThingsBoard stores the X.509 chain strategy for transport COAP, but never honours it: it works for "DEFAULT" and "MQTT"');
    expect(await thingsboard.deviceProfile(id.id)).toMatchObject({ transportType: "COAP", provisionType: "DISABLED" });
});
