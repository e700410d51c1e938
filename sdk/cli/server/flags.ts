// Which ThingsBoard, and as whom, for the commands that ask one: the environment, or what a stack is deployed with.
import { type Command, Option } from "commander";
import { type SettingKey, type SettingTexts, type Settings, environmentVariables, identity, readSettings, settingKeys, settingSources } from "../../settings";
import { UserError } from "../../userError";
import { UsageError } from "../frame/usage";
import { settingsIn, stackConfig } from "../stack/config";
import { nameOf, type StateResource, stackResources, textOf } from "../stack/state";

export interface ServerFlags {
    readonly stack?: string;
    readonly provider?: string;
    readonly cwd: string;
}

export const withServer = (command: Command): Command =>
    command
        .option("--stack <name>", "asks the ThingsBoard that this Pulumi stack is deployed to, as whom it is deployed")
        .addOption(new Option("--provider <name>", "which Provider of that stack, where it has several"))
        .addOption(new Option("--cwd <folder>", "where Pulumi.yaml is").default(process.cwd(), "the current folder"));

export const aboutServer = `Which ThingsBoard, and as whom: THINGSBOARD_URL, and THINGSBOARD_API_KEY or THINGSBOARD_USERNAME and THINGSBOARD_PASSWORD;
with --stack the Provider in that stack's state, or else its configuration (thingsboard:url, …). No secret is ever an argument.`;

export interface Configured {
    readonly given: SettingTexts;
    /** Of what is given: \`Provider "eu" of stack dev\`. */
    readonly origin: string;
    /** Of the stack, where one was named; with its secrets. */
    readonly resources?: readonly StateResource[];
}

/** @throws UserError where the stack is not there, or holds several Providers */
export async function configured({ stack, provider, cwd }: ServerFlags): Promise<Configured> {
    if (stack === undefined) {
        if (provider !== undefined) throw new UsageError("--provider is a Provider in a stack's state: say which stack with --stack.");
        return { given: {}, origin: "the environment" };
    }
    const resources = await stackResources(cwd, stack, "shown");
    if (!resources) throw new UserError(`There is no stack ${stack} in ${cwd}: give its name as "pulumi stack ls" shows it, and the folder of Pulumi.yaml with --cwd.`);
    const providers = resources.filter(resource => resource.type === "pulumi:providers:pulumi-nodejs" && !/^default(_|$)/.test(nameOf(resource)));
    const chosen = provider === undefined ? providers : providers.filter(resource => nameOf(resource) === provider);
    if (provider !== undefined && chosen.length === 0) throw new UserError(`Stack ${stack} has no Provider "${provider}"${providers.length === 0 ? "" : `: it has ${listed(providers)}`}.`);
    if (chosen.length > 1) throw new UserError(`Stack ${stack} has several Providers (${listed(chosen)}): say which with --provider.`);
    const [one] = chosen;
    if (one) return { given: textsOf(one), origin: `Provider "${nameOf(one)}" of stack ${stack}`, resources };
    return { given: settingsIn(await stackConfig(cwd, stack)), origin: `the configuration of stack ${stack}`, resources };
}

/** @throws UserError where no ThingsBoard is named, or a setting can't be used */
export function settingsOf({ given, resources }: Configured): Settings {
    if (resources === undefined && identity.every(key => settingSources({}, process.env)[key] === undefined)) {
        throw new UserError(
            "no ThingsBoard is configured: give --stack NAME, for the one that a Pulumi stack is deployed to, or set in the environment THINGSBOARD_URL, " +
                "and THINGSBOARD_API_KEY or THINGSBOARD_USERNAME and THINGSBOARD_PASSWORD",
        );
    }
    return readSettings(given, process.env);
}

/** In words, by setting. */
export function originsOf({ given, origin }: Configured): Partial<Record<SettingKey, string>> {
    const sources = settingSources(given, process.env);
    return Object.fromEntries(Object.entries(sources).map(([key, source]) => [key, source === "given" ? origin : `the environment (${environmentVariables[key as SettingKey]})`]));
}

const listed = (providers: readonly StateResource[]): string => [...new Set(providers.map(provider => `"${nameOf(provider)}"`))].sort().join(", ");

const textsOf = ({ inputs }: StateResource): SettingTexts =>
    Object.fromEntries(settingKeys.flatMap(key => {
        const text = textOf(inputs, `thingsboard:${key}`);
        return text === undefined ? [] : [[key, text]];
    }));
