// Lines of the pages that need no stack, typed into a shell word for word.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import * as path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startEmulator } from "../../sdk/emulator";
import { bind, makeCert, restOf } from "../emulator/support";
import { blocksOf, pages, root } from "../unit/docs/pages";
import { type Environment, environmentOf, folder, type Folder, main } from "./support";

/** Its shell blocks, each as one text. */
const page = (name: string): readonly string[] => blocksOf(pages.find(one => one.name === name)!).filter(({ language }) => language === "sh").map(({ text }) => text);

/** Where the command is installed, as npm does it: on PATH, and for npx. */
function project(): Folder {
    const at = folder();
    mkdirSync(path.join(at.path, "node_modules", ".bin"), { recursive: true });
    const command = at.write("pulumi-thingsboard", `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
    chmodSync(command, 0o700);
    symlinkSync(command, path.join(at.path, "node_modules", ".bin", "pulumi-thingsboard"));
    at.write("package.json", "{}");
    return at;
}

async function typed(at: Pick<Folder, "path">, script: string, environment: Environment = {}): Promise<string> {
    // A group of its own, so that what a line left running ends with the shell.
    const shell: ChildProcess = spawn("bash", ["-euo", "pipefail", "-c", script], { cwd: at.path, detached: true, stdio: ["ignore", "pipe", "pipe"], env: { PATH: `${at.path}:${path.dirname(process.execPath)}:${process.env["PATH"]}`, HOME: at.path, ...environment } });
    onTestFinished(() => {
        try {
            process.kill(-shell.pid!);
        } catch {
            // it has ended, with all that it had started
        }
    });
    let said = "";
    for (const stream of [shell.stdout!, shell.stderr!]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(shell, "close")) as [number];
    expect(code, said).toBe(0);
    return said;
}

test("docs/emulator.md: an emulator in the background, its settings, and a device that publishes", { timeout: 60_000 }, async () => {
    const at = project();
    const certificate = makeCert({ cn: "pump-1" });
    at.write("device.pem", certificate.pem);
    at.write("device.key", certificate.key);
    // A program may do what it likes: this one is no stack, and has the settings that any has.
    const program = at.write(
        "program.mjs",
        `import { readFileSync } from "node:fs";
        const { THINGSBOARD_URL, THINGSBOARD_API_KEY, THINGSBOARD_MQTT_PORT, THINGSBOARD_MQTT_CA_PEM } = process.env;
        if (!/^\\d+$/.test(THINGSBOARD_MQTT_PORT) || !THINGSBOARD_MQTT_CA_PEM.includes("BEGIN CERTIFICATE")) throw new Error("no MQTT settings");
        const body = JSON.stringify({ device: { name: "pump-1" }, credentials: { credentialsType: "X509_CERTIFICATE", credentialsValue: readFileSync("device.pem", "utf8") } });
        const { status } = await fetch(THINGSBOARD_URL + "/api/device-with-credentials", { method: "POST", body, headers: { "content-type": "application/json", "x-authorization": "ApiKey " + THINGSBOARD_API_KEY } });
        if (status !== 200) throw new Error("status " + status);`,
    );
    const [alone, background] = page("docs/emulator.md");
    expect(alone).toBe("npx pulumi-thingsboard emulator\n");
    const script = background!.replace("\npulumi up\n", `\n"${process.execPath}" "${program}"\n`);
    expect(script).not.toBe(background);
    await typed(at, `${script}
        curl() { "${process.execPath}" -e 'fetch(process.argv[1],{headers:{"x-authorization":"ApiKey "+process.env.THINGSBOARD_API_KEY}}).then(r=>r.text()).then(console.log)' "$1"; }
        id=$(curl "$THINGSBOARD_URL/api/tenant/devices?deviceName=pump-1" | jq -r .id.id)
        test "$(curl "$THINGSBOARD_URL/api/plugins/telemetry/DEVICE/$id/values/timeseries?keys=temperature" | jq -r '.temperature[0].value')" = 25
        kill %1; wait %1 || true`);
    expect(await typed(at, `${alone!.trim()} > said.txt 2>&1 & until grep -q "stops it" said.txt; do sleep 0.1; done; cat said.txt`)).toMatch(/REST +http:\/\/127\.0\.0\.1:\d+/);
});

test("openssl makes a key and a request for it, as docs/keys.md and the example of requests say", async () => {
    const at = project();
    const lines = [page("docs/keys.md"), page("examples/csr-from-a-device/README.md")].map(blocks => blocks.find(text => text.startsWith("openssl "))!);
    for (const text of lines) {
        await typed(at, text);
        // Two streams of openssl, of which either may come first.
        const verified = await typed(at, "openssl req -in pump-1.csr -noout -verify -subject");
        expect(verified).toContain("verify OK");
        expect(verified).toMatch(/CN ?= ?pump-1/);
        expect(await typed(at, "openssl pkey -in key.pem -noout -text")).toContain("prime256v1");
    }
});

test("docs/revocation.md: revokes", { timeout: 30_000 }, async () => {
    const emulator = await startEmulator();
    onTestFinished(() => emulator.stop());
    const rest = restOf(emulator);
    const id = await bind(rest, "pump-1", makeCert({ cn: "pump-1" }));
    const line = page("docs/revocation.md").flatMap(text => text.split("\n")).filter(text => text.startsWith("npx pulumi-thingsboard revoke"));
    expect(await typed(project(), line.join("\n"), environmentOf(emulator))).toContain("Revoked: the certificate of device");
    expect((await rest("GET", `/api/device/${id}/credentials`)).body).toMatchObject({ credentialsType: "ACCESS_TOKEN" });
});

test("examples/local-thingsboard: the certificates of a server of one's own", { timeout: 30_000 }, async () => {
    const at = project();
    const lines = page("examples/local-thingsboard/README.md").flatMap(text => text.split("\n"));
    const made = lines.filter(text => text.startsWith("npx pulumi-thingsboard server-certificate"));
    const exported = lines.filter(text => text.startsWith("export THINGSBOARD_MQTT_CA_PEM"));
    expect([made.length, exported.length]).toEqual([1, 1]);
    expect(await typed(at, [...made, ...exported, 'printf %s "$THINGSBOARD_MQTT_CA_PEM"'].join("\n"))).toContain(readFileSync(path.join(at.path, "tls", "ca.pem"), "utf8").trim());
    for (const file of ["server.pem", "server_key.pem"]) expect(existsSync(path.join(at.path, "tls", file))).toBe(true);
});

test("docs/engine.md: the engine is found, and put into a shell", { timeout: 60_000 }, async () => {
    const [text] = page("docs/engine.md");
    const own = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
    expect(await typed({ path: root }, `${text!}\npulumi version`, own)).toMatch(/^v3\.\d+\.\d+/m);
});
