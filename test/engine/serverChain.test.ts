// Step 1 of the guide, the server's certificate chain: taken only from where it can be trusted, and watched.

import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import type * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { issue } from "../unit/mqtt/certificates";
import { emulated, live, own } from "./support/live";
import { reverseProxy } from "./support/reverseProxy";
import { failure, tb, testStack } from "./support/stack";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

/** The environment without the authority that it would otherwise trust. */
const untold = () => {
    const { THINGSBOARD_MQTT_CA_PEM: _ca, ...rest } = server.environment;
    return rest;
};

const fingerprint = (pem: string) => new X509Certificate(pem).fingerprint256;

test("a chain that verifies is what the publish check and mosquitto_pub trust", async () => {
    const caPem = server.mqtts.caPem;
    // The Provider knows no authority: what the chain gives is all that the check has.
    const stack = await testStack({ environment: untold() }, async () => {
        const chain = new tb.ServerChain("chain", caPem === "" ? {} : { caPem });
        const device = new tb.Device("d", { name: own("chained") });
        const certificate = new tb.DeviceCertificate("d", { commonName: own("chained") });
        const credential = new tb.DeviceCredential("d", { device, certificate });
        const check = new tb.PublishCheck("d", { credential, certificate, caPem: chain.chainPem });
        const { chainPem, serverFingerprint, subject, issuer, notAfter, daysToExpiry } = chain;
        const { certificatePem, privateKeyPem } = certificate;
        return { chainPem, serverFingerprint, subject, issuer, notAfter, daysToExpiry, deviceId: device.deviceId, message: check.message, seen: check.serverFingerprint, certificatePem, privateKeyPem };
    });
    const { outputs } = await stack.up();
    const text = (name: string) => outputs[name] as string;
    expect(text("message")).toContain("was accepted");
    expect(text("serverFingerprint")).toBe(fingerprint(text("chainPem")));
    expect(text("seen")).toBe(text("serverFingerprint"));
    expect(Date.parse(text("notAfter"))).toBeGreaterThan(Date.now());
    expect(outputs["daysToExpiry"]).toBe(Math.floor((Date.parse(text("notAfter")) - Date.now()) / 86_400_000));
    if (!live) expect(outputs).toMatchObject({ subject: "CN=localhost", issuer: expect.stringMatching(/^CN=ThingsBoard emulator CA/) as string });

    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-chain-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    for (const [name, file] of [["chainPem", "tb-server-chain.pem"], ["certificatePem", "cert.pem"], ["privateKeyPem", "key.pem"]] as const) {
        writeFileSync(path.join(folder, file), text(name), { mode: 0o600 });
    }
    const publish = ["--cafile", "tb-server-chain.pem", "-q", "1", "-h", server.mqtts.host, "-p", String(server.mqtts.port), "-t", "v1/devices/me/telemetry", "--key", "key.pem", "--cert", "cert.pem", "-m", '{"temperature":25}'];
    await promisify(execFile)("mosquitto_pub", publish, { cwd: folder });
    await expect.poll(() => server.latest(text("deviceId"), "temperature"), { timeout: 15_000 }).toBe("25");
    // Days pass, and that is no change.
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).not.toHaveProperty("update");
});

emulated.test("a pinned fingerprint, of the server or of its authority, needs no authority; a wrong one takes nothing", async () => {
    const authority = fingerprint(server.emulator.caPem);
    let pin: pulumi.Input<string> = authority;
    const stack = await testStack({ environment: untold() }, async () => {
        const chain = new tb.ServerChain("chain", { fingerprint: pin });
        return { chainPem: chain.chainPem, serverFingerprint: chain.serverFingerprint };
    });
    const first = await stack.up();
    pin = (first.outputs["serverFingerprint"] as string).replaceAll(":", "").toLowerCase();
    expect((await stack.up()).changes).toEqual({ same: 1, update: 1 });

    pin = "AB".repeat(32);
    const text = await failure(stack.up());
    expect(text).toContain(`the certificate chain of localhost:${server.mqtts.port} could not be fetched: the server shows "CN=localhost" with SHA-256 ${first.outputs["serverFingerprint"] as string}, and not the pinned AB:AB:`);
    expect(text).toContain("if its certificate was renewed, compare and correct fingerprint, and otherwise somebody stands between");
    expect(text).not.toMatch(/^\s+at /m);
    const [chain] = (await stack.resources()).filter(({ type }) => type.endsWith(":ServerChain"));
    expect(chain?.outputs["chainPem"]).toBe(first.outputs["chainPem"]);
});

