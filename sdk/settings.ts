// Which ThingsBoard, and as whom: read from one source, never mixed from two.

import { isIP } from "node:net";
import { cloudMqttHosts } from "./cloud";
import { shown } from "./printable";
import { UserError } from "./userError";

/** What a `Provider` holds, all text as the engine stores it. Keys are those of stack config, without `thingsboard:`. */
export const settingKeys = [
    "url",
    "apiKey",
    "username",
    "password",
    "caPem",
    "mqttHost",
    "mqttPort",
    "mqttCaPem",
    "rateLimit",
    "concurrency",
    "deleteConcurrency",
    "timeout",
    "allowInsecureHttp",
] as const;
export type SettingKey = (typeof settingKeys)[number];
export type SettingTexts = Partial<Record<SettingKey, string>>;

export type Credentials = { readonly apiKey: string } | { readonly username: string; readonly password: string };

export interface Settings {
    readonly url: string;
    readonly credentials: Credentials;
    readonly caPem?: string;
    readonly mqttHost: string;
    readonly mqttPort: number;
    readonly mqttCaPem?: string;
    /** Requests a second. */
    readonly rateLimit?: number;
    readonly concurrency?: number;
    readonly deleteConcurrency?: number;
    /** Seconds for one request. */
    readonly timeout?: number;
    readonly allowInsecureHttp?: boolean;
}

/** The variables of the environment, for pipelines that keep URL and credentials out of state. */
export const environmentVariables: Readonly<Record<SettingKey, string>> = {
    url: "THINGSBOARD_URL",
    apiKey: "THINGSBOARD_API_KEY",
    username: "THINGSBOARD_USERNAME",
    password: "THINGSBOARD_PASSWORD",
    caPem: "THINGSBOARD_CA_PEM",
    mqttHost: "THINGSBOARD_MQTT_HOST",
    mqttPort: "THINGSBOARD_MQTT_PORT",
    mqttCaPem: "THINGSBOARD_MQTT_CA_PEM",
    rateLimit: "THINGSBOARD_RATE_LIMIT",
    concurrency: "THINGSBOARD_CONCURRENCY",
    deleteConcurrency: "THINGSBOARD_DELETE_CONCURRENCY",
    timeout: "THINGSBOARD_TIMEOUT",
    allowInsecureHttp: "THINGSBOARD_ALLOW_INSECURE_HTTP",
};

/** Which ThingsBoard, and as whom: these come from one source. */
export const identity = ["url", "apiKey", "username", "password"] as const;

/**
 * An explicit `Provider` or stack config (both arrive as `given`) or else the environment. URL and credentials come from
 * the same source: production's key must not travel to another server because a variable was left set.
 *
 * @throws UserError naming what is missing or mixed; never a value.
 */
export function readSettings(given: SettingTexts, env: NodeJS.ProcessEnv): Settings {
    const fromEnv = environmentSettings(env);
    const givenIdentity = identity.filter(key => given[key] !== undefined);
    const source = givenIdentity.length > 0 ? "the Provider or stack config" : "the environment";
    const who = givenIdentity.length > 0 ? given : fromEnv;
    // Where to connect goes with whom: a CA or an MQTT host left in the environment belongs to the server named there.
    const texts: SettingTexts = givenIdentity.length > 0 ? given : { ...fromEnv, ...given };
    if (who.url === undefined && who.apiKey === undefined && who.username === undefined && who.password === undefined) {
        throw new UserError(
            "no ThingsBoard is configured: give a Provider with url and apiKey (or username and password), or set them in stack config " +
                "(pulumi config set thingsboard:url …, pulumi config set --secret thingsboard:apiKey …), or in the environment (THINGSBOARD_URL, THINGSBOARD_API_KEY)",
        );
    }
    if (who.url === undefined) {
        throw new UserError(`url is missing: ${source} has credentials for ThingsBoard but does not say which server they are for (URL and credentials come from the same source)`);
    }
    const credentials = readCredentials(who, source);
    const url = checkUrl(who.url);
    const rateLimit = number(texts, "rateLimit");
    const concurrency = whole(texts, "concurrency");
    const deleteConcurrency = whole(texts, "deleteConcurrency");
    const timeout = number(texts, "timeout");
    const mqttPort = whole(texts, "mqttPort") ?? 8883;
    if (mqttPort > 65535) throw new UserError(`mqttPort is ${mqttPort}: expected a port, 1 to 65535`);
    const mqttHost = texts.mqttHost ?? defaultMqttHost(url);
    if (!/^[^\s/@]+$/.test(mqttHost) || (mqttHost.includes(":") && !isIP(mqttHost))) {
        throw new UserError(`mqttHost is ${shown(mqttHost)}: expected a name or an address alone, such as mqtt.example.com, without scheme, port or path`);
    }
    return {
        url: who.url,
        credentials,
        mqttHost,
        mqttPort,
        ...(texts.caPem === undefined ? {} : { caPem: texts.caPem }),
        ...(texts.mqttCaPem === undefined ? {} : { mqttCaPem: texts.mqttCaPem }),
        ...(rateLimit === undefined ? {} : { rateLimit }),
        ...(concurrency === undefined ? {} : { concurrency }),
        ...(deleteConcurrency === undefined ? {} : { deleteConcurrency }),
        ...(timeout === undefined ? {} : { timeout }),
        ...(texts.allowInsecureHttp === undefined ? {} : { allowInsecureHttp: flag(texts.allowInsecureHttp) }),
    };
}

