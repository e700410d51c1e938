// ThingsBoard's guide to certificate authentication, its four steps in one `pulumi up`, for both kinds of key it names.

import * as pulumi from "@pulumi/pulumi";
import * as tb from "pulumi-thingsboard";

// The guide's own measurement, so that it shows up on the device's page under "Latest telemetry".
const payload = JSON.stringify({ temperature: 25 });

function pump(name: string, keyAlgorithm: tb.KeyAlgorithm) {
    const device = new tb.Device(name, { name, label: "Quick start" });
    const certificate = new tb.DeviceCertificate(name, { commonName: name, keyAlgorithm });
    const credential = new tb.DeviceCredential(name, { device, certificate });
    const check = new tb.PublishCheck(name, { credential, certificate, payload });
    return {
        deviceId: device.deviceId,
        credentialsId: credential.credentialsId,
        certificatePem: certificate.certificatePem,
        privateKeyPem: certificate.privateKeyPem,
        notAfter: certificate.notAfter,
        connackCode: check.connackCode,
        pubackCode: check.pubackCode,
        message: check.message,
    };
}

const prefix = new pulumi.Config().require("prefix");
export const ec = pump(`${prefix}-1`, "EC_P256");
export const rsa = pump(`${prefix}-2`, "RSA_4096");
