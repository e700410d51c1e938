// Three resources, whatever the size of the fleet: whoever comes with a certificate of the factory's CA becomes a device.

import * as tb from "pulumi-thingsboard";

const authority = new tb.CertificateAuthority("factory", { commonName: "Factory root", intermediate: { commonName: "Factory devices" } });

const profile = new tb.DeviceProfile("pumps", {
    name: "pumps",
    description: "Pumps, as the factory makes them",
    x509Chain: { authority, commonNamePattern: "(.*)\\.pumps\\.example\\.com" },
});

// A canary with a freshly signed certificate enrols, is seen, and is removed again.
const check = new tb.EnrolmentCheck("pumps", { profile, authority, commonName: "canary.pumps.example.com" });
export const enrolment = check.message;

// What the factory puts on one pump. The device itself is declared nowhere: it makes itself known.
const certificate = new tb.DeviceCertificate("pump-1", { commonName: "pump-1.pumps.example.com", authority });
const bundle = new tb.DeviceBundle("pump-1", { certificate });
export const { chainPem, privateKeyPem } = certificate;
export const { tbServerChainPem } = bundle;
export const publish = bundle.mosquittoPub;
