// One of each kind of resource, with keys wherever there can be some.

const pulumi = require("@pulumi/pulumi");
const tb = require("pulumi-thingsboard");

const config = new pulumi.Config();

const authority = new tb.CertificateAuthority("root", { commonName: "Kinds root", intermediate: { commonName: "Kinds devices" } });
const profile = new tb.DeviceProfile("chained", { name: "kinds-chained", x509Chain: { authority, commonNamePattern: "(.*)\\.kinds" } });
new tb.EnrolmentCheck("canary", { profile, authority, commonName: "canary.kinds", timeout: 10 });

const device = new tb.Device("own", { name: "kinds-own" });
const certificate = new tb.DeviceCertificate("own", { commonName: "kinds-own", renewal: "staged" });
const credential = new tb.DeviceCredential("own", { device, certificate });
new tb.PublishCheck("own", { credential, certificate, timeout: 10 });

const signed = new tb.DeviceCertificate("signed", { commonName: "kinds-signed", authority });
const second = new tb.Device("signed", { name: "kinds-signed" });
new tb.DeviceCredential("signed", { device: second, certificate: signed });
new tb.DeviceBundle("signed", { certificate: signed, pkcs12Password: config.requireSecret("pkcs12Password"), directory: config.require("directory") });

new tb.ServerChain("chain", {});
new tb.DeviceFleet("fleet", { devices: ["kinds-1", "kinds-2", "kinds-3"], batches: 1, publishCheck: "all", certificate: { authority }, onRemove: "delete" });
