// The days after `up`: drift that stops a deployment, swaps, revoked certificates, two resources that want the same.

import { afterAll, beforeAll, expect, test } from "vitest";
import { selfSigned } from "../support/openssl";
import { emulated, own } from "./support/live";
import { failure, tb, testStack } from "./support/stack";
import { type RemoteDevice, type ThingsBoardUnderTest, switchToCertificate, switchToToken, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

const byHand = async (name: string) => (await server.call<{ id: { id: string } }>("POST", "/api/device", { name })).id.id;

const bound = async (deviceId: string) => {
    const { credentialsType, credentialsId } = await server.credentials(deviceId);
    return credentialsType === "X509_CERTIFICATE" ? credentialsId : credentialsType;
};

test("drift of a credential says in words what is there, and onDrift fail stops the deployment with it", async () => {
    const deviceId = await byHand(own("guarded"));
    const declare = (onDrift: "repair" | "fail") => async () => void new tb.DeviceCredential("c", { deviceName: own("guarded"), certificatePem: pem, onDrift });
    const pem = selfSigned("guarded");
    const stack = await testStack(server, declare("fail"));
    await stack.up();
    const wanted = await bound(deviceId);
    await switchToCertificate(server, deviceId, selfSigned("an intruder"));
    const theirs = await bound(deviceId);

    const text = await failure(stack.preview({ refresh: true }));
    expect(text).toContain(`device "${own("guarded")}" was changed on ThingsBoard, and onDrift is "fail": certificatePem is now the certificate "CN=an intruder" (SHA-256 `);
    await stack.refresh();
    await stack.refresh();
    expect(await failure(stack.up())).toContain('onDrift is "fail"');
    expect(await bound(deviceId)).toBe(theirs);

    stack.program = declare("repair");
    await stack.up();
    expect(await bound(deviceId)).toBe(wanted);
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 2 });
});

test("drift of a device that somebody has put right by hand is no drift any more", async () => {
    const stack = await testStack(server, async () => void new tb.Device("d", { name: own("put-right"), label: "right", onDrift: "fail" }));
    await stack.up();
    const relabel = async (label: string) => server.call("POST", "/api/device", { ...(await server.deviceByName(own("put-right")))!, label });
    await relabel("wrong");
    await stack.refresh();
    await stack.refresh();
    expect(await failure(stack.up())).toContain(`device "${own("put-right")}" was changed on ThingsBoard, and onDrift is "fail": label is now "wrong"`);
    await relabel("right");
    await stack.refresh();
    expect((await stack.up()).changes).toEqual({ same: 2 });
});

test("two devices swap their certificates in one up, also where the engine makes one change at a time", async () => {
    const [one, two] = [await byHand(own("swap-one")), await byHand(own("swap-two"))];
    const pems = [selfSigned("one"), selfSigned("two")] as const;
    const declare = (first: string, second: string) => async () => {
        new tb.DeviceCredential("one", { deviceName: own("swap-one"), certificatePem: first });
        new tb.DeviceCredential("two", { deviceName: own("swap-two"), certificatePem: second });
    };
    const stack = await testStack(server, declare(pems[0], pems[1]));
    await stack.up();
    const before = [await bound(one), await bound(two)];

    for (const [program, parallel, after] of [
        [declare(pems[1], pems[0]), 1, [before[1], before[0]]],
        [declare(pems[0], pems[1]), 16, before],
    ] as const) {
        stack.program = program;
        await stack.up({ parallel });
        expect([await bound(one), await bound(two)]).toEqual(after);
        expect((await stack.preview({ refresh: true, expectNoChanges: true, parallel })).changes).toEqual({ same: 3 });
    }
    for (const { inputs, outputs } of await stack.resources()) expect([inputs, outputs]).not.toContainEqual(expect.objectContaining({ others: expect.anything() as unknown }));
    await stack.destroy();
    expect([await bound(one), await bound(two)]).toEqual(["ACCESS_TOKEN", "ACCESS_TOKEN"]);
});

test("three devices pass their certificates round, one change at a time, and each publishes with its new one", async () => {
    const names = ["a", "b", "c"].map(letter => own(`round-${letter}`));
    const declare = (turn: number) => async () => {
        const certificates = names.map(name => new tb.DeviceCertificate(name, { commonName: name }));
        const devices = names.map(name => new tb.Device(name, { name }));
        devices.forEach((device, index) => {
            const certificate = certificates[(index + turn) % names.length]!;
            const credential = new tb.DeviceCredential(names[index]!, { device, certificate });
            new tb.PublishCheck(names[index]!, { credential, certificate });
        });
    };
    const stack = await testStack(server, declare(0));
    await stack.up();
    const ids = await Promise.all(names.map(async name => (await server.deviceByName(name))!.id.id));
    const before = await Promise.all(ids.map(bound));
    stack.program = declare(1);
    await stack.up({ parallel: 1 });
    expect(await Promise.all(ids.map(bound))).toEqual([before[1], before[2], before[0]]);
    await stack.preview({ refresh: true, expectNoChanges: true });
});

