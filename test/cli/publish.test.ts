// `pulumi-thingsboard publish`: stage by stage, over real TLS and MQTT.

import { createPrivateKey } from "node:crypto";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Emulator, startEmulator } from "../../sdk/emulator";
import { bind, latest, makeCert, type Rest, restOf } from "../emulator/support";
import { command, environmentOf, folder, json, onTerminal, pairOf, type Environment } from "./support";

interface Published {
    readonly accepted: boolean;
    readonly cause: string;
    readonly message: string;
    readonly warnings: readonly string[];
    readonly stages: readonly { readonly stage: string; readonly reached: boolean; readonly ms: number }[];
    readonly deviceId?: string;
    readonly storedAt?: string;
}

let emulator: Emulator;
let rest: Rest;
let environment: Environment;
beforeAll(async () => {
    emulator = await startEmulator();
    rest = restOf(emulator);
    environment = environmentOf(emulator);
});
afterEach(() => emulator.faults.clear());
afterAll(() => emulator.stop());

const certificate = makeCert({ cn: "pump-1" });
let id: string;
beforeAll(async () => {
    id = await bind(rest, "pump-1", certificate);
});

const reached = ({ stages }: Published) => stages.filter(stage => stage.reached).map(({ stage }) => stage);
const failed = ({ stages }: Published) => stages.filter(stage => !stage.reached).map(({ stage }) => stage);

describe("with ThingsBoard's REST side", () => {
    test("every stage is told with its time, and the value is stored", async () => {
        const ran = await command(environment, ["publish", ...pairOf(certificate), "-m", '{"temperature":25}']);
        expect(ran).toMatchObject({ code: 0, stderr: "" });
        expect(ran.stdout.replace(/ +[\d.]+ ms/g, "  … ms")).toBe(`ok      DNS  … ms  the name has an address
ok      TCP  … ms  the port takes connections
ok      TLS  … ms  the server's certificate is trusted
ok      CONNECT  … ms  CONNACK: the device's certificate is accepted
ok      PUBLISH  … ms  PUBACK: ThingsBoard has queued the message
ok      stored  … ms  the value is in ThingsBoard's latest telemetry

accepted: device "pump-1" was accepted at localhost:${emulator.mqttsPort} over TLSv1.3 and MQTT 5, and what it published to "v1/devices/me/telemetry" was acknowledged (0x00, Success), and what it published is stored
`);
        expect(await latest(rest, id, "temperature")).toBe("25");
    });

    test("a marker of its own is taken away again", async () => {
        const found = json<Published>(await command(environment, ["publish", ...pairOf(certificate), "--json"]));
        expect(found).toMatchObject({ accepted: true, cause: "accepted", deviceId: id, warnings: [], storedAt: expect.stringMatching(/Z$/) as string });
        expect(reached(found)).toEqual(["dns", "tcp", "tls", "connack", "puback", "stored"]);
        expect(await latest(rest, id, "pulumiPublishCheck")).toBeNull();
    });

    test("a certificate of another name is told, and published all the same", async () => {
        const ran = await command(environment, ["publish", ...pairOf(makeCert({ cn: "nobody" })), "--json"]);
        const found = json<Published>(ran);
        expect([ran.code, found.cause, failed(found)]).toEqual([1, "certificate-unknown", ["connack"]]);
        expect(ran.stderr).toContain('ThingsBoard has no device "nobody", so whether the message was stored is not known');
    });

    test("a device whose name has commas is found by its certificate", async () => {
        const name = "pump, hall 3 + 4";
        const own = makeCert({ cn: name });
        const deviceId = await bind(rest, name, own);
        expect(json<Published>(await command(environment, ["publish", ...pairOf(own), "--json"]))).toMatchObject({ accepted: true, deviceId, warnings: [] });
    });

    test("the device that was asked for holds another certificate", async () => {
        const found = json<Published>(await command(environment, ["publish", ...pairOf(makeCert({ cn: "x" })), "--device", "pump-1", "--json"]));
        expect(found).toMatchObject({ accepted: false, cause: "other-certificate-bound" });
        expect(found.message).toContain(`the device holds another certificate (${certificate.id.slice(0, 12)}…)`);
    });

    test("a tenant whose message rate is used up", async () => {
        emulator.setLimits({ transportDeviceMsgRateLimit: "1:60" });
        const args = ["publish", ...pairOf(certificate), "-m", '{"often":1}', "--json"];
        await command(environment, args);
        const found = json<Published>(await command(environment, args));
        emulator.setLimits({});
        expect(found).toMatchObject({ accepted: false, cause: "rate-limit", message: expect.stringContaining("wait a minute, or raise it in the tenant profile") as string });
    });

    test("an expired certificate is judged by the server's clock", async () => {
        const short = makeCert({ cn: "short", to: 1 });
        await bind(rest, "short", short);
        emulator.faults.set({ clockOffset: 2 * 86_400_000 });
        const ran = await command(environment, ["publish", ...pairOf(short), "--json"]);
        expect([ran.code, json<Published>(ran).cause]).toEqual([1, "certificate-expired"]);
    });
});

