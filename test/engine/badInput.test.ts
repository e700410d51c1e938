// What is declared and can't work has a sentence: in preview where it is known there, and nothing is made.

import { afterAll, beforeAll, expect, test } from "vitest";
import { daysFromNow, issue } from "../unit/mqtt/certificates";
import { own } from "./support/live";
import { selfSigned } from "../support/openssl";
import { failure, tb, testStack } from "./support/stack";
import { type ThingsBoardUnderTest, switchToCertificate, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

const pump = issue("pump");
const bodyOf = (pem: string) => pem.split("\n")[1]!;

test.each<[string, () => string, string]>([
    ["a private key", () => pump.privateKeyPem, "certificatePem: expected one PEM certificate, found a private key (PRIVATE KEY): give the certificate, and keep the key to the device"],
    ["an expired one", () => issue("late", { notAfter: daysFromNow(-1) }).certificatePem, "certificatePem: the certificate expired on "],
])("%s in the place of a certificate is said in preview, and not shown", async (_what, pem, sentence) => {
    const certificatePem = pem();
    const stack = await testStack(server, async () => void new tb.DeviceCredential("c", { deviceName: own("pump"), certificatePem }));
    const text = await failure(stack.preview());
    expect(text).toContain(`device "${own("pump")}": `);
    expect(text).toContain(sentence);
    expect(text).not.toContain(bodyOf(pump.privateKeyPem));
    expect(text).not.toMatch(/^\s+at /m);
});

test.each<[string, { certificatePem: string; privateKeyPem: string }, string]>([
    ["the two mixed up", { certificatePem: pump.privateKeyPem, privateKeyPem: pump.certificatePem }, "the device's certificate holds a PRIVATE KEY: only certificates belong there"],
])("a publish check with %s is refused in preview", async (_what, pair, sentence) => {
    const stack = await testStack(server, async () => {
        const credential = new tb.DeviceCredential("c", { deviceName: own("pump"), certificatePem: pump.certificatePem });
        new tb.PublishCheck("c", { credential, ...pair });
    });
    const text = await failure(stack.preview());
    expect(text).toContain(`publish check of device "${own("pump")}": ${sentence}`);
    expect(text).not.toContain(bodyOf(pump.privateKeyPem));
});

test("what a certificate can't hold fails the program with a sentence", async () => {
    const stack = await testStack(server, async () => void new tb.DeviceCertificate("c", { commonName: "x".repeat(65) }));
    const text = await failure(stack.preview());
    expect(text).toContain('DeviceCertificate "c": commonName has 65 characters: X.509 allows at most 64 (RFC 5280)');
    expect(text).not.toMatch(/^\s+at /m);
});

test("a customer that does not exist is named, and no device is made", async () => {
    const stack = await testStack(server, async () => void new tb.Device("d", { name: own("orphan"), customer: own("Nobody Ltd") }));
    const text = await failure(stack.up());
    expect(text).toContain(`device "${own("orphan")}": customer "${own("Nobody Ltd")}" does not exist on this ThingsBoard: create it first, or correct customer`);
    expect(await server.deviceByName(own("orphan"))).toBeUndefined();
});

test("a device that does not exist is named", async () => {
    const stack = await testStack(server, async () => void new tb.DeviceCredential("c", { deviceName: own("missing"), certificatePem: selfSigned("missing") }));
    expect(await failure(stack.up())).toContain(`device "${own("missing")}": ThingsBoard has no device of this name: declare it with Device, or correct deviceName`);
});

test("a certificate that another device holds: the holder is named if this program has it", async () => {
    // Known only when it has been made, so the second one to come meets the first.
    const shared = await testStack(server, async () => {
        const certificate = new tb.DeviceCertificate("c", { commonName: own("shared") });
        for (const name of [own("first"), own("second")]) {
            const device = new tb.Device(name, { name });
            new tb.DeviceCredential(name, { device, certificate });
        }
    });
    expect(await failure(shared.up())).toMatch(/device "\S+": certificatePem is also the certificate of device "\S+(first|second)" in this program: a certificate identifies one device, so issue one for each/);

    const pem = selfSigned("elsewhere");
    const { id } = await server.call<{ id: { id: string } }>("POST", "/api/device", { name: own("holder") });
    await switchToCertificate(server, id.id, pem);
    const stack = await testStack(server, async () => {
        const device = new tb.Device("d", { name: own("wants-it") });
        new tb.DeviceCredential("d", { device, certificatePem: pem });
    });
    const text = await failure(stack.up());
    expect(text).toContain(`device "${own("wants-it")}": its certificate is already bound to another device of this ThingsBoard (perhaps of another tenant), and a certificate identifies one device: issue one for each`);
    expect(text).not.toMatch(/^\s+at /m);
});
