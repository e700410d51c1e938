// docs/cli.md: each command that it shows is run, and what the page says is what was printed. `vitest -u` writes it anew.

import { execFile } from "node:child_process";
import { chmodSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Emulator, startEmulator } from "../../sdk/emulator";
import { bind, connect, makeCert, type Rest, restOf } from "../emulator/support";
import { environmentOf, folder, type Folder, main } from "./support";

const page = path.join(import.meta.dirname, "../../docs/cli.md");

let emulator: Emulator;
let rest: Rest;
beforeAll(async () => {
    emulator = await startEmulator();
    rest = restOf(emulator);
});
afterAll(() => emulator.stop());

const pump = makeCert({ cn: "pump-1" });

/** What is there before the commands of a block are run. */
const scenarios: Readonly<Record<string, (at: Folder) => Promise<unknown> | void>> = {
    healthy: () => undefined,
    async sick() {
        await emulator.rotateServerCertificate({ validity: "expired" });
        emulator.faults.set({ clockOffset: -12_000 });
    },
    explain: () => bind(rest, "pump-7", makeCert({ cn: "pump-7", from: -400, to: -2 })),
    async publish(at) {
        at.write("tb-server-chain.pem", emulator.caPem);
        await bind(rest, "pump-1", pump);
    },
    proxy: () => emulator.faults.set({ mqtt: { tls: "dropCertificate" } }),
    async revoke() {
        const device = await connect(emulator, { certificate: pump });
        await expect.poll(async () => (await rest("GET", `/api/tenant/devices?deviceName=pump-1`)).status).toBe(200);
        device.end();
        await device.closed();
    },
    fingerprint: () => undefined,
    "server-certificate": () => undefined,
    wrong: () => undefined,
};

test("docs/cli.md shows what the commands print", { timeout: 60_000 }, async () => {
    const at = folder();
    at.write("cert.pem", pump.pem);
    at.write("key.pem", pump.key);
    chmodSync(at.write("pulumi-thingsboard", `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`), 0o700);
    let text = readFileSync(page, "utf8");
    const blocks = [...text.matchAll(/<!-- scenario: ([\w-]+) -->\n```console\n([\s\S]*?)```/g)];
    expect(blocks.map(([, name]) => name)).toEqual(Object.keys(scenarios));
    for (const [whole, name, body] of blocks) {
        await scenarios[name!]!(at);
        const typed = body!.split("\n").filter(line => line.startsWith("$ ")).map(line => line.slice(2));
        const output = await printed(at, typed);
        text = text.replace(whole, () => `<!-- scenario: ${name} -->\n\`\`\`console\n${output}\`\`\``);
        emulator.faults.clear();
        if (name === "sick") await emulator.rotateServerCertificate();
    }
    await expect(text).toMatchFileSnapshot(page);
});

/** One shell for all lines of a block, so that \`echo $?\` says what it says to a user. */
async function printed(at: Folder, typed: readonly string[]): Promise<string> {
    const quoted = (line: string) => `'${`$ ${line}`.replaceAll("'", "'\\''")}'`;
    const script = typed.map(line => `status=$?; printf '%s\\n' ${quoted(line)}; (exit $status); ${asRun(line)} 2>&1`).join("\n");
    const env = { ...environmentOf(emulator), PATH: `${at.path}:${process.env["PATH"]}`, HOME: at.path, NO_COLOR: "1" };
    const { stdout } = await promisify(execFile)("bash", ["-c", `${script}\nexit 0`], { cwd: at.path, env });
    return asShown(stdout, at.path);
}

/** A reader's server has a name of its own, and the usual port. */
const asRun = (line: string): string => line.replace("-h thingsboard.example.com", `-h localhost -p ${emulator.mqttsPort}`);

const stand = {
    uuid: "784f394c-42b6-11ef-983c-b7beff2784f9",
    fingerprint: "5B:2F:9C:0E:71:A4:38:DD:16:8E:53:C7:0B:94:E2:6F:A1:3D:75:B8:CC:09:F4:62:1E:87:D0:35:9A:4B:E6:7C",
    credentialsId: "84f5911765abba1f96bf4165604e9e90338fc6214081a8e623b6ff9669aedb27",
};

/** As far from the day of the page as it is from today. */
function moved(date: string): string {
    const day = 86_400_000;
    const away = Math.round((Date.parse(date.replace(" UTC", "Z").replace(" ", "T")) - Date.now()) / day) * day;
    const iso = new Date(Date.parse("2027-05-04T10:00:00Z") + away).toISOString();
    return date.endsWith("Z") ? iso : `${iso.slice(0, date.length - " UTC".length).replace("T", " ")} UTC`;
}

/** Whatever differs from run to run and from place to place, in the place of what it was. */
function asShown(text: string, folder: string): string {
    return text
        .replaceAll(folder, "/home/you")
        .replaceAll(emulator.restUrl, "https://thingsboard.example.com")
        .replaceAll(String(emulator.mqttsPort), "8883")
        .replace(/thingsboard.example.com -p 8883/g, "thingsboard.example.com")
        .replaceAll("localhost:8883", "thingsboard.example.com:8883")
        .replaceAll("127.0.0.1 port", "192.0.2.10 port")
        .replace(/mqttHost localhost/g, "mqttHost thingsboard.example.com")
        .replace(/"CN=localhost"/g, '"CN=thingsboard.example.com"')
        .replace(/ThingsBoard emulator CA \w+/g, "Example CA")
        .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, stand.uuid)
        .replace(/(?:[0-9A-F]{2}:){31}[0-9A-F]{2}/g, stand.fingerprint)
        .replace(/(?:[0-9A-F]{2}:){19}[0-9A-F]{2}/g, stand.fingerprint.slice(0, 59))
        .replace(/\b[0-9a-f]{64}\b/g, stand.credentialsId)
        .replace(/\b[0-9a-f]{12}…/g, `${stand.credentialsId.slice(0, 12)}…`)
        .replace(/\b[0-9A-F]{32}\b/g, stand.fingerprint.replaceAll(":", "").slice(0, 32))
        .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::[\d.]+)?(?:Z| UTC)/g, moved)
        .replace(/\d+ s behind/g, "12 s behind")
        .replace(/^((?:ok {4}|failed) {2}.{7} {2}).{7} ms/gm, "$1   12.3 ms")
        .replace(/: \d+ ms\)/g, ": 45 ms)")
        .replace(/Node \d+\.\d+\.\d+/g, "Node 22.22.0")
        .replace(/Pulumi v[\d.]+[\w.+-]*/g, "Pulumi v3.270.0");
}
