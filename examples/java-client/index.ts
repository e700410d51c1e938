// Key and certificate as a PKCS#12 key store, which Java reads as it is.

import * as pulumi from "@pulumi/pulumi";
import * as tb from "pulumi-thingsboard";

const config = new pulumi.Config();

const device = new tb.Device("pump-1", { name: "pump-1" });
const certificate = new tb.DeviceCertificate("pump-1", { commonName: "pump-1" });
const credential = new tb.DeviceCredential("pump-1", { device, certificate });
const bundle = new tb.DeviceBundle("pump-1", {
    certificate,
    directory: config.require("directory"),
    pkcs12Password: config.requireSecret("keyStorePassword"),
});

export const credentialsId = credential.credentialsId;
export const files = bundle.files;
export const { host, port } = bundle.gatewayConfiguration;
