// The ThingsBoard that engine tests run against, and a hand to change things there as a person would.

import { type Emulator, startEmulator } from "../../../sdk/emulator/index";
import type { Target } from "./stack";

export interface ThingsBoardUnderTest extends Target {
    readonly emulator: Emulator;
    /** One REST call as the tenant's administrator; throws for anything but 2xx. */
    call<Answer = unknown>(method: string, path: string, body?: unknown): Promise<Answer>;
    deviceByName(name: string): Promise<RemoteDevice | undefined>;
    credentials(deviceId: string): Promise<RemoteCredentials>;
    stop(): Promise<void>;
}

export interface RemoteDevice {
    readonly id: { readonly id: string };
    readonly name: string;
    readonly label: string | null;
    readonly type: string;
    readonly additionalInfo: Record<string, unknown> | null;
    readonly version?: number;
}

export interface RemoteCredentials {
    readonly id: { readonly id: string };
    readonly credentialsType: string;
    readonly credentialsId: string;
    readonly credentialsValue: string | null;
    readonly version?: number;
}

export async function thingsBoard(options?: Parameters<typeof startEmulator>[0]): Promise<ThingsBoardUnderTest> {
    const emulator = await startEmulator(options);
    const headers = { "X-Authorization": `ApiKey ${emulator.apiKey}`, "Content-Type": "application/json" };
    const request = async (method: string, path: string, body?: unknown) =>
        fetch(emulator.restUrl + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return {
        emulator,
        environment: {
            THINGSBOARD_URL: emulator.restUrl,
            THINGSBOARD_API_KEY: emulator.apiKey,
            THINGSBOARD_MQTT_HOST: emulator.mqttsHost,
            THINGSBOARD_MQTT_PORT: String(emulator.mqttsPort),
            THINGSBOARD_MQTT_CA_PEM: emulator.caPem,
        },
        async call<Answer>(method: string, path: string, body?: unknown) {
            const answer = await request(method, path, body);
            const text = await answer.text();
            if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
            return (text === "" ? undefined : JSON.parse(text)) as Answer;
        },
        async deviceByName(name) {
            const answer = await request("GET", `/api/tenant/devices?deviceName=${encodeURIComponent(name)}`);
            return answer.status === 404 ? undefined : ((await answer.json()) as RemoteDevice);
        },
        async credentials(deviceId) {
            return (await (await request("GET", `/api/device/${deviceId}/credentials`)).json()) as RemoteCredentials;
        },
        stop: () => emulator.stop(),
    };
}

/** Puts a random access token in the place of whatever the device holds, as somebody at the web page would. */
export async function switchToToken(server: ThingsBoardUnderTest, deviceId: string): Promise<void> {
    const row = await server.credentials(deviceId);
    const token = `T${Math.random().toString(36).slice(2, 12)}`;
    await server.call("POST", "/api/device/credentials", { ...row, credentialsType: "ACCESS_TOKEN", credentialsId: token, credentialsValue: null });
}

export async function switchToCertificate(server: ThingsBoardUnderTest, deviceId: string, certificatePem: string): Promise<void> {
    const row = await server.credentials(deviceId);
    await server.call("POST", "/api/device/credentials", { ...row, credentialsType: "X509_CERTIFICATE", credentialsValue: certificatePem });
}