test("a revoked certificate is never bound again: not after a refresh, not by a new resource", async () => {
    const deviceId = await byHand(own("revoked"));
    const pem = selfSigned("revoked");
    const declare = (name: string, certificatePem = pem) => async () => void new tb.DeviceCredential(name, { deviceName: own("revoked"), certificatePem });
    const stack = await testStack(server, declare("c"));
    await stack.up();
    const revoked = await bound(deviceId);
    await switchToToken(server, deviceId);
    await server.call("POST", `/api/plugins/telemetry/DEVICE/${deviceId}/attributes/SERVER_SCOPE`, { pulumiRevoked: { [revoked]: "2026-11-24T10:00:00.000Z" } });

    const sentence = `device "${own("revoked")}": this certificate was revoked on 2026-11-24T10:00:00.000Z and is never bound again: issue a new key and certificate`;
    expect(await failure(stack.preview({ refresh: true }))).toContain(sentence);
    await stack.refresh();
    expect(await failure(stack.up())).toContain(sentence);
    const other = await testStack(server, declare("other"));
    expect(await failure(other.up())).toContain(sentence);
    expect(await bound(deviceId)).toBe("ACCESS_TOKEN");

    stack.program = declare("c", selfSigned("revoked"));
    await stack.up();
    expect(await bound(deviceId)).toMatch(/^[0-9a-f]{64}$/);
});

test("two credentials for one device are refused in preview", async () => {
    await byHand(own("contested"));
    const stack = await testStack(server, async () => {
        new tb.DeviceCredential("a", { deviceName: own("contested"), certificatePem: selfSigned("a") });
        new tb.DeviceCredential("b", { deviceName: own("contested"), certificatePem: selfSigned("b") });
    });
    expect(await failure(stack.preview())).toContain(`device "${own("contested")}": two resources of this program bind a certificate to it`);
});

test("nor are they one by the name and one by the id, or a fleet and a single one; nor is a certificate that both have", async () => {
    const deviceId = await byHand(own("by-two-names"));
    const certificatePem = selfSigned("twice");
    const stack = await testStack(server, async () => {
        new tb.DeviceFleet("f", { devices: [own("by-two-names"), { name: own("of-the-fleet"), certificatePem }], batches: 1, adopt: true });
        new tb.DeviceCredential("a", { deviceName: own("by-two-names"), certificatePem });
    });
    const said = await failure(stack.preview());
    expect(said).toContain(`device "${own("by-two-names")}": two resources of this program bind a certificate to it, also fleet/`);
    expect(said).toMatch(new RegExp(`certificatePem is also the certificate of device "${own("(of-the-fleet|by-two-names)")}" in this program`));

    stack.program = async () => {
        new tb.DeviceCredential("a", { deviceName: own("by-two-names"), certificatePem });
        new tb.DeviceCredential("b", { deviceId, certificatePem: selfSigned("b") });
    };
    expect(await failure(stack.up())).toMatch(new RegExp(`device "${own("by-two-names")}": two resources of this program bind a certificate to it, also fleet/\\S+/[ab]: a device has one credential`));
});

test("a certificate whose DeviceCredential is no longer declared is not taken from its device: an alias moves it in one up", async () => {
    const [from, to] = [await byHand(own("moves-from")), await byHand(own("moves-to"))];
    const certificatePem = selfSigned(own("moves-from"));
    const stack = await testStack(server, async () => void new tb.DeviceCredential("old", { deviceName: own("moves-from"), certificatePem }));
    await stack.up();
    const credentialsId = await bound(from);
    stack.program = async () => void new tb.DeviceCredential("new", { deviceName: own("moves-to"), certificatePem });
    const said = await failure(stack.up());
    expect(said).toContain(`device "${own("moves-to")}": its certificate is bound to device "${own("moves-from")}" by fleet/`);
    expect(said).toContain('give this one the option aliases: [{ name: "old" }], by which it takes the other\'s place');
    expect([await bound(from), await bound(to)]).toEqual([credentialsId, "ACCESS_TOKEN"]);

    stack.program = async () => void new tb.DeviceCredential("new", { deviceName: own("moves-to"), certificatePem }, { aliases: [{ name: "old" }] });
    expect((await stack.up()).changes).toEqual({ same: 1, update: 1 });
    expect([await bound(from), await bound(to)]).toEqual(["ACCESS_TOKEN", credentialsId]);
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 2 });
});

test("a private key in the place of the certificate is named, and shown nowhere", async () => {
    await byHand(own("mixed-up"));
    const key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgcanary\n-----END PRIVATE KEY-----\n";
    const stack = await testStack(server, async () => void new tb.DeviceCredential("c", { deviceName: own("mixed-up"), certificatePem: key }));
    const text = await failure(stack.preview());
    expect(text).toContain("found a private key (PRIVATE KEY): give the certificate, and keep the key to the device");
    expect(text + (await failure(stack.up())) + stack.rawState()).not.toContain("MIGHAgEAMBMG");
});

