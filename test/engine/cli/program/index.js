// One device by itself and two of a fleet; two Providers, so that one has to be named.

const pulumi = require("@pulumi/pulumi");
const tb = require("pulumi-thingsboard");

const config = new pulumi.Config();
const mqtt = { mqttHost: config.require("mqttHost"), mqttPort: config.requireNumber("mqttPort"), mqttCaPem: config.require("mqttCaPem") };
const provider = new tb.Provider("eu", { url: config.require("url"), apiKey: config.requireSecret("apiKey"), ...mqtt });
new tb.Provider("us", { url: config.require("url"), username: config.require("username"), password: config.requireSecret("password"), ...mqtt });

const device = new tb.Device("pump-1", { name: "pump-1" }, { provider });
const certificate = new tb.DeviceCertificate("pump-1", { commonName: "pump-1" });
const credential = new tb.DeviceCredential("pump-1", { device, certificate }, { provider });
new tb.PublishCheck("pump-1", { credential, certificate }, { provider });
new tb.DeviceFleet("pumps", { devices: ["fleet-1", "fleet-2"], batches: 1, publishCheck: "none" }, { provider });

exports.certificatePem = certificate.certificatePem;
exports.privateKeyPem = certificate.privateKeyPem;
