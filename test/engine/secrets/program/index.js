// Everything that is secret goes in here: credentials of two kinds, a key given by the user, keys that are made.

const pulumi = require("@pulumi/pulumi");
const tb = require("pulumi-thingsboard");

const config = new pulumi.Config();
const url = config.require("url");
const mqtt = { mqttHost: config.require("mqttHost"), mqttPort: config.requireNumber("mqttPort"), mqttCaPem: config.require("mqttCaPem") };
const byKey = new tb.Provider("by-key", { url, apiKey: config.requireSecret("apiKey"), ...mqtt });
const byPassword = new tb.Provider("by-password", { url, username: config.require("username"), password: config.requireSecret("password"), ...mqtt });

const device = new tb.Device("made", { name: "made", label: config.get("label") ?? "one" }, { provider: byKey });
const certificate = new tb.DeviceCertificate("made", { commonName: "made", renewal: "staged", organization: config.get("organization") ?? "one" });
const credential = new tb.DeviceCredential("made", { device, certificate }, { provider: byKey });
new tb.PublishCheck("made", { credential, certificate, timeout: 10 }, { provider: byKey });
new tb.DeviceBundle("made", { certificate, pkcs12Password: config.requireSecret("pkcs12Password") }, { provider: byKey });

const given = new tb.Device("given", { name: "given" }, { provider: byPassword });
const certificatePem = config.require("certificatePem");
const bound = new tb.DeviceCredential("given", { device: given, certificatePem }, { provider: byPassword });
new tb.PublishCheck("given", { credential: bound, certificatePem, privateKeyPem: config.requireSecret("privateKeyPem"), mode: "connect", timeout: 10 }, { provider: byPassword });

exports.privateKeyPem = certificate.privateKeyPem;
exports.nextPrivateKeyPem = certificate.nextPrivateKeyPem;
