import * as tb from "pulumi-thingsboard";

/** One pump: a device with a certificate of its own, proven by a publish. */
export function pump(name: string, site: string) {
    const device = new tb.Device(name, { name, label: `Pump, ${site}` });
    const certificate = new tb.DeviceCertificate(name, { commonName: name });
    const credential = new tb.DeviceCredential(name, { device, certificate });
    new tb.PublishCheck(name, { credential, certificate });
    return { certificatePem: certificate.certificatePem, privateKeyPem: certificate.privateKeyPem };
}
