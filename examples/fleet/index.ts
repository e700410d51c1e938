// A fleet: the devices of devices.txt, or a made-up number of them to see what thousands are like.

import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as tb from "pulumi-thingsboard";

const config = new pulumi.Config();
const count = config.getNumber("count");
const listed = readFileSync(path.join(__dirname, "devices.txt"), "utf8").trim().split("\n");
const devices = count === undefined ? listed : Array.from({ length: count }, (_, i) => `pump-${String(i).padStart(6, "0")}`);

const fleet = new tb.DeviceFleet("pumps", {
    devices,
    // Fixed as long as the fleet lives: some hundreds of devices a batch when it has grown up.
    batches: config.getNumber("batches") ?? 32,
    publishCheck: config.get("publishCheck") === "all" ? "all" : "sample",
    onRemove: "delete",
});

export const summary = fleet.summary;
