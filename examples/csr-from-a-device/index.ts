// The key is made on the device and never leaves it: what comes here is a request, what goes back is a certificate.

import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as tb from "pulumi-thingsboard";

const folder = new pulumi.Config().require("requests");
const authority = new tb.CertificateAuthority("factory", { commonName: "Factory root" });

export const certificates: Record<string, pulumi.Output<string>> = {};
for (const file of fs.readdirSync(folder).filter(file => file.endsWith(".csr"))) {
    const name = path.basename(file, ".csr");
    const csrPem = fs.readFileSync(path.join(folder, file), "utf8");
    const device = new tb.Device(name, { name });
    // A request for another name, or one that was changed on its way, stops here, in preview.
    const certificate = new tb.DeviceCertificate(name, { commonName: name, csrPem, authority });
    new tb.DeviceCredential(name, { device, certificate });
    certificates[name] = certificate.certificatePem;
}
