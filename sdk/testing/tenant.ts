// What is on the emulated ThingsBoard, seen from outside: over REST, as its tenant's administrator.

import type { Emulator } from "../emulator";
import { toPem } from "../x509/leaf";

/** A device as ThingsBoard has it. */
export interface DeviceSeen {
    /** ThingsBoard's id (a UUID). */
    readonly id: string;
    /** Unique on the tenant. */
    readonly name: string;
    /** Shown beside the name. */
    readonly label: string | undefined;
    /** Name of its device profile. */
    readonly profile: string;
}

/** What a device has to show to be let in. */
export interface CredentialsSeen {
    /** `"X509_CERTIFICATE"`, `"ACCESS_TOKEN"`, `"MQTT_BASIC"` or `"LWM2M_CREDENTIALS"`. */
    readonly type: string;
    /** For a certificate its SHA3-256 (lower-case hex), for an access token the token. */
    readonly credentialsId: string;
    /** The bound certificate (PEM), or undefined. */
    readonly certificatePem: string | undefined;
}

interface DeviceRow {
    readonly id: { readonly id: string };
    readonly name: string;
    readonly label: string | null;
    readonly type: string;
}

interface CredentialsRow {
    readonly credentialsType: string;
    readonly credentialsId: string;
    readonly credentialsValue: string | null;
}

/** What ThingsBoard answered, where it was not 2xx. */
export class RestError extends Error {
    constructor(
        /** HTTP status. */
        readonly status: number,
        message: string,
    ) {
        super(message);
    }
}

const pageSize = 1000;

export function tenant({ restUrl, apiKey, username, password, ...emulator }: Emulator) {
    return { call, devices, device, credentials, telemetry };

    async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
        return send(method, path, body, { "X-Authorization": apiKey === "" ? `Bearer ${await logIn()}` : `ApiKey ${apiKey}` });
    }

    /** For each call anew: a test may end the life of every token. */
    async function logIn(): Promise<string> {
        return (await send<{ token: string }>("POST", "/api/auth/login", { username, password })).token;
    }

    async function send<Answer>(method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
        const answer = await fetch(restUrl + path, {
            method,
            headers: { ...headers, "Content-Type": "application/json" },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await answer.text();
        if (!answer.ok) throw new RestError(answer.status, `${method} ${path}: the emulated ThingsBoard answered ${answer.status} ${text}`);
        return (text === "" ? undefined : JSON.parse(text)) as Answer;
    }

    async function devices(): Promise<DeviceSeen[]> {
        // Professional Edition and Cloud list devices elsewhere than Community Edition.
        const path = emulator.status().edition === "CE" ? "/api/tenant/devices" : "/api/user/devices";
        const found: DeviceRow[] = [];
        for (let page = 0, more = true; more; page++) {
            const { data, hasNext } = await call<{ data: DeviceRow[]; hasNext: boolean }>("GET", `${path}?pageSize=${pageSize}&page=${page}&sortProperty=name&sortOrder=ASC`);
            found.push(...data);
            more = hasNext;
        }
        return found.map(seen);
    }

    async function device(name: string): Promise<DeviceSeen | undefined> {
        try {
            return seen(await call<DeviceRow>("GET", `/api/tenant/devices?deviceName=${encodeURIComponent(name)}`));
        } catch (error) {
            if (error instanceof RestError && error.status === 404) return undefined;
            throw error;
        }
    }

    async function idOf(name: string): Promise<string> {
        const found = await device(name);
        if (!found) throw new Error(`the emulated ThingsBoard has no device "${name}"`);
        return found.id;
    }

    async function credentials(name: string): Promise<CredentialsSeen> {
        const { credentialsType, credentialsId, credentialsValue } = await call<CredentialsRow>("GET", `/api/device/${await idOf(name)}/credentials`);
        const certificatePem = credentialsType === "X509_CERTIFICATE" && credentialsValue !== null ? toPem(credentialsValue) : undefined;
        return { type: credentialsType, credentialsId, certificatePem };
    }

    async function telemetry(name: string, key: string): Promise<unknown> {
        const path = `/api/plugins/telemetry/DEVICE/${await idOf(name)}/values/timeseries?keys=${encodeURIComponent(key)}&useStrictDataTypes=true`;
        const values = await call<Record<string, { value: unknown }[]>>("GET", path);
        return values[key]?.[0]?.value ?? undefined;
    }
}

const seen = ({ id, name, label, type }: DeviceRow): DeviceSeen => ({ id: id.id, name, label: label ?? undefined, profile: type });
