// Clients that know nothing of us: mosquitto, OpenSSL, curl.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../sdk/emulator";
import { bind, eventually, latest, makeCert, restOf, TELEMETRY, type Certificate, type Rest } from "./support";


let emulator: Emulator;
let rest: Rest;
const folder = mkdtempSync(join(tmpdir(), "emulator-clients-"));

beforeAll(async () => {
    emulator = await startEmulator();
    rest = restOf(emulator);
});
afterAll(async () => {
    await emulator.stop();
    rmSync(folder, { recursive: true, force: true });
});

interface Run {
    readonly code: number;
    readonly output: string;
}
const run = (command: string, args: readonly string[], input = ""): Promise<Run> =>
    new Promise((done) => {
        const child = execFile(command, args, { timeout: 10_000 }, (error, stdout, stderr) => done({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }));
        child.stdin?.end(input);
    });

/** Files of a certificate (a chain, if there are more) and its key. */
function files(name: string, certificate: Certificate, ...chain: Certificate[]): { cert: string; key: string } {
    const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
    writeFileSync(cert, [certificate, ...chain].map(({ pem }) => pem).join(""));
    writeFileSync(key, certificate.key, { mode: 0o600 });
    return { cert, key };
}
const target = (): string[] => ["-h", emulator.mqttsHost, "-p", String(emulator.mqttsPort), "--cafile", emulator.caFile];

describe("mosquitto", () => {
    test.each(["mqttv311", "mqttv5"])("publishes with a certificate, %s", async (version) => {
        const certificate = makeCert({ cn: version });
        const id = await bind(rest, version, certificate);
        const { cert, key } = files(version, certificate);
        const { code, output } = await run("mosquitto_pub", [...target(), "-d", "-V", version, "-q", "1", "-t", TELEMETRY, "-m", "{temperature:25}", "--cert", cert, "--key", key]);
        expect(code, output).toBe(0);
        expect(output).toContain("PUBACK");
        expect(await eventually(() => latest(rest, id, "temperature"), (value) => value === "25")).toBe("25");
    });
    test("is refused with an unknown certificate, and in TLS with a chain that does not hold", async () => {
        const stranger = files("stranger", makeCert({ cn: "stranger" }));
        const publish = ["-q", "1", "-t", TELEMETRY, "-m", "{}"];
        expect(await run("mosquitto_pub", [...target(), ...publish, "--cert", stranger.cert, "--key", stranger.key])).toMatchObject({ code: 5 });
        const broken = files("broken", makeCert({ cn: "leaf", issuer: makeCert({ cn: "ca", ca: true }) }), makeCert({ cn: "other", ca: true }));
        const refused = await run("mosquitto_pub", [...target(), ...publish, "--cert", broken.cert, "--key", broken.key]);
        expect(refused.code).not.toBe(0);
        expect(refused.code).not.toBe(5);
    });
    test("listens for shared attributes", async () => {
        const { id } = (await rest("POST", "/api/device?accessToken=listener", { name: "listener" })).body;
        const child = spawn("mosquitto_sub", ["-h", "127.0.0.1", "-p", String(emulator.mqttPort), "-u", "listener", "-t", "v1/devices/me/attributes", "-C", "1", "-W", "8"]);
        let heard = "";
        child.stdout.on("data", (chunk: Buffer) => (heard += chunk.toString()));
        const ended = new Promise((done) => child.once("exit", done));
        await eventually(async () => emulator.status().sessions, (sessions) => sessions > 0);
        const told = setInterval(() => void rest("POST", `/api/plugins/telemetry/DEVICE/${id.id}/attributes/SHARED_SCOPE`, { rate: 10 }), 100);
        expect(await ended).toBe(0);
        clearInterval(told);
        expect(heard.trim()).toBe('{"rate":10}');
    });
});

describe("openssl s_client", () => {
    const connect = (...args: string[]): Promise<Run> =>
        run("openssl", ["s_client", "-connect", `127.0.0.1:${emulator.mqttsPort}`, "-servername", "localhost", "-CAfile", emulator.caFile, ...args], "Q\n");
    test.each(["-tls1_2", "-tls1_3"])("verifies the server, %s", async (version) => {
        expect((await connect(version, "-verify_hostname", "localhost")).output).toContain("Verify return code: 0 (ok)");
    });
    test("is asked for a certificate, and told of one issuer: the server's own leaf", async () => {
        const { output } = await connect("-tls1_2");
        expect(output).toMatch(/Acceptable client certificate CA names\n\s*CN\s*=\s*localhost\n/);
    });
    test("hears an alert where a certificate did not sign the one before it", async () => {
        const leaf = makeCert({ cn: "leaf", issuer: makeCert({ cn: "ca", ca: true }) });
        const { cert, key } = files("alert", leaf);
        const chain = join(folder, "alert-chain.pem");
        writeFileSync(chain, makeCert({ cn: "other", ca: true }).pem);
        const { output } = await connect("-tls1_2", "-cert", cert, "-key", key, "-cert_chain", chain);
        expect(output).toMatch(/alert certificate unknown/);
    });
});

describe("curl", () => {
    test("logs in and reads, creates and deletes", async () => {
        const login = await run("curl", ["-sS", "-X", "POST", "-H", "Content-Type: application/json", "-d", '{"username":"tenant@thingsboard.org","password":"tenant"}', `${emulator.restUrl}/api/auth/login`]);
        const { token } = JSON.parse(login.output) as { token: string };
        const authorised = ["-sS", "-H", `X-Authorization: Bearer ${token}`, "-H", "Content-Type: application/json"];
        const made = JSON.parse((await run("curl", [...authorised, "-d", '{"name":"by curl"}', `${emulator.restUrl}/api/device`])).output) as { id: { id: string } };
        const gone = await run("curl", [...authorised, "-X", "DELETE", "-w", "%{http_code} %{content_type}|", `${emulator.restUrl}/api/device/${made.id.id}`]);
        expect(gone.output).toBe("200 |");
    });
    test("follows the hint for devices with a token", async () => {
        const { id } = (await rest("POST", "/api/device?accessToken=hinted", { name: "hinted" })).body;
        const hint: string = (await rest("GET", `/api/device-connectivity/${id.id}`)).body.http.http;
        const words = [...hint.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
        expect((await run("curl", words.slice(1))).code).toBe(0);
        expect(await latest(rest, id.id, "temperature")).toBe("25");
    });
});
