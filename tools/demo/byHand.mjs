// The publish that ThingsBoard's own guide does by hand, with the certificate and key that the stack gives out.

import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { onPath } from "../engine/commands.mjs";
import { DemoFailure, print } from "./show.mjs";

/**
 * Prints the command and, where `mosquitto_pub` is installed, runs it. Returns whether it did.
 *
 * @param {string} folder private to this user
 * @param {{ caPem?: string, mqttsHost: string, mqttsPort: number }} server
 * @param {{ certificatePem: string, privateKeyPem: string }} device
 * @param {string} message
 */
export async function publishByHand(folder, server, device, message) {
    const args = [
        ...(server.caPem ? ["--cafile", "tb-server-chain.pem"] : ["--capath", "/etc/ssl/certs"]), "-q", "1", "-h", server.mqttsHost, "-p", String(server.mqttsPort),
        "-t", "v1/devices/me/telemetry", "--key", "key.pem", "--cert", "cert.pem", "-m", message,
    ];
    print(
        "pulumi stack output ec --json | jq -r .certificatePem > cert.pem",
        "(umask 077; pulumi stack output ec --json --show-secrets | jq -r .privateKeyPem > key.pem)",
        `mosquitto_pub ${args.map((argument) => (/[{"]/.test(argument) ? `'${argument}'` : argument)).join(" ")}`,
    );
    if (onPath("mosquitto_pub").length === 0) {
        print("(mosquitto_pub is not installed here, so this was not run)");
        return false;
    }
    const write = (name, text) => fs.writeFileSync(path.join(folder, name), text, { mode: 0o600 });
    if (server.caPem) write("tb-server-chain.pem", server.caPem);
    write("cert.pem", device.certificatePem);
    write("key.pem", device.privateKeyPem);
    try {
        await promisify(execFile)("mosquitto_pub", args, { cwd: folder, timeout: 30_000 });
    } catch (error) {
        throw new DemoFailure(`mosquitto_pub was refused: ${error.stderr?.trim() || error.message}`);
    }
    return true;
}
