// Deploys ./program with the package as it is built, and keeps what is left in the stack's state and on the server: run
// once for each version, just before its release (`node test/upgrade/record.mjs 0.1.0`). A later version has to read it.

import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { restClient } from "../../tools/live/rest.mjs";
import { programEnvironment } from "../../tools/live/target.mjs";
import { prepare, repository } from "../../tools/steps.mjs";

const [version] = process.argv.slice(2);
if (version === undefined) throw new Error("which version? node test/upgrade/record.mjs 0.1.0");

/** Known to everybody: what it protects was made for this and is used nowhere else. */
const passphrase = "recorded";
const stack = "recorded";
const program = path.join(repository, "test/upgrade/program");
const kept = path.join(repository, "test/upgrade", version);

const engine = await prepare();
const { startEmulator } = await import("../../bin/emulator/index.js");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pulumi-thingsboard-record-"));
const dir = path.join(folder, "server");
const emulator = await startEmulator({ dir });
try {
    const { restUrl: url, apiKey, caPem, mqttsHost, mqttsPort } = emulator;
    const target = { url, apiKey, caPem, mqttsHost, mqttsPort, prefix: "" };
    const rest = restClient(target);
    await rest.call("POST", "/api/device", { name: "adopted" });
    await rest.call("POST", "/api/device", { name: "by-hand" });
    rest.close();
    const env = { ...process.env, ...engine.environment, ...programEnvironment(target), PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_CONFIG_PASSPHRASE: passphrase, PULUMI_STACK: stack };
    /** @param {string[]} args */
    const pulumi = async (...args) => (await promisify(execFile)("pulumi", ["--non-interactive", "--cwd", program, ...args], { env, maxBuffer: 64e6 })).stdout;
    await pulumi("stack", "init", stack, "--no-select");
    console.log(await pulumi("up", "--yes", "--skip-preview"));
    fs.rmSync(kept, { recursive: true, force: true });
    fs.mkdirSync(kept, { recursive: true });
    fs.writeFileSync(path.join(kept, "stack.json"), await pulumi("stack", "export"));
} finally {
    await emulator.stop();
    fs.rmSync(path.join(program, `Pulumi.${stack}.yaml`), { force: true });
}
for (const file of ["data.ndjson", "keys.json"]) fs.copyFileSync(path.join(dir, file), path.join(kept, file));
fs.rmSync(folder, { recursive: true, force: true });
console.log(`recorded in ${kept}`);
