// A fleet whose devices have names that nobody would choose who means well.

const tb = require("pulumi-thingsboard");
const names = require("./names.json");

new tb.DeviceFleet("fleet", { devices: names, batches: 1, publishCheck: "none", onRemove: "delete" });