describe("by MQTT alone", () => {
    const there = () => ["-h", "localhost", "-p", String(emulator.mqttsPort)];
    const trusting = () => ["--cafile", emulator.caFile];

    test("is enough to know whether a pair is let in", async () => {
        const ran = await command({}, ["publish", ...pairOf(certificate), ...there(), ...trusting(), "-t", "v1/devices/me/telemetry", "-q", "1", "-m", '{"alone":1}']);
        expect(ran).toMatchObject({ code: 0, stderr: "" });
        expect(ran.stdout).toContain("\naccepted: device \"pump-1\"");
        expect(await latest(rest, id, "alone")).toBe("1");
    });

    test("leaves after CONNACK where that is asked", async () => {
        const found = json<Published>(await command({}, ["publish", ...pairOf(certificate), ...there(), ...trusting(), "--connect-only", "--json"]));
        expect([found.accepted, reached(found)]).toEqual([true, ["dns", "tcp", "tls", "connack"]]);
    });

    test.each<[string, string[] | (() => Promise<string[]>), string, string]>([
        ["a host that is none", ["-h", "mqtt.invalid"], "dns", "name-not-found"],
        ["a port that nobody has", async () => ["-h", "localhost", "-p", String(await freePort())], "tcp", "connection-refused"],
        ["a server that is not trusted", async () => there(), "tls", "server-certificate-untrusted"],
        ["a CA file of somebody else", async () => [...there(), "--cafile", folder().write("ca.pem", makeCert({ cn: "Other", ca: true }).pem)], "tls", "server-certificate-untrusted"],
    ])("%s", async (_what, where, stage, cause) => {
        const args = typeof where === "function" ? await where() : where;
        const ran = await command({}, ["publish", ...pairOf(certificate), ...args, "--json"]);
        const found = json<Published>(ran);
        expect([ran.code, failed(found), found.cause]).toEqual([1, [stage], cause]);
    });

    test("an old server is asked again in MQTT 3.1.1, and the stages are those of that connection", async () => {
        emulator.faults.set({ mqtt: { connack: 1, times: 1 } });
        const found = json<Published & { mqttVersion: string }>(await command({}, ["publish", ...pairOf(certificate), ...there(), ...trusting(), "--json"]));
        expect([found.mqttVersion, reached(found)]).toEqual(["3.1.1", ["dns", "tcp", "tls", "connack", "puback"]]);
    });
});

describe("the key", () => {
    const connecting = () => ["-h", "localhost", "-p", String(emulator.mqttsPort), "--cafile", emulator.caFile, "--connect-only"];
    const locked = (passphrase: string) => createPrivateKey(certificate.key).export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase }).toString();

    test("that does not belong to the certificate is told before anything is sent", async () => {
        const at = folder();
        const ran = await command({}, ["publish", "--cert", at.write("c.pem", certificate.pem), "--key", at.write("k.pem", makeCert({ cn: "other" }).key), ...connecting()]);
        expect(ran).toEqual({ code: 1, stdout: "", stderr: 'device "pump-1": the private key does not belong to the device\'s certificate: give the pair that was made together\n' });
    });

    test("that others may read is warned of", async () => {
        const at = folder();
        const key = at.write("k.pem", certificate.key, 0o644);
        const ran = await command({}, ["publish", "--cert", at.write("c.pem", certificate.pem), "--key", key, ...connecting()]);
        expect(ran.code).toBe(0);
        expect(ran.stderr).toBe(`warning: others than you may read the key file ${key}: chmod 600 it\n`);
    });

    test("under a passphrase is opened by the environment, and never by an argument", async () => {
        const at = folder();
        const args = ["publish", "--cert", at.write("c.pem", certificate.pem), "--key", at.write("k.pem", locked("correct horse")), ...connecting()];
        expect(await command({ THINGSBOARD_KEY_PASSPHRASE: "correct horse" }, args)).toMatchObject({ code: 0, stderr: "" });
        const wrong = await command({ THINGSBOARD_KEY_PASSPHRASE: "battery staple" }, args);
        expect(wrong).toMatchObject({ code: 1, stdout: "" });
        expect(wrong.stderr).toMatch(/^The key .*k\.pem can't be opened: the passphrase is wrong, or the file is damaged\.\n$/);
        expect((await command({}, args)).stderr).toMatch(/has a passphrase: put it into THINGSBOARD_KEY_PASSPHRASE, or run the command on a terminal, which asks for it\.\n$/);
    });

    test("under a passphrase is asked for on a terminal, which does not show what is typed", async () => {
        const at = folder();
        const args = ["publish", "--cert", at.write("c.pem", certificate.pem), "--key", at.write("k.pem", locked("correct horse")), ...connecting()];
        const ran = await onTerminal({}, args, { after: "Passphrase of", text: "correct horse\n" });
        expect(ran.stdout).toContain("Passphrase of ");
        expect(ran.stdout).toContain("accepted");
        expect(ran.stdout).not.toContain("correct horse");
        expect(ran.code).toBe(0);
    });
});

test("without a host it says where one may come from", async () => {
    expect(await command({}, ["publish", ...pairOf(certificate)])).toEqual({ code: 2, stdout: "", stderr: "Where to? Give the host with -h, or ThingsBoard's address in THINGSBOARD_URL, or a stack with --stack.\n" });
});

async function freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>(done => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    await new Promise(done => server.close(done));
    return port;
}
