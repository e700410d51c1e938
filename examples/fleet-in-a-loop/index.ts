// A device for each line of devices.csv. Good up to about a thousand: each device is seven Pulumi resources, four of them declared here.

import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as tb from "pulumi-thingsboard";

const [, ...lines] = readFileSync(path.join(__dirname, "devices.csv"), "utf8").trim().split("\n");

export const expires: Record<string, unknown> = {};
for (const line of lines) {
    const [name, label, site] = line.split(",").map(field => field.trim()) as [string, string, string];
    const device = new tb.Device(name, { name, label, attributes: { site } });
    const certificate = new tb.DeviceCertificate(name, { commonName: name });
    const credential = new tb.DeviceCredential(name, { device, certificate });
    new tb.PublishCheck(name, { credential, certificate });
    expires[name] = certificate.notAfter;
}