/** Where `readSettings` takes each setting from that is set. */
export function settingSources(given: SettingTexts, env: NodeJS.ProcessEnv): Partial<Record<SettingKey, "given" | "environment">> {
    const alone = identity.some(key => given[key] !== undefined);
    const from = (texts: SettingTexts, source: "given" | "environment") => Object.fromEntries(Object.keys(texts).map(key => [key, source]));
    return { ...(alone ? {} : from(environmentSettings(env), "environment")), ...from(given, "given") };
}

function environmentSettings(env: NodeJS.ProcessEnv): SettingTexts {
    return Object.fromEntries(settingKeys.flatMap(key => {
        const value = env[environmentVariables[key]];
        return value === undefined || value === "" ? [] : [[key, value]];
    }));
}

function readCredentials({ apiKey, username, password }: SettingTexts, source: string): Credentials {
    if (apiKey !== undefined && (username !== undefined || password !== undefined)) {
        throw new UserError(`${source} has both apiKey and username or password: give one of the two`);
    }
    if (apiKey !== undefined) {
        if (apiKey.trim() === "") throw new UserError("apiKey is empty");
        return { apiKey };
    }
    if (username !== undefined && password !== undefined) return { username, password };
    if (username !== undefined) throw new UserError(`password is missing: ${source} has username alone`);
    if (password !== undefined) throw new UserError(`username is missing: ${source} has password alone`);
    throw new UserError(
        `credentials are missing: ${source} has url, but neither apiKey nor username and password (URL and credentials come from the same source, so that a key never travels to another server)`,
    );
}

function checkUrl(text: string): URL {
    let url: URL;
    try {
        url = new URL(text);
    } catch {
        throw new UserError(`url is not one: expected something like https://thingsboard.example.com`);
    }
    if (url.protocol !== "https:" && url.protocol !== "http:") throw new UserError("url is no web address: expected it to begin with https:// (or http:// on this machine)");
    if (url.username !== "" || url.password !== "") throw new UserError("url contains a user name or password: give username and password as settings of their own");
    return url;
}

export const defaultMqttHost = (url: URL): string => {
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    return isIP(host) ? host : (cloudMqttHosts.get(host) ?? host);
};

function number(texts: SettingTexts, key: SettingKey): number | undefined {
    const text = texts[key];
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || value <= 0) throw new UserError(`${key} is ${shown(text)}: expected a number above 0`);
    return value;
}

function whole(texts: SettingTexts, key: SettingKey): number | undefined {
    const value = number(texts, key);
    if (value !== undefined && !Number.isInteger(value)) throw new UserError(`${key} is ${value}: expected a whole number`);
    return value;
}

function flag(text: string): boolean {
    if (text === "true") return true;
    if (text === "false") return false;
    throw new UserError(`allowInsecureHttp is ${shown(text)}: expected true or false`);
}
