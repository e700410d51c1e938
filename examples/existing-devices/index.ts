// Brings devices that were added by hand under certificates. They stay when the stack is destroyed.

import * as pulumi from "@pulumi/pulumi";
import * as tb from "pulumi-thingsboard";

const names = new pulumi.Config().requireObject<string[]>("devices");

export const bound: Record<string, unknown> = {};
for (const name of names) {
    const certificate = new tb.DeviceCertificate(name, { commonName: name });
    // adopt: the device may be in use with an access token, which stops working as soon as the certificate is bound.
    const credential = new tb.DeviceCredential(name, { deviceName: name, certificate, adopt: true });
    new tb.PublishCheck(name, { credential, certificate });
    bound[name] = credential.credentialsId;
}
