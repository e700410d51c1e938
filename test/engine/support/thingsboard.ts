// The ThingsBoard that engine tests run against, and a hand to change things there as a person would.

import { type Emulator, startEmulator } from "../../../sdk/emulator/index";
import { RestFailure, restClient } from "../../../tools/live/rest.mjs";
import { type LiveTarget, programEnvironment } from "../../../tools/live/target.mjs";
import { live } from "./live";
import type { Target } from "./stack";

export interface ThingsBoardUnderTest extends Target {
    /** For tests declared by `emulated`. */
    readonly emulator: Emulator;
    readonly mqtts: { readonly host: string; readonly port: number; readonly caPem: string };
    /** Url and credentials, as a `Provider` takes them. */
    readonly provider: { readonly url: string; readonly apiKey?: string; readonly username?: string; readonly password?: string; readonly caPem?: string };
    /** One REST call as the tenant's administrator; throws for anything but 2xx. */
    call<Answer = unknown>(method: string, path: string, body?: unknown): Promise<Answer>;
    deviceByName(name: string): Promise<RemoteDevice | undefined>;
    credentials(deviceId: string): Promise<RemoteCredentials>;
    /** The latest value of a telemetry key, as ThingsBoard has it at this moment: a PUBACK may be ahead of it. */
    latest(deviceId: string, key: string): Promise<string | null>;
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

/** The live server where there is one, or else an emulator of the test file's own. */
export async function thingsBoard(options?: Parameters<typeof startEmulator>[0]): Promise<ThingsBoardUnderTest> {
    return live ? underTest(live) : emulatedThingsBoard(options);
}

export async function emulatedThingsBoard(options?: Parameters<typeof startEmulator>[0]): Promise<ThingsBoardUnderTest> {
    const emulator = await startEmulator(options);
    const { restUrl: url, apiKey, username, password, caPem, mqttsHost, mqttsPort } = emulator;
    const who = apiKey === "" ? { username, password } : { apiKey };
    return underTest({ url, ...who, caPem, mqttsHost, mqttsPort }, emulator);
}

function underTest(target: Omit<LiveTarget, "prefix">, emulator?: Emulator): ThingsBoardUnderTest {
    const { url, apiKey, username, password, caPem, mqttsHost, mqttsPort } = target;
    const rest = restClient(target);
    const call = <Answer>(method: string, path: string, body?: unknown): Promise<Answer> => rest.call(method, path, body);
    const environment = programEnvironment(target);
    return {
        get emulator() {
            if (!emulator) throw new Error("a live server has no faults, limits and versions on demand: declare this test by emulated.test");
            return emulator;
        },
        environment,
        mqtts: { host: mqttsHost, port: mqttsPort, caPem: caPem ?? "" },
        provider: {
            url,
            ...(apiKey === undefined ? {} : { apiKey }),
            ...(username === undefined ? {} : { username }),
            ...(password === undefined ? {} : { password }),
            ...(environment["THINGSBOARD_CA_PEM"] === undefined ? {} : { caPem: environment["THINGSBOARD_CA_PEM"] }),
        },
        call,
        deviceByName: name =>
            call<RemoteDevice>("GET", `/api/tenant/devices?deviceName=${encodeURIComponent(name)}`).catch((error: unknown) => {
                if (error instanceof RestFailure && error.status === 404) return undefined;
                throw error;
            }),
        credentials: deviceId => call("GET", `/api/device/${deviceId}/credentials`),
        async latest(deviceId, key) {
            const values = await call<Record<string, { value: string | null }[]>>("GET", `/api/plugins/telemetry/DEVICE/${deviceId}/values/timeseries?keys=${key}`);
            return values[key]?.[0]?.value ?? null;
        },
        async stop() {
            rest.close();
            await emulator?.stop();
        },
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
