// The programs that are measured. What varies comes from the environment.

/** N devices; CHECK none or all; RENEW makes a tenth of those from a first `up` fall due. */
export const fleetProgram = `
const tb = require("pulumi-thingsboard");
const { N, CHECK = "none", RENEW, PREFIX = "" } = process.env;
const devices = Array.from({ length: Number(N) }, (_, i) => PREFIX + "pump-" + String(i).padStart(6, "0"));
// Each of them has 365 days left and is early by up to 100: the last tenth of these days reaches today.
const certificate = RENEW ? { validityDays: 3650, renewBeforeDays: 275, renewalJitterDays: 100 } : undefined;
const fleet = new tb.DeviceFleet("pumps", { devices, publishCheck: CHECK, certificate, renewal: "immediate", onRemove: "delete", maxRemovals: 1e9 });
exports.summary = fleet.summary;
`;

export const singleProgram = `
const tb = require("pulumi-thingsboard");
const { N, PREFIX = "" } = process.env;
for (let i = 0; i < Number(N); i++) {
    const name = PREFIX + "single-" + i;
    const device = new tb.Device(name, { name });
    const certificate = new tb.DeviceCertificate(name, { commonName: name });
    const credential = new tb.DeviceCredential(name, { device, certificate });
    new tb.PublishCheck(name, { credential, certificate });
}
`;

/** The same resources, with nothing behind them but the TLS provider. */
export const noopProgram = `
const pulumi = require("@pulumi/pulumi");
const tls = require("@pulumi/tls");
const __provider = 'exports.handler = () => ({ check: async (_, inputs) => ({ inputs }), diff: async () => ({ changes: false }), create: async outs => ({ id: "none", outs }), read: async (id, props) => ({ id, props }), update: async (_, __, outs) => ({ outs }), delete: async () => {} });';
class Nothing extends pulumi.CustomResource {
    constructor(name, props, opts) {
        super("pulumi-nodejs:dynamic/bench:Nothing", name, { ...props, __provider }, opts);
    }
}
for (let i = 0; i < Number(process.env.N); i++) {
    const name = "single-" + i;
    const device = new Nothing("device-" + i, { name });
    const parent = new pulumi.ComponentResource("bench:index:Certificate", name);
    new Nothing("renewal-" + i, { certificate: name }, { parent });
    const key = new tls.PrivateKey(name, { algorithm: "ECDSA", ecdsaCurve: "P256" }, { parent });
    const certificate = new tls.SelfSignedCert(name, { privateKeyPem: key.privateKeyPem, subject: { commonName: name }, validityPeriodHours: 8760, allowedUses: ["digital_signature", "client_auth"], setSubjectKeyId: true }, { parent });
    const credential = new Nothing("credential-" + i, { deviceId: device.id, certificatePem: certificate.certPem });
    new Nothing("check-" + i, { credential: credential.id, certificatePem: certificate.certPem, privateKeyPem: key.privateKeyPemPkcs8 });
}
`;

/** What every program of ours begins with, and nothing else. */
export const emptyProgram = `require("pulumi-thingsboard");`;
