// Bundles on the real engine: the files work with real clients, their changes are drift, destroy takes them away.

import { execFile } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openssl } from "../support/openssl";
import { own } from "./support/live";
import { type Program, failure, tb, testStack } from "./support/stack";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
let base: string;
beforeAll(async () => {
    server = await thingsBoard();
    base = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-bundles-"));
});
afterEach(() => {
    delete process.env["THINGSBOARD_CLOCK_OFFSET_DAYS"];
});
afterAll(async () => {
    rmSync(base, { recursive: true, force: true });
    await server.stop();
});

const password = "correct horse";

test("its files publish with mosquitto_pub; what is changed is noticed and put right; destroy removes them", async () => {
    const directory = path.join(base, "it's", "pump-1");
    const declare = (more: Partial<import("pulumi-thingsboard").DeviceBundleArgs>): Program => async () => {
        const authority = new tb.CertificateAuthority("factory", { commonName: "Factory root" });
        const certificate = new tb.DeviceCertificate("pump-1", { commonName: "pump-1", authority });
        new tb.DeviceCredential("pump-1", { device: new tb.Device("pump-1", { name: own("pump-1") }), certificate });
        const bundle = new tb.DeviceBundle("pump-1", { certificate, directory, pkcs12Password: password, ...more });
        const { mosquittoPub, gatewayConfiguration, gatewayEnvironment, pkcs12 } = bundle;
        return { mosquittoPub, gatewayConfiguration, gatewayEnvironment, pkcs12 };
    };
    const stack = await testStack(server, declare({}));
    const { outputs } = await stack.up();
    const at = (name: string) => path.join(directory, name);
    expect(readdirSync(directory).sort()).toEqual([".pulumi-thingsboard.json", "cert.pem", "chain.pem", "device.p12", "key.pem", "tb-server-chain.pem"]);
    expect(lstatSync(at("key.pem")).mode & 0o777).toBe(0o600);
    expect(outputs["gatewayConfiguration"]).toEqual({
        host: server.mqtts.host,
        port: server.mqtts.port,
        security: { type: "tls", caCert: at("tb-server-chain.pem"), privateKey: at("key.pem"), cert: at("chain.pem") },
    });
    expect(outputs["gatewayEnvironment"]).toMatchObject({ TB_GW_CA_CERT: at("tb-server-chain.pem"), TB_GW_PRIVATE_KEY: at("key.pem"), TB_GW_CERT: at("chain.pem") });
    expect(Buffer.from(outputs["pkcs12"] as string, "base64")).toEqual(readFileSync(at("device.p12")));
    expect(openssl(["pkcs12", "-in", at("device.p12"), "-passin", `pass:${password}`, "-nodes"])).toContain("BEGIN PRIVATE KEY");

    await promisify(execFile)("sh", ["-c", outputs["mosquittoPub"] as string]);
    const { id } = (await server.deviceByName(own("pump-1")))!;
    await expect.poll(() => server.latest(id.id, "temperature")).toBe("25");

    const raw = stack.rawState();
    for (const secret of [password, readFileSync(at("key.pem"), "utf8").split("\n")[1]!, (outputs["pkcs12"] as string).slice(0, 60)]) expect(raw).not.toContain(secret);
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).not.toHaveProperty("update");

    const store = readFileSync(at("device.p12"));
    writeFileSync(at("cert.pem"), "other");
    const drift = await stack.preview({ refresh: true });
    expect(drift.changes).toMatchObject({ update: 1 });
    expect(drift.output).toContain("cert.pem has other content");
    await stack.up({ refresh: true });
    expect(readFileSync(at("cert.pem"), "utf8")).toContain("BEGIN CERTIFICATE");
    expect(readFileSync(at("device.p12"))).toEqual(store);

    stack.program = declare({ pkcs12Password: "another password", deviceDirectory: "/etc/thingsboard-gateway", host: "mqtt.example.com", port: 8883 });
    const moved = (await stack.up()).outputs;
    expect(openssl(["pkcs12", "-in", at("device.p12"), "-passin", "pass:another password", "-nodes"])).toContain("BEGIN PRIVATE KEY");
    expect(moved["mosquittoPub"]).toBe(`mosquitto_pub --cafile /etc/thingsboard-gateway/tb-server-chain.pem -q 1 -h mqtt.example.com -p 8883 -t v1/devices/me/telemetry --key /etc/thingsboard-gateway/key.pem --cert /etc/thingsboard-gateway/chain.pem -m '{"temperature":25}'`);
    await stack.destroy();
    expect(existsSync(directory)).toBe(false);
});

