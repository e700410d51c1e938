// What a stack's state holds.
import { isNoSuchStack, pulumi } from "./pulumi";

export interface StateResource {
    readonly urn: string;
    /** Such as `pulumi-nodejs:dynamic/thingsboard:DeviceCredential`. */
    readonly type: string;
    readonly id?: string;
    readonly inputs?: Readonly<Record<string, unknown>>;
    readonly outputs?: Readonly<Record<string, unknown>>;
    /** Replaced, and waiting to be deleted. */
    readonly delete?: boolean;
}

/** Without those that wait to be deleted. @returns undefined for a stack that is not there */
export async function stackResources(cwd: string, stack: string, secrets: "shown" | "hidden"): Promise<readonly StateResource[] | undefined> {
    try {
        const text = await pulumi(cwd, "stack", "export", "--stack", stack, ...(secrets === "shown" ? ["--show-secrets"] : []));
        const { deployment } = JSON.parse(text) as { deployment: { resources?: StateResource[] | null } };
        return (deployment.resources ?? []).filter(resource => resource.delete !== true);
    } catch (error) {
        if (isNoSuchStack(error)) return undefined;
        throw error;
    }
}

/** Resources of this package. */
export const isOfType = ({ type }: StateResource, name: string): boolean => type === `pulumi-nodejs:dynamic/thingsboard:${name}`;

/** As it was given to the program. */
export const nameOf = ({ urn }: StateResource): string => urn.split("::").slice(3).join("::");

/** An exported secret is an object with its JSON text in `plaintext`; undefined where secrets were not asked for. */
export function plain(value: unknown): unknown {
    if (typeof value !== "object" || value === null || !(secretMark in value)) return value;
    const text = "plaintext" in value ? value.plaintext : undefined;
    return typeof text === "string" ? JSON.parse(text) : undefined;
}

/** The key by which the engine marks a secret in state. */
const secretMark = "4dabf18193072939515e22adb298388d";

/** A property of text, secret or not. */
export function textOf(properties: Readonly<Record<string, unknown>> | undefined, key: string): string | undefined {
    const value = plain(properties?.[key]);
    return typeof value === "string" ? value : undefined;
}
