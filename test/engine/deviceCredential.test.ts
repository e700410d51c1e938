// The life of one binding on the real engine: what `up`, `preview`, `refresh` and `destroy` do to the device's row.

import { afterAll, beforeAll, expect, test } from "vitest";
import { failure, tb, testStack } from "./support/stack";
import { own } from "./support/live";
import { selfSigned } from "../support/openssl";
import { type ThingsBoardUnderTest, switchToCertificate, switchToToken, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

/** A device that was there before the program, as somebody adds it at the web page. */
async function byHand(name: string): Promise<string> {
    return (await server.call<{ id: { id: string } }>("POST", "/api/device", { name })).id.id;
}

const bound = async (deviceId: string) => {
    const { credentialsType, credentialsId } = await server.credentials(deviceId);
    return credentialsType === "X509_CERTIFICATE" ? credentialsId : credentialsType;
};

test("up binds, a second up and a refresh find nothing to do, destroy revokes", async () => {
    const deviceId = await byHand(own("plain"));
    const pem = selfSigned("plain");
    const stack = await testStack(server, async () => {
        const credential = new tb.DeviceCredential("plain", { deviceName: own("plain"), certificatePem: pem });
        return { credentialsId: credential.credentialsId, deviceId: credential.deviceId };
    });
    const up = await stack.up();
    expect(up.outputs).toEqual({ credentialsId: await bound(deviceId), deviceId });
    expect((await stack.up()).changes).toEqual({ same: 2 });
    expect((await stack.refresh()).changes).toEqual({ same: 2 });
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 2 });
    await stack.destroy();
    expect(await bound(deviceId)).toBe("ACCESS_TOKEN");
});

test("a logical rename, --target-replace and another Provider leave the device bound", async () => {
    const deviceId = await byHand(own("renamed"));
    const pem = selfSigned("renamed");
    const declare = (name: string, provider?: string) => async () => {
        const opts = provider === undefined ? {} : { provider: new tb.Provider(provider, { ...server.provider, mqttHost: server.mqtts.host }) };
        const credential = new tb.DeviceCredential(name, { deviceName: own("renamed"), certificatePem: pem }, opts);
        return { urn: credential.urn };
    };
    const stack = await testStack(server, declare("one"));
    const urn = (await stack.up()).outputs["urn"] as string;
    const wanted = await bound(deviceId);
    expect(wanted).toMatch(/^[0-9a-f]{64}$/);

    stack.program = declare("two");
    expect((await stack.up()).changes).toMatchObject({ create: 1, delete: 1 });
    expect(await bound(deviceId)).toBe(wanted);

    const replaced = await stack.up({ replace: [urn.replace(/one$/, "two")] });
    expect(replaced.changes).toMatchObject({ replace: 1 });
    expect(await bound(deviceId)).toBe(wanted);

    stack.program = declare("two", "other");
    await stack.up();
    expect(await bound(deviceId)).toBe(wanted);
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).not.toHaveProperty("update");

    await stack.destroy();
    expect(await bound(deviceId)).toBe("ACCESS_TOKEN");
});

test("moving to another device is an update that releases the first, and back", async () => {
    const [first, second] = [await byHand(own("from")), await byHand(own("to"))];
    const pem = selfSigned("moving");
    const on = (deviceName: string) => async () => void new tb.DeviceCredential("moving", { deviceName, certificatePem: pem });
    const stack = await testStack(server, on(own("from")));
    await stack.up();
    const wanted = await bound(first);

    stack.program = on(own("to"));
    expect((await stack.up()).changes).toEqual({ same: 1, update: 1 });
    expect([await bound(first), await bound(second)]).toEqual(["ACCESS_TOKEN", wanted]);

    stack.program = on(own("from"));
    await stack.up();
    expect([await bound(first), await bound(second)]).toEqual([wanted, "ACCESS_TOKEN"]);
});

test("moving to a device that does not exist is refused, and the old binding stays ours", async () => {
    const deviceId = await byHand(own("stays"));
    const pem = selfSigned("stays");
    const on = (deviceName: string) => async () => void new tb.DeviceCredential("stays", { deviceName, certificatePem: pem });
    const stack = await testStack(server, on(own("stays")));
    await stack.up();
    const wanted = await bound(deviceId);

    stack.program = on(own("nowhere"));
    expect(await failure(stack.up())).toContain(`device "${own("nowhere")}": ThingsBoard has no device of this name`);
    expect(await bound(deviceId)).toBe(wanted);

    stack.program = on(own("stays"));
    await stack.up();
    await stack.destroy();
    expect(await bound(deviceId)).toBe("ACCESS_TOKEN");
});

test("a change by hand is drift: shown per property, mended by up, also after two refreshes", async () => {
    const deviceId = await byHand(own("drifting"));
    const pem = selfSigned("drifting");
    const stack = await testStack(server, async () => void new tb.DeviceCredential("drifting", { deviceName: own("drifting"), certificatePem: pem }));
    await stack.up();
    const wanted = await bound(deviceId);

    await switchToToken(server, deviceId);
    const preview = await stack.preview({ refresh: true });
    expect(preview.changes).toMatchObject({ update: 1 });
    expect(preview.output).toContain("(ACCESS_TOKEN)");
    expect(await failure(stack.preview({ refresh: true, expectNoChanges: true }))).toContain("no changes were expected");

    await stack.refresh();
    await stack.refresh();
    expect((await stack.up()).changes).toMatchObject({ update: 1 });
    expect(await bound(deviceId)).toBe(wanted);

    await switchToCertificate(server, deviceId, selfSigned("somebody else"));
    expect((await stack.up({ refresh: true })).changes).toMatchObject({ update: 1 });
    expect(await bound(deviceId)).toBe(wanted);
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 2 });
});

