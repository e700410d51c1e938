const pulumi = require("@pulumi/pulumi");
const tls = require("@pulumi/tls");

// A provider that is given a secret, a resource that is, and one that makes one.
const config = new pulumi.Config();
const provider = new tls.Provider("tls", { proxy: { url: "http://127.0.0.1:9", username: "somebody", password: config.requireSecret("password") } });
const certificate = (name, privateKeyPem, opts) => new tls.SelfSignedCert(name, { privateKeyPem, allowedUses: ["client_auth"], validityPeriodHours: 24, subject: { commonName: name } }, opts);
certificate("given", config.requireSecret("privateKeyPem"), { provider });
certificate("made", new tls.PrivateKey("made", { algorithm: "ECDSA", ecdsaCurve: "P256" }).privateKeyPem);