test("a device that exists is looked up by name or by id, and left alone", async () => {
    const deviceId = await byHand(own("looked-up"));
    const stack = await testStack(server, async () => {
        const byName = tb.Device.get("by-name", own("looked-up"));
        const byId = tb.Device.get("by-id", deviceId);
        const credential = new tb.DeviceCredential("c", { device: byName, certificatePem: selfSigned("looked-up") });
        return { byName: byName.deviceId, byId: byId.name, deviceId: credential.deviceId };
    });
    expect((await stack.up()).outputs).toEqual({ byName: deviceId, byId: own("looked-up"), deviceId });
    await stack.destroy();
    expect(await server.deviceByName(own("looked-up"))).toBeDefined();
    stack.program = async () => void tb.Device.get("nobody", own("not-there"));
    expect(await failure(stack.up())).toContain(`device "${own("not-there")}" does not exist on this ThingsBoard`);
});

test("destroy succeeds when device, profile and server memory are gone already, and without the program", async () => {
    const stack = await testStack(server, async () => {
        const deviceProfile = new tb.DeviceProfile("p", { name: own("gone") });
        const device = new tb.Device("d", { name: own("gone"), deviceProfile });
        new tb.DeviceCredential("c", { device, certificatePem: selfSigned("gone") });
    });
    await stack.up();
    const { id, deviceProfileId } = (await server.deviceByName(own("gone"))) as RemoteDevice & { deviceProfileId: { id: string } };
    await server.call("DELETE", `/api/device/${id.id}`);
    await server.call("DELETE", `/api/deviceProfile/${deviceProfileId.id}`);
    stack.program = async () => {
        throw new Error("the program is not run");
    };
    await stack.destroy();
    expect(await stack.resources()).toEqual([]);
});

emulated.test("somebody who saves at the same moment is not overwritten blindly", async () => {
    const stack = await testStack(server, async () => void new tb.Device("d", { name: own("busy"), label: "one" }));
    await stack.up();
    const device = (await server.deviceByName(own("busy")))!;
    // The first save is answered with ThingsBoard's conflict; the device is read again and keeps what others set.
    await server.call("POST", "/api/device", { ...device, additionalInfo: { ...device.additionalInfo, theirs: 1 } });
    server.emulator.faults.set({
        rest: [{ method: "POST", path: "/api/device", times: 2, status: 409, body: JSON.stringify({ status: 409, message: "Device was already changed by someone else", errorCode: 35, timestamp: Date.now() }) }],
    });
    stack.program = async () => void new tb.Device("d", { name: own("busy"), label: "two" });
    await stack.up();
    server.emulator.faults.clear();
    expect(await server.deviceByName(own("busy"))).toMatchObject({ label: "two", additionalInfo: { theirs: 1 } });
});

test("ignoreServerRotation: a leaf that ThingsBoard bound under a chain profile is no drift, a token still is", async () => {
    const provisionConfiguration = {
        type: "X509_CERTIFICATE_CHAIN",
        provisionDeviceSecret: selfSigned(own("an authority")),
        certificateRegExPattern: "(.*)",
        allowCreateNewDevicesByX509Certificate: false,
    };
    const profile = await server.call<{ id: { id: string } }>("POST", "/api/deviceProfile", {
        name: own("chain"),
        type: "DEFAULT",
        transportType: "DEFAULT",
        provisionType: "X509_CERTIFICATE_CHAIN",
        profileData: { configuration: { type: "DEFAULT" }, transportConfiguration: { type: "DEFAULT" }, provisionConfiguration, alarms: null },
    });
    const name = own("rotated-by-server");
    const { id } = await server.call<{ id: { id: string } }>("POST", "/api/device", { name, deviceProfileId: profile.id });
    const pem = selfSigned(name);
    const stack = await testStack(server, async () => void new tb.DeviceCredential("c", { deviceName: name, certificatePem: pem, ignoreServerRotation: true }));
    await stack.up();
    await switchToCertificate(server, id.id, selfSigned(name));
    await stack.preview({ refresh: true, expectNoChanges: true });
    await switchToToken(server, id.id);
    expect((await stack.preview({ refresh: true })).changes).toMatchObject({ update: 1 });
    await server.call("DELETE", `/api/device/${id.id}`);
    await server.call("DELETE", `/api/deviceProfile/${profile.id.id}`);
});

test("a credential goes with its device, where that is declared to be deleted", async () => {
    const name = own("deleted-with");
    const stack = await testStack(server, async () => {
        const device = new tb.Device("d", { name, onDelete: "delete" });
        new tb.DeviceCredential("c", { device, certificatePem: selfSigned(name) });
    });
    await stack.up();
    await stack.destroy();
    expect(await server.deviceByName(name)).toBeUndefined();
    expect(await stack.resources()).toEqual([]);
});
