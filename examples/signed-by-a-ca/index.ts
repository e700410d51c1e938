// A root, an intermediate below it that does the signing, and devices bound to what it signed.

import * as tb from "pulumi-thingsboard";

const authority = new tb.CertificateAuthority("factory", {
    commonName: "Factory root",
    organization: "Example",
    intermediate: { commonName: "Factory devices" },
});

export const authorityPem = authority.chainPem;
export const chains: Record<string, unknown> = {};
for (const name of ["pump-1", "pump-2"]) {
    const device = new tb.Device(name, { name });
    const certificate = new tb.DeviceCertificate(name, { commonName: name, organization: "Example", authority });
    const credential = new tb.DeviceCredential(name, { device, certificate });
    new tb.PublishCheck(name, { credential, certificate });
    chains[name] = certificate.chainPem;
}
