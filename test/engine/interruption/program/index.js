// Each lane declares a few resources that depend on nothing outside of it, so that many lanes can be interrupted in one
// run, each at a call of its own. What they are comes from a file: see ../lanes.ts.

const { readFileSync } = require("node:fs");
const tb = require("pulumi-thingsboard");

const kinds = {
    create(name, changed) {
        if (!changed) return;
        const device = new tb.Device(name, { name, label: "made", attributes: { site: "north" } });
        const certificate = new tb.DeviceCertificate(name, { commonName: name });
        const credential = new tb.DeviceCredential(name, { device, certificate });
        new tb.PublishCheck(name, { credential, certificate, mode: "connect" });
    },
    hand(name, changed) {
        if (!changed) return;
        new tb.DeviceCredential(name, { deviceName: name, certificate: new tb.DeviceCertificate(name, { commonName: name }) });
    },
    adopt(name, changed, { pems }) {
        if (!changed) return;
        const device = new tb.Device(name, { name, adopt: true, attributes: { site: "north" } });
        new tb.DeviceCredential(name, { device, certificatePem: pems[1], adopt: true });
    },
    rebind(name, changed, { pems }) {
        const device = new tb.Device(name, { name, label: changed ? "after" : "before" });
        new tb.DeviceCredential(name, { device, certificatePem: pems[changed ? 1 : 0] });
    },
    move(name, changed, { pems }) {
        const from = new tb.Device(`${name}-from`, { name: `${name}-from` });
        const to = new tb.Device(`${name}-to`, { name: `${name}-to` });
        new tb.DeviceCredential(name, { device: changed ? to : from, certificatePem: pems[0] });
    },
    renew(name, changed) {
        const device = new tb.Device(name, { name });
        const certificate = new tb.DeviceCertificate(name, { commonName: name, organization: changed ? "after" : "before" });
        const credential = new tb.DeviceCredential(name, { device, certificate });
        new tb.PublishCheck(name, { credential, certificate, mode: "connect" });
    },
    fleet(name, changed) {
        const last = changed ? [`${name}-b`] : [];
        new tb.DeviceFleet(name, { devices: [`${name}-a`, ...last], batches: 1, publishCheck: "none", onRemove: "delete" });
    },
    profile(name, changed) {
        new tb.DeviceProfile(name, { name, description: changed ? "after" : "before" });
    },
    // Without an alias the engine creates the new one first and deletes the old one at the end.
    rename(name, changed, { pems }) {
        const logical = changed ? `${name}-renamed` : name;
        const device = new tb.Device(logical, { name });
        new tb.DeviceCredential(logical, { device, certificatePem: pems[0] });
    },
};

for (const lane of JSON.parse(readFileSync(process.env.LANES, "utf8"))) kinds[lane.kind](lane.name, lane.changed, lane);
