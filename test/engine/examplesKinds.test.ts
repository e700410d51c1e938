// The examples of CAs, requests, enrolment, gateways and Java: each deployed as it stands, and used with the tools it names.

import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openssl } from "../support/openssl";
import { repository } from "./support/commandLine";
import { example, named } from "./support/example";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
let folder: string;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());
beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-example-"));
    writeFileSync(at("server.pem"), server.mqtts.caPem);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...names: string[]) => path.join(folder, ...names);
const run = promisify(execFile);

const temperature = async (name: string) => server.latest((await server.deviceByName(named(name)))!.id.id, "temperature");

/** mosquitto_pub with the files in the test's folder. */
const publish = (key: string, certificate: string, topic = "v1/devices/me/telemetry", message = '{"temperature":25}') =>
    run("mosquitto_pub", [...(server.mqtts.caPem === "" ? ["--capath", "/etc/ssl/certs"] : ["--cafile", at("server.pem")]), "-q", "1", "-h", server.mqtts.host, "-p", String(server.mqtts.port), "-t", topic, "--key", key, "--cert", certificate, "-m", message]);

test("signed-by-a-ca", async () => {
    const pulumi = await example("signed-by-a-ca", server.environment);
    await pulumi("up", "--yes", "--skip-preview");
    const { chains, authorityPem } = await pulumi.outputs<{ chains: Record<string, string>; authorityPem: string }>();
    writeFileSync(at("authority.pem"), authorityPem);
    for (const name of ["pump-1", "pump-2"]) {
        writeFileSync(at("leaf.pem"), chains[named(name)]!);
        expect(openssl(["verify", "-purpose", "sslclient", "-CAfile", at("authority.pem"), at("leaf.pem")])).toContain("OK");
    }
    await pulumi("preview", "--refresh", "--expect-no-changes");
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(await server.deviceByName(named("pump-1"))).toBeUndefined();
});

test("csr-from-a-device", async () => {
    mkdirSync(at("requests"));
    openssl(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", at("key.pem"), "-subj", `/CN=${named("pump-1")}`, "-out", at("requests", `${named("pump-1")}.csr`)]);
    const pulumi = await example("csr-from-a-device", server.environment);
    await pulumi("config", "set", "requests", at("requests"));
    await pulumi("up", "--yes", "--skip-preview");
    const { certificates } = await pulumi.outputs<{ certificates: Record<string, string> }>();
    writeFileSync(at("cert.pem"), certificates[named("pump-1")]!);
    await publish(at("key.pem"), at("cert.pem"));
    await expect.poll(() => temperature("pump-1")).toBe("25");

    copyFileSync(at("requests", `${named("pump-1")}.csr`), at("requests", `${named("pump-2")}.csr`));
    await expect(pulumi("preview")).rejects.toThrow(`csrPem: it is for CN=${named("pump-1")}, and CN=${named("pump-2")} was declared`);
});

test("zero-touch", async () => {
    const pulumi = await example("zero-touch", server.environment);
    await pulumi("up", "--yes", "--skip-preview");
    const { enrolment, chainPem, privateKeyPem, tbServerChainPem, publish } = await pulumi.outputs<{ enrolment: string; chainPem: string; privateKeyPem: string; tbServerChainPem?: string; publish: string }>("--show-secrets");
    expect(enrolment).toContain(`the canary "${named("canary")}.pumps.example.com" enrolled as device "${named("canary")}", and was removed again`);
    expect(await server.deviceByName(named("pump-1"))).toBeUndefined();

    writeFileSync(at("chain.pem"), chainPem);
    writeFileSync(at("key.pem"), privateKeyPem, { mode: 0o600 });
    if (tbServerChainPem !== undefined) writeFileSync(at("tb-server-chain.pem"), tbServerChainPem);
    await run("sh", ["-c", publish], { cwd: folder });
    await expect.poll(() => temperature("pump-1")).toBe("25");

    await expect(pulumi("destroy", "--yes", "--skip-preview")).rejects.toThrow(`device profile "${named("pumps")}" is still used by 1 device`);
    const { id } = (await server.deviceByName(named("pump-1")))!;
    await server.call("DELETE", `/api/device/${id.id}`);
    await pulumi("destroy", "--yes", "--skip-preview");
});

test("gateway", async () => {
    const pulumi = await example("gateway", server.environment);
    await pulumi("config", "set", "directory", at("gateway-1"));
    await pulumi("up", "--yes", "--skip-preview");
    const { configuration, environment } = await pulumi.outputs<{ configuration: unknown; environment: Record<string, string> }>();
    const certificates = "/thingsboard_gateway/certificates";
    expect(configuration).toEqual({
        host: server.mqtts.host,
        port: server.mqtts.port,
        security: { type: "tls", caCert: `${certificates}/tb-server-chain.pem`, privateKey: `${certificates}/key.pem`, cert: `${certificates}/cert.pem` },
    });
    expect(environment).toMatchObject({ TB_GW_PORT: String(server.mqtts.port), TB_GW_CERT: `${certificates}/cert.pem` });
    await publish(at("gateway-1", "key.pem"), at("gateway-1", "cert.pem"), "v1/gateway/telemetry", '{"Sensor A":[{"temperature":25}]}');
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(existsSync(at("gateway-1"))).toBe(false);
});

test("java-client", async () => {
    const password = "a long one, in ASCII";
    const pulumi = await example("java-client", server.environment);
    await pulumi("config", "set", "directory", at("pump-1"));
    await pulumi("config", "set", "--secret", "keyStorePassword", password);
    await pulumi("up", "--yes", "--skip-preview");
    const listed = await run("keytool", ["-list", "-keystore", at("pump-1", "device.p12"), "-storepass", password], { env: { ...process.env, LC_ALL: "C" } });
    expect(listed.stdout).toMatch(/pump-1, .*PrivateKeyEntry/);
    const { host, port } = await pulumi.outputs<{ host: string; port: number }>();
    const java = await run("java", [path.join(repository, "examples", "java-client", "Publish.java"), host, String(port), at("pump-1"), '{"temperature":25}'], { env: { ...process.env, KEYSTORE_PASSWORD: password } });
    expect(java.stdout).toBe("PUBACK\n");
    await expect.poll(() => temperature("pump-1")).toBe("25");
    expect(pulumi.rawState()).not.toContain(password);
});
