// Several servers, or several tenants of one, in one program: an explicit Provider for each.

import * as pulumi from "@pulumi/pulumi";
import * as tb from "pulumi-thingsboard";

const config = new pulumi.Config();

function onServer(which: string) {
    const mqtt = config.getObject<{ host?: string; port?: number; caPem?: string }>(`${which}Mqtt`) ?? {};
    const provider = new tb.Provider(which, {
        url: config.require(`${which}Url`),
        apiKey: config.requireSecret(`${which}ApiKey`),
        ...(mqtt.host === undefined ? {} : { mqttHost: mqtt.host }),
        ...(mqtt.port === undefined ? {} : { mqttPort: mqtt.port }),
        ...(mqtt.caPem === undefined ? {} : { mqttCaPem: mqtt.caPem }),
    });
    const name = `${which}-pump-1`;
    const device = new tb.Device(name, { name: "pump-1", label: which }, { provider });
    const certificate = new tb.DeviceCertificate(name, { commonName: "pump-1" });
    const credential = new tb.DeviceCredential(name, { device, certificate }, { provider });
    const check = new tb.PublishCheck(name, { credential, certificate }, { provider });
    return { deviceId: device.deviceId, message: check.message };
}

export const staging = onServer("staging");
export const production = onServer("production");
