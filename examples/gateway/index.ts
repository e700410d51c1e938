// A gateway speaks for the devices behind it. It gets a certificate, and its configuration ready to be copied.

import * as pulumi from "@pulumi/pulumi";
import * as tb from "pulumi-thingsboard";

const directory = new pulumi.Config().require("directory");

const device = new tb.Device("gateway-1", { name: "gateway-1", gateway: true });
const certificate = new tb.DeviceCertificate("gateway-1", { commonName: "gateway-1" });
const credential = new tb.DeviceCredential("gateway-1", { device, certificate });
const check = new tb.PublishCheck("gateway-1", { credential, certificate });
const bundle = new tb.DeviceBundle("gateway-1", { certificate, directory, deviceDirectory: "/thingsboard_gateway/certificates" });

export const result = check.message;
/** The part `thingsboard` of tb_gateway.json. */
export const configuration = bundle.gatewayConfiguration;
/** The same for a container: docker run -e … */
export const environment = bundle.gatewayEnvironment;
