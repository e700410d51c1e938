// What a stack is configured with.
import type { ConfigMap } from "@pulumi/pulumi/automation";
import { settingKeys, type SettingTexts } from "../../settings";
import { isNoSuchStack, pulumi } from "./pulumi";

/** Empty for a stack that is not there: a pipeline may have all of it in the environment. */
export async function stackConfig(cwd: string, stack: string): Promise<ConfigMap> {
    try {
        const text = await pulumi(cwd, "config", "--json", "--show-secrets", "--stack", stack);
        const found = JSON.parse(text) as Record<string, { value?: string; objectValue?: unknown; secret: boolean }>;
        return Object.fromEntries(Object.entries(found).map(([key, { value, secret }]) => [key, { value: value ?? "", secret }]));
    } catch (error) {
        if (isNoSuchStack(error)) return {};
        throw error;
    }
}

/** Those of this package, `thingsboard:url` and its like. */
export const settingsIn = (config: ConfigMap): SettingTexts =>
    Object.fromEntries(settingKeys.flatMap(key => (config[`thingsboard:${key}`] === undefined ? [] : [[key, config[`thingsboard:${key}`]!.value]])));