test("without files nothing is written; what can't be is said in preview", async () => {
    const declare = (more: Partial<import("pulumi-thingsboard").DeviceBundleArgs>): Program => async () => {
        const certificate = new tb.DeviceCertificate("pump-2", { commonName: "pump-2", keyAlgorithm: "RSA_2048" });
        return { files: new tb.DeviceBundle("pump-2", { certificate, ...more }).files };
    };
    const stack = await testStack(server, declare({ pkcs12Password: "pässword" }));
    const said = await failure(stack.preview());
    expect(said).toContain("pkcs12Password is too short or has other characters than ASCII's");
    expect(said).not.toContain("pässword");
    stack.program = declare({ pkcs12Password: password });
    expect((await stack.up()).outputs["files"]).toEqual({});
});

test("the next pair of a staged renewal is in the bundle until it is bound, and then takes the place of the other", async () => {
    const directory = path.join(base, "staged");
    const name = own("staged");
    const stack = await testStack(server, async () => {
        const authority = new tb.CertificateAuthority("factory", { commonName: "Factory root" });
        const certificate = new tb.DeviceCertificate(name, { commonName: name, authority, renewal: "staged", renewBeforeDays: 30, activateBeforeDays: 10 });
        new tb.DeviceCredential(name, { device: new tb.Device(name, { name }), certificate });
        const { mosquittoPub, pkcs12, nextPkcs12 } = new tb.DeviceBundle(name, { certificate, directory, pkcs12Password: password });
        return { mosquittoPub, pkcs12, nextPkcs12, nextChainPem: certificate.nextChainPem };
    });
    const pass = (days: number) => {
        process.env["THINGSBOARD_CLOCK_OFFSET_DAYS"] = String(days);
        stack.setEnvironment("THINGSBOARD_CLOCK_OFFSET_DAYS", String(days));
    };
    const at = (name: string) => path.join(directory, name);
    const own4 = ["cert.pem", "chain.pem", "device.p12", "key.pem"];
    const files = () => readdirSync(directory).filter(name => name !== "tb-server-chain.pem" && !name.startsWith(".")).sort();
    const content = (names: readonly string[]) => names.map(name => readFileSync(at(name)).toString("base64"));
    expect((await stack.up()).outputs["nextPkcs12"]).toBeUndefined();
    expect(files()).toEqual(own4);
    const first = content(own4);

    pass(336);
    const { outputs } = await stack.up();
    const next4 = own4.map(name => `next-${name}`);
    expect(files()).toEqual([...own4, ...next4]);
    expect(content(own4)).toEqual(first);
    for (const name of next4) expect(lstatSync(at(name)).mode & 0o777).toBe(0o600);
    expect(openssl(["pkey", "-in", at("next-key.pem"), "-pubout"])).toBe(openssl(["x509", "-in", at("next-cert.pem"), "-noout", "-pubkey"]));
    expect(openssl(["pkcs12", "-in", at("next-device.p12"), "-passin", `pass:${password}`, "-nodes"])).toContain("BEGIN PRIVATE KEY");
    expect(readFileSync(at("next-chain.pem"), "utf8")).toBe(outputs["nextChainPem"]);
    expect(readFileSync(at("next-device.p12")).toString("base64")).toBe(outputs["nextPkcs12"]);
    const raw = stack.rawState();
    for (const secret of [password, readFileSync(at("next-key.pem"), "utf8").split("\n")[1]!, (outputs["nextPkcs12"] as string).slice(0, 60)]) expect(raw).not.toContain(secret);
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).not.toHaveProperty("update");

    const next = content(next4);
    writeFileSync(at("next-key.pem"), "other");
    expect((await stack.up({ refresh: true })).output).toContain("next-key.pem has other content");
    expect(content(next4)).toEqual(next);

    // The device has them by now: what it has is what is bound, byte by byte.
    pass(357);
    const activated = (await stack.up()).outputs;
    expect(files()).toEqual(own4);
    expect(content(own4)).toEqual(next);
    expect(activated["nextPkcs12"]).toBeUndefined();
    await promisify(execFile)("sh", ["-c", activated["mosquittoPub"] as string]);
    await stack.preview({ refresh: true, expectNoChanges: true });
    await stack.destroy();
    expect(existsSync(directory)).toBe(false);
});
