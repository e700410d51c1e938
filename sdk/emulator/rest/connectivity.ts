// What the platform tells about ways to connect: the certificate of its MQTT endpoint, and commands to try.
import { parseBasic } from "../platform/credentials";
import type { Credentials } from "../platform/entities";
import { itemNotFound, notFound } from "../platform/errors";
import { getDevice } from "../platform/devices";
import { pathId } from "../platform/ids";
import { since, type Platform } from "../platform/platform";
import type { Routes } from "./app";
import { requireTenantUser } from "./auth";
import { json, param } from "./http";

export interface Addresses {
    readonly restUrl: string;
    readonly mqttsHost: string;
    readonly mqttsPort: number;
    readonly mqttPort: number;
    /** Chain of the server's certificate as it was at the start: the real one reads the file once, too. */
    readonly chainPem: string;
}

export function connectivityRoutes({ route, open }: Routes, platform: Platform, addresses: () => Addresses): void {
    if (!since(platform, "3.6")) return;

    open("GET", "/api/device-connectivity/:protocol/certificate/download", (x) => {
        const protocol = param(x, "protocol");
        if (protocol !== "mqtts") throw notFound(`${protocol} pem cert file is not found!`);
        const headers = { "content-type": "application/octet-stream", "content-disposition": "attachment;filename=ca-root.pem", "x-filename": "ca-root.pem" };
        return new Response(addresses().chainPem, { headers });
    });

    route("GET", "/api/device-connectivity/:id", (x) => {
        const device = getDevice(platform, requireTenantUser(x.caller).tenantId, pathId(param(x, "id")));
        const row = platform.store.credentials.find("deviceId", device.id);
        if (!row) throw itemNotFound();
        if (row.credentialsType === "X509_CERTIFICATE") return json({ mqtt: { mqtts: "Check documentation" }, coap: { coaps: "Check documentation" } });
        if (row.credentialsType === "LWM2M_CREDENTIALS") return json({});
        const { restUrl, mqttsHost, mqttsPort, mqttPort } = addresses();
        const publish = (port: number, more: string): string =>
            `mosquitto_pub -d -q 1 ${more}-h ${mqttsHost} -p ${port} -t v1/devices/me/telemetry ${nameOptions(row)}-m "{temperature:25}"`;
        const http = `curl -v -X POST ${restUrl}/api/v1/${row.credentialsId}/telemetry --header Content-Type:application/json --data "{temperature:25}"`;
        return json({
            ...(row.credentialsType === "ACCESS_TOKEN" ? { http: { http } } : {}),
            mqtt: {
                mqtt: publish(mqttPort, ""),
                mqtts: [
                    `curl -f -S -o ca-root.pem ${restUrl}/api/device-connectivity/mqtts/certificate/download`,
                    publish(mqttsPort, "--cafile ca-root.pem "),
                ],
            },
        });
    });
}

function nameOptions(row: Credentials): string {
    const basic = row.credentialsType === "MQTT_BASIC" ? parseBasic(row.credentialsValue) : undefined;
    const options = basic ? { "-i": basic.clientId, "-u": basic.userName, "-P": basic.password } : { "-u": row.credentialsId };
    return Object.entries(options).map(([option, value]) => (value ? `${option} "${value}" ` : "")).join("");
}