emulated.test("without a pin or an authority a private chain is not taken, and the sentence brings what to compare", async () => {
    const stack = await testStack({ environment: untold() }, async () => void new tb.ServerChain("chain"));
    const text = await failure(stack.up());
    expect(text).toMatch(/the certificate chain of localhost:\d+ could not be fetched: its certificate "CN=localhost" from "CN=ThingsBoard emulator CA \w+" is not trusted \(\w+\); compare its SHA-256 with the server's operator and give it as fingerprint \((?:[0-9A-F]{2}:){31}[0-9A-F]{2}\), or give the authority that signed it as caPem/);
    expect(text).not.toMatch(/^\s+at /m);
});

emulated.test("the operator's file is taken over a verified connection, and over no other", async () => {
    const proxy = await reverseProxy(server.provider.url);
    const chainless = await reverseProxy(server.provider.url, { plain: true, answer: (_request, response) => void response.writeHead(404, { "Content-Type": "application/json" }).end('{"status":404,"message":"mqtts pem cert file is not found!","errorCode":32,"timestamp":1}') === undefined });
    onTestFinished(async () => void (await Promise.all([proxy.stop(), chainless.stop()])));
    const { THINGSBOARD_MQTT_HOST: _host, ...environment } = untold();
    const declare = async () => ({ chainPem: new tb.ServerChain("chain", { source: "download" }).chainPem });
    const stack = await testStack({ environment: { ...environment, THINGSBOARD_URL: proxy.url, THINGSBOARD_CA_PEM: proxy.caPem } }, declare);
    expect((await stack.up()).outputs["chainPem"]).toContain(server.emulator.caPem.trim());

    const insecure = await testStack({ environment: { ...environment, THINGSBOARD_URL: "http://tb.example.com", THINGSBOARD_ALLOW_INSECURE_HTTP: "true" } }, declare);
    expect(await failure(insecure.up())).toContain('the server\'s certificate chain is not taken over plain http from another machine, where anybody on the way could put his own: use https, or source "handshake" with fingerprint');
    const nothing = await testStack({ environment: { ...environment, THINGSBOARD_URL: chainless.url } }, declare);
    expect(await failure(nothing.up())).toContain("this ThingsBoard offers no certificate chain for download (DEVICE_CONNECTIVITY_MQTTS_CA_ROOT_CERT is not set, or it is older than 3.6)");
});

emulated.test("another certificate on the server is drift, and up takes the new one", async () => {
    const rotating = await thingsBoard();
    onTestFinished(() => rotating.stop());
    const { caPem } = rotating.emulator;
    const stack = await testStack(rotating, async () => {
        const chain = new tb.ServerChain("chain", { caPem });
        return { serverFingerprint: chain.serverFingerprint, chainPem: chain.chainPem };
    });
    const before = (await stack.up()).outputs;
    await rotating.emulator.rotateServerCertificate();

    const drift = await stack.preview({ refresh: true });
    expect(drift.changes).toMatchObject({ update: 1 });
    expect(drift.output).toContain("foundFingerprint");
    expect(await failure(stack.preview({ refresh: true, expectNoChanges: true }))).toContain("no changes were expected");
    const after = (await stack.up({ refresh: true })).outputs;
    expect(after["serverFingerprint"]).not.toBe(before["serverFingerprint"]);
    expect(fingerprint(after["chainPem"] as string)).toBe(after["serverFingerprint"]);
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 2 });

    // Its end comes near: said by each deployment, while there is time.
    await rotating.emulator.rotateServerCertificate({ authority: "new" });
    const text = await failure(stack.preview({ refresh: true }));
    expect(text).toMatch(/the certificate chain of localhost:\d+ could not be fetched: its certificate "CN=localhost" from "CN=ThingsBoard emulator CA \w+" is not trusted/);
});

test("a chain that is not there, or not a chain, is named", async () => {
    const stack = await testStack(server, async () => void new tb.ServerChain("chain", { host: "127.0.0.1", port: 1, caPem: issue("CA", { authority: true }).certificatePem }));
    expect(await failure(stack.up())).toContain("the certificate chain of 127.0.0.1:1 could not be fetched: nothing listens there (ECONNREFUSED)");
});
