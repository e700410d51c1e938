// Where each setting comes from. Values of secrets are not shown.
import { hostAndPort } from "../../mqtt/wording";
import { type SettingKey, type Settings, settingKeys } from "../../settings";
import { isLoopback } from "../../thingsboard";
import { type Finding, ok, warning } from "../frame/findings";

export interface ShownSetting {
    readonly name: SettingKey;
    /** Left out where it is a secret, or pages of PEM. */
    readonly value?: string;
    readonly from: string;
}

const hidden: ReadonlySet<SettingKey> = new Set(["apiKey", "password", "caPem", "mqttCaPem"]);
const byDefault = "the default";

export function examineSettings(settings: Settings, origins: Partial<Record<SettingKey, string>>, origin: string): { shown: readonly ShownSetting[]; findings: readonly Finding[] } {
    const { mqttHost, mqttPort } = settings;
    const values: Partial<Record<SettingKey, unknown>> = { ...settings, ...settings.credentials };
    const shown = settingKeys.flatMap((name): ShownSetting[] => {
        const from = origins[name] ?? (name === "mqttHost" || name === "mqttPort" ? byDefault : undefined);
        if (from === undefined) return [];
        return [{ name, from, ...(hidden.has(name) ? {} : { value: String(values[name]) }) }];
    });
    const url = new URL(settings.url);
    const clear = url.protocol === "http:" && !isLoopback(url.hostname);
    return {
        shown,
        findings: [
            ok("settings", `${origin}: ${shown.map(said).join(", ")}`),
            ...(origins.mqttHost === undefined && mqttHost !== url.hostname.replace(/^\[|\]$/g, "") ? [ok("settings", `devices connect to ${hostAndPort({ host: mqttHost, port: mqttPort })}: ThingsBoard Cloud has another name for MQTT`)] : []),
            ...(clear ? [warning("settings", `key or password cross the network to ${url.host} unencrypted (allowInsecureHttp)`, "use https, unless this network is yours alone")] : []),
        ],
    };

    /** What comes from elsewhere than the rest says so. */
    function said({ name, value, from }: ShownSetting): string {
        const other = from === byDefault || !from.startsWith(origin) ? ` from ${from}` : "";
        return `${name}${value === undefined ? "" : ` ${value}`}${other.replace(" from the default", " by default")}`;
    }
}
