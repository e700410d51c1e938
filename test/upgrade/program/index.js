// One of each resource. What is here was recorded in ../<version>: add, but don't change what an earlier version has.

const tb = require("pulumi-thingsboard");

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
