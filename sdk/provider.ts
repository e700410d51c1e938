import * as pulumi from "@pulumi/pulumi";
import { type SettingKey, type SettingTexts, readSettings, settingKeys } from "./settings";
import { UserError } from "./userError";

/** Arguments of `Provider`. */
export interface ProviderArgs {
    /**
     * Address of ThingsBoard's web page and REST API, such as `https://eu.thingsboard.cloud`. Plain `http:` is accepted
     * for this machine only, unless `allowInsecureHttp` is set.
     */
    url?: pulumi.Input<string>;
    /** API key of a tenant administrator (ThingsBoard 4.3 and newer). Stored as a secret. */
    apiKey?: pulumi.Input<string>;
    /** Name of a tenant administrator, for servers before 4.3. Users with two-factor log-in can't be used. */
    username?: pulumi.Input<string>;
    /** Stored as a secret. */
    password?: pulumi.Input<string>;
    /** The authority that signed the REST server's certificate, where it is a private one (PEM). `HTTPS_PROXY` and `NO_PROXY` are honoured. */
    caPem?: pulumi.Input<string>;
    /**
     * Host where devices connect.
     * @default the host of `url`; for the two Clouds `mqtt.thingsboard.cloud` and `mqtt.eu.thingsboard.cloud`
     */
    mqttHost?: pulumi.Input<string>;
    /**
     * Port of MQTT over TLS.
     * @default 8883
     */
    mqttPort?: pulumi.Input<number>;
    /** The authority that signed the MQTT server's certificate, or its whole chain, where it is a private one (PEM). */
    mqttCaPem?: pulumi.Input<string>;
    /**
     * REST requests a second.
     * @default 25 (and 900 a minute) for the two Clouds, none elsewhere
     */
    rateLimit?: pulumi.Input<number>;
    /**
     * REST requests in flight at once, over all resources of this provider.
     * @default 8
     */
    concurrency?: pulumi.Input<number>;
    /**
     * Of these, requests that delete devices. Sixteen at once stop a ThingsBoard with default settings for half a minute.
     * @default 4
     */
    deleteConcurrency?: pulumi.Input<number>;
    /**
     * Seconds that one REST request may take: above 0, at most 3600.
     * @default 30
     */
    timeout?: pulumi.Input<number>;
    /**
     * Accepts plain `http:` to another machine. Credentials then cross the network in clear text.
     * @default false
     */
    allowInsecureHttp?: pulumi.Input<boolean>;
}

/**
 * Which ThingsBoard, and as whom.
 *
 * ```ts
 * const provider = new tb.Provider("eu", { url: "https://eu.thingsboard.cloud", apiKey: config.requireSecret("apiKey") });
 * new tb.Device("pump-1", { name: "pump-1" }, { provider });
 * ```
 *
 * Without one, resources use the stack's config (`thingsboard:url`, `thingsboard:apiKey`, or `thingsboard:username` and
 * `thingsboard:password`), or else the environment (`THINGSBOARD_URL`, `THINGSBOARD_API_KEY`, …). URL and credentials
 * come from the same source; a mix is an error. A Provider without `url` and credentials takes both from the
 * environment, which is read when resources are deployed and never stored.
 *
 * Changing the key or the password updates this one resource and touches no device. Several servers, or several tenants
 * of one, work side by side in one program.
 */
export class Provider extends pulumi.ProviderResource {
    constructor(name: string, args: ProviderArgs = {}, opts?: pulumi.ResourceOptions) {
        rejectMistakes(name, args);
        const secrets: readonly SettingKey[] = ["apiKey", "password"];
        const inputs = settingKeys.flatMap((key): [string, pulumi.Output<string>][] => {
            const value = args[key];
            if (value === undefined) return [];
            const text = pulumi.output<string | number | boolean>(value).apply(String);
            return [[`thingsboard:${key}`, secrets.includes(key) ? pulumi.secret(text) : text]];
        });
        super("pulumi-nodejs", name, Object.fromEntries(inputs), opts);
    }
}

/** What is known while the program runs is checked there, so that preview already says what is wrong. */
function rejectMistakes(name: string, args: ProviderArgs): void {
    const texts: SettingTexts = {};
    for (const key of settingKeys) {
        const value: unknown = args[key];
        if (value === undefined) continue;
        texts[key] = typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : placeholder(key);
    }
    try {
        readSettings(texts, process.env);
    } catch (error) {
        if (error instanceof UserError) throw new pulumi.RunError(`Provider "${name}": ${error.message}`);
        throw error;
    }
}

/** Stands for a value that is known only when the deployment runs. */
const placeholder = (key: SettingKey): string => (key === "url" ? "https://not-known-yet.invalid" : key === "allowInsecureHttp" ? "false" : "1");
