// What people do today: ThingsBoard's guide to certificate authentication for each device, by openssl, curl and
// mosquitto_pub, one after the other or by `xargs -P`.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const script = `#!/bin/sh
set -e
name=$1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -keyout $name.key -out $name.pem -subj "/CN=$name" 2>/dev/null
api() { curl -sSf $CURL_CA -H @authorization -H "Content-Type: application/json" "$@"; }
id=$(api -d "{\\"name\\":\\"$name\\"}" $THINGSBOARD_URL/api/device | sed 's/.*"entityType":"DEVICE","id":"\\([^"]*\\)".*/\\1/')
row=$(api $THINGSBOARD_URL/api/device/$id/credentials)
rowid=$(echo "$row" | sed 's/^{"id":{"id":"\\([^"]*\\)".*/\\1/')
value=$(grep -v CERTIFICATE $name.pem | tr -d '\\n')
api -o /dev/null -d "{\\"id\\":{\\"id\\":\\"$rowid\\"},\\"deviceId\\":{\\"entityType\\":\\"DEVICE\\",\\"id\\":\\"$id\\"},\\"credentialsType\\":\\"X509_CERTIFICATE\\",\\"credentialsValue\\":\\"$value\\"}" $THINGSBOARD_URL/api/device/credentials
mosquitto_pub $MQTT_CA -q 1 -h "$THINGSBOARD_MQTT_HOST" -p "$THINGSBOARD_MQTT_PORT" -t v1/devices/me/telemetry --key $name.key --cert $name.pem -m '{"temperature":25}'
echo $id
`;

/** @returns seconds and the ids of the devices */
export async function byHand(server, names, processes) {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-bench-"));
    writeFileSync(path.join(folder, "device.sh"), script, { mode: 0o755 });
    writeFileSync(path.join(folder, "authorization"), `X-Authorization: ${server.authorization}\n`, { mode: 0o600 });
    if (server.caPem !== undefined) writeFileSync(path.join(folder, "ca.pem"), server.caPem);
    const trust = {
        CURL_CA: server.restCaPem === undefined ? "" : "--cacert ca.pem",
        MQTT_CA: server.caPem === undefined ? "--capath /etc/ssl/certs" : "--cafile ca.pem",
    };
    const began = performance.now();
    const child = spawn("xargs", [`-P${processes}`, "-n1", "./device.sh"], { cwd: folder, env: { ...process.env, ...server.environment, ...trust }, stdio: ["pipe", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", chunk => (text += chunk));
    child.stdin.end(names.join("\n"));
    const code = await new Promise(done => child.once("exit", done));
    const seconds = (performance.now() - began) / 1000;
    rmSync(folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the guide's loop ended with ${code}`);
    return { seconds, ids: text.trim().split("\n") };
}
