// One of each resource. What is here was recorded in ../<version>: add, but don't change what an earlier version has.

const { readFileSync } = require("node:fs");
const path = require("node:path");
const tb = require("pulumi-thingsboard");

/** Made once, and their keys thrown away. */
const pem = name => readFileSync(path.join(__dirname, `${name}.pem`), "utf8");

// As long as X.509 and this package allow: an expired certificate would be renewed in the replay.
const validityDays = 36_500;

const authority = new tb.CertificateAuthority("authority", { commonName: "authority", validityDays });
const profile = new tb.DeviceProfile("profile", { name: "recorded", description: "of the tests", x509Chain: { authority, commonNamePattern: "(.*)\\.example" } });
new tb.EnrolmentCheck("enrolment", { profile, authority, commonName: "canary.example" });

const device = new tb.Device("full", {
    name: "full", label: "Hall 3", gateway: true, attributes: { site: "north", floor: 2, nested: { a: [1, 2] } }, additionalInfo: { description: "a pump" },
}, { dependsOn: profile });
const certificate = new tb.DeviceCertificate("full", { commonName: "full", validityDays });
const credential = new tb.DeviceCredential("full", { device, certificate });
new tb.PublishCheck("full", { credential, certificate });
new tb.DeviceBundle("full", { certificate, host: "mqtt.example", port: 8883, pkcs12Password: "a password", serverChainPem: authority.certificatePem });

const adopted = new tb.Device("adopted", { name: "adopted", adopt: true });
const staged = new tb.DeviceCertificate("staged", { commonName: "staged", validityDays, renewal: "staged" });
new tb.DeviceCredential("adopted", { device: adopted, certificate: staged, adopt: true });

const byName = new tb.DeviceCertificate("by-name", { commonName: "by-name", validityDays, renewal: "immediate", rotationPolicy: "keepKey" });
new tb.DeviceCredential("by-name", { deviceName: "by-hand", certificate: byName, onDelete: "revoke" });

new tb.ServerChain("chain", { source: "download" });
new tb.ServerChain("handshake");

const factory = new tb.CertificateAuthority("factory", { commonName: "factory root", organization: "Recorded", country: "DE", validityDays, intermediate: { commonName: "factory devices", keyAlgorithm: "EC_P384", validityDays } });
const topics = new tb.DeviceProfile("topics", { name: "topics", transport: "MQTT", mqtt: { telemetryTopic: "pumps/telemetry" } });
const own = new tb.Device("own-key", { name: "own-key", deviceProfile: topics, customer: "Customer A", onDelete: "delete" });
const requested = new tb.DeviceCertificate("own-key", { commonName: "csr", csrPem: pem("csr"), authority: factory, validityDays });
const ownCredential = new tb.DeviceCredential("own-key", { device: own, certificate: requested, onDrift: "fail" });
new tb.PublishCheck("own-key", { credential: ownCredential, certificate: requested, mode: "observe", timeout: 1, onFailure: "warn" });

const given = new tb.DeviceCertificate("given", { certificatePem: pem("given") });
const givenDevice = new tb.Device("given", { name: "given" });
new tb.DeviceCredential("given", { device: givenDevice, certificate: given, ignoreServerRotation: true });
tb.Device.get("looked-up", "by-hand");

new tb.DeviceFleet("fleet", {
    devices: ["fleet-1", { name: "fleet-2", label: "Hall 4", attributes: { site: "south", nested: { a: [1] } } }, { name: "fleet-3", certificatePem: pem("fleet-3") }],
    batches: 2,
    certificate: { authority: factory, validityDays, renewBeforeDays: 30, renewalJitterDays: 5 },
    renewal: "immediate",
    publishCheck: "all",
    onRemove: "delete",
    maxRemovals: 3,
});