test("destroy leaves what somebody else has bound", async () => {
    const deviceId = await byHand(own("taken-over"));
    const stack = await testStack(server, async () => void new tb.DeviceCredential("x", { deviceName: own("taken-over"), certificatePem: selfSigned("ours") }));
    await stack.up();
    await switchToCertificate(server, deviceId, selfSigned("theirs"));
    const theirs = await bound(deviceId);
    await stack.refresh();
    await stack.destroy();
    expect(await bound(deviceId)).toBe(theirs);
});

test("what is no certificate is named in preview", async () => {
    const deviceId = await byHand(own("bad-input"));
    const stack = await testStack(server, async () => void new tb.DeviceCredential("bad", { deviceName: own("bad-input"), certificatePem: "hello" }));
    expect(await failure(stack.preview())).toContain(`device "${own("bad-input")}": certificatePem: expected one PEM certificate, found no PEM block`);
    expect(await failure(stack.up())).toContain("found no PEM block");
    expect(await bound(deviceId)).toBe("ACCESS_TOKEN");
});

test("a device in use is taken over only with adopt", async () => {
    const deviceId = await byHand(own("in-use"));
    await switchToCertificate(server, deviceId, selfSigned("in-use before"));
    const before = await bound(deviceId);
    const pem = selfSigned("in-use");
    const declare = (adopt: boolean) => async () => void new tb.DeviceCredential("in-use", { deviceName: own("in-use"), certificatePem: pem, adopt });
    const stack = await testStack(server, declare(false));
    const text = await failure(stack.up());
    expect(text).toContain(`device "${own("in-use")}" was not made by this stack and holds another certificate`);
    expect(text).toContain("set adopt: true");
    expect(await bound(deviceId)).toBe(before);

    stack.program = declare(true);
    expect((await stack.preview()).output).toContain(`device "${own("in-use")}" holds another certificate (credentialsId ${before}): it is replaced, which cuts off whoever uses it`);
    await stack.up();
    expect(await bound(deviceId)).not.toBe(before);
});

test("devices with a token in use, or with MQTT basic credentials, are taken over only with adopt; the same put back there is drift", async () => {
    const token = own("token");
    const basic = own("basic");
    const ids = [await byHand(token), await byHand(basic)] as const;
    await server.call("POST", `/api/plugins/telemetry/DEVICE/${ids[0]}/attributes/SERVER_SCOPE`, { lastConnectTime: Date.UTC(2026, 0, 1) });
    const put = async (deviceId: string, row: object) => server.call("POST", "/api/device/credentials", { ...(await server.credentials(deviceId)), ...row });
    await put(ids[1], { credentialsType: "MQTT_BASIC", credentialsId: null, credentialsValue: JSON.stringify({ clientId: basic, userName: "u", password: "p" }) });
    const before = await Promise.all(ids.map(id => server.credentials(id)));
    const held = [`device "${token}" was not made by this stack and holds an access token with which it last connected on 2026-01-01T00:00:00.000Z`, `device "${basic}" was not made by this stack and holds MQTT basic credentials`];

    const pems = [selfSigned(token), selfSigned(basic)] as const;
    const declare = (adopt: boolean) => async () => {
        new tb.DeviceCredential("token", { deviceName: token, certificatePem: pems[0], adopt });
        new tb.DeviceCredential("basic", { deviceName: basic, certificatePem: pems[1], adopt });
    };
    const stack = await testStack(server, declare(false));
    const text = await failure(stack.up({ continueOnError: true }));
    for (const sentence of held) expect(text).toContain(sentence);
    expect(await Promise.all(ids.map(id => server.credentials(id)))).toEqual(before);

    stack.program = declare(true);
    const { output } = await stack.preview();
    for (const sentence of held) expect(output).toContain(sentence.replace("was not made by this stack and ", ""));
    await stack.up();
    const wanted = await Promise.all(ids.map(bound));
    for (const id of wanted) expect(id).toMatch(/^[0-9a-f]{64}$/);

    for (const [index, { credentialsType, credentialsId, credentialsValue }] of before.entries()) await put(ids[index]!, { credentialsType, credentialsId, credentialsValue });
    const drift = await stack.preview({ refresh: true });
    for (const sentence of ["an access token", "MQTT basic credentials"]) expect(drift.output).toContain(sentence);
    await stack.up({ refresh: true });
    expect(await Promise.all(ids.map(bound))).toEqual(wanted);
    await stack.destroy();
    expect(await Promise.all(ids.map(bound))).toEqual(["ACCESS_TOKEN", "ACCESS_TOKEN"]);
});

test("one certificate on two devices is refused in preview", async () => {
    await byHand(own("twin-1"));
    await byHand(own("twin-2"));
    const pem = selfSigned("twins");
    const stack = await testStack(server, async () => {
        new tb.DeviceCredential("twin-1", { deviceName: own("twin-1"), certificatePem: pem });
        new tb.DeviceCredential("twin-2", { deviceName: own("twin-2"), certificatePem: pem });
    });
    expect(await failure(stack.preview())).toMatch(/certificatePem is also the certificate of device "\S*twin-[12]" in this program/);
});
