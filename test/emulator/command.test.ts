// `pulumi-thingsboard emulator` as a user runs it, and what it keeps in a folder.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createConnection } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../sdk/emulator";
import { bind, connect, latest, makeCert, restOf, TELEMETRY } from "./support";

const MAIN = join(__dirname, "../../bin/cli/main.js");
const folder = mkdtempSync(join(tmpdir(), "emulator-command-"));
const started = new Set<ChildProcessWithoutNullStreams>();
afterAll(() => {
    for (const child of started) child.kill();
    rmSync(folder, { recursive: true, force: true });
});

interface Command {
    readonly process: ChildProcessWithoutNullStreams;
    readonly said: () => string;
    readonly ended: Promise<number | null>;
}
function command(...args: string[]): Command {
    const child = spawn(process.execPath, [MAIN, "emulator", ...args]);
    started.add(child);
    child.once("exit", () => started.delete(child));
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
    return { process: child, said: () => text, ended: once(child, "exit").then(([code]) => code as number | null) };
}
async function line(of: Command): Promise<string> {
    while (!of.said().includes("\n")) await Promise.race([once(of.process.stdout, "data"), of.ended.then((code) => Promise.reject(new Error(`ended with ${code}: ${of.said()}`)))]);
    return of.said().split("\n")[0] ?? "";
}

describe("the command", () => {
    test.each(["SIGTERM", "SIGINT"] as const)("tells where everything is, and stops cleanly on %s", async (signal) => {
        const running = command("--json");
        const told = JSON.parse(await line(running)) as Record<string, string | number>;
        expect(Object.keys(told)).toEqual(["restUrl", "mqttsHost", "mqttsPort", "mqttPort", "caFile", "username", "password", "apiKey", "adminUrl", "adminToken"]);
        expect((await fetch(`${told["restUrl"]}/api/auth/user`, { headers: { "x-authorization": `ApiKey ${told["apiKey"]}` } })).status).toBe(200);
        running.process.kill(signal);
        expect(await running.ended).toBe(0);
        expect(existsSync(String(told["caFile"]))).toBe(false);
    });
    test("says what to export", async () => {
        const running = command("--thingsboard", "3.8");
        await line(running);
        expect(running.said()).toMatch(/export THINGSBOARD_URL=http:\/\/127\.0\.0\.1:\d+\n\s+export THINGSBOARD_USERNAME=.*\n\s+export THINGSBOARD_MQTT_HOST=localhost THINGSBOARD_MQTT_PORT=\d+ THINGSBOARD_MQTT_CA_PEM="\$\(cat '\/.*ca\.pem'\)"/);
        running.process.kill("SIGTERM");
        await running.ended;
    });
    test("names the option of a port that is in use", async () => {
        const first = command("--json");
        const { mqttsPort } = JSON.parse(await line(first)) as { mqttsPort: number };
        const second = command("--mqtts-port", String(mqttsPort));
        expect(await second.ended).toBe(1);
        expect(second.said().trim()).toBe(`Port ${mqttsPort} is in use. Choose another with --mqtts-port, or 0 for any free one.`);
        first.process.kill("SIGTERM");
        await first.ended;
    });
});

describe("a folder", () => {
    const dir = join(folder, "kept");
    const certificate = makeCert({ cn: "kept" });

    test("keeps data, tokens and certificates over a restart", async () => {
        const first = await startEmulator({ dir });
        const [rest, user] = [restOf(first), { username: first.username, password: first.password }];
        const { token } = (await rest("POST", "/api/auth/login", user, { auth: null })).body;
        const id = await bind(rest, "kept", certificate);
        const gone = await bind(rest, "gone", makeCert({ cn: "gone" }));
        await rest("DELETE", `/api/device/${gone}`);
        await (await connect(first, { certificate })).publish(TELEMETRY, '{"a":1}');
        await expect.poll(() => latest(rest, id, "a")).toBe("1"); // a PUBACK may be ahead of what is stored
        await first.stop();

        const second = await startEmulator({ dir });
        const again = restOf(second, `Bearer ${token}`);
        expect([second.apiKey, second.caPem]).toEqual([first.apiKey, first.caPem]);
        expect((await again("GET", `/api/device/${id}`)).body).toMatchObject({ name: "kept" });
        expect((await again("GET", `/api/device/${gone}`)).status).toBe(404);
        expect(await latest(again, id, "a")).toBe("1");
        expect((await connect(second, { certificate })).connack).toBe(0);
        await second.stop();
    });
    test("holds secrets for its owner only", () => {
        for (const name of ["keys.json", "data.ndjson"]) expect(statSync(join(dir, name)).mode & 0o077).toBe(0);
        expect(statSync(dir).mode & 0o077).toBe(0);
    });
    test("serves one emulator at a time", async () => {
        const first = await startEmulator({ dir });
        await expect(startEmulator({ dir })).rejects.toThrow(/is in use by another emulator/);
        await first.stop();
        await (await startEmulator({ dir })).stop();
    });
});

test("it listens on loopback only", async () => {
    const emulator: Emulator = await startEmulator();
    const outside = Object.values(networkInterfaces()).flatMap((all) => all ?? []).filter(({ internal, family }) => !internal && family === "IPv4");
    for (const { address } of outside) {
        for (const port of [Number(new URL(emulator.restUrl).port), emulator.mqttPort, emulator.mqttsPort, Number(new URL(emulator.adminUrl).port)]) {
            const socket = createConnection(port, address);
            const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
            expect(error.code).toBe("ECONNREFUSED");
        }
    }
    await emulator.stop();
});

test("an emulator that can't start leaves nothing behind", async () => {
    const first = await startEmulator();
    await expect(startEmulator({ mqttPort: first.mqttPort })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await first.stop();
    await (await startEmulator({ mqttPort: first.mqttPort })).stop();
});
