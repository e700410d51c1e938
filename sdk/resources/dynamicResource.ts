// The bridge from a declared resource to its reconciler.

import * as pulumi from "@pulumi/pulumi";
import { requirePluginIn } from "./resolvable";

/**
 * A dynamic resource whose code stays in this package.
 *
 * `pulumi.dynamic.Resource` would serialise the provider's closure into the state of each resource, twice, and refresh
 * and destroy would go on running that old copy. This speaks the same protocol with a constant: the engine's dynamic
 * provider evaluates `__provider`, which finds the reconciler in the installed package.
 */
export abstract class DynamicResource extends pulumi.CustomResource {
    /** `protocol` is the reconciler's version as this text goes into state: a later package can tell old state from new. */
    protected constructor(type: string, protocol: number, name: string, props: pulumi.Inputs, opts?: pulumi.CustomResourceOptions) {
        refuseLookUp(type, name, opts);
        requirePluginIn(process.cwd());
        const __provider = `exports.handler = () => require("pulumi-thingsboard/plugin").reconciler("${type}", ${protocol});`;
        super(`pulumi-nodejs:dynamic/thingsboard:${type}`, name, { ...props, __provider }, opts);
    }
}

/** `Device.get` looks a device up by its `id`. */
const withGet: ReadonlySet<string> = new Set(["Device"]);
const adopting: ReadonlySet<string> = new Set(["Device", "DeviceCredential", "DeviceProfile"]);

/** For an import the engine has no `__provider` to run ("code must be a string, not undefined"); a look-up has it, but no state to go by. */
function refuseLookUp(type: string, name: string, opts: pulumi.CustomResourceOptions | undefined): void {
    const option = opts?.import !== undefined ? "import" : opts?.id !== undefined && !withGet.has(type) ? "id" : undefined;
    if (option === undefined) return;
    if (adopting.has(type)) throw new pulumi.RunError(`${type} "${name}" has the option ${option}, which dynamic resources can't follow: take it out, and set adopt: true, which takes over what exists on ThingsBoard`);
    throw new pulumi.RunError(`${type} "${name}" has the option ${option}, which dynamic resources can't follow: take it out, since there is nothing of it on ThingsBoard to take over`);
}

/**
 * Who declares a resource: project, stack and logical name. Devices carry it as their ownership mark, so that a `create`
 * that meets its own mark knows itself for a retry after a crash.
 */
export const declaredBy = (name: string): string => `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
