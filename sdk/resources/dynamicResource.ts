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
        requirePluginIn(process.cwd());
        const __provider = `exports.handler = () => require("pulumi-thingsboard/plugin").reconciler("${type}", ${protocol});`;
        super(`pulumi-nodejs:dynamic/thingsboard:${type}`, name, { ...props, __provider }, opts);
    }
}

/**
 * Who declares a resource: project, stack and logical name. Devices carry it as their ownership mark, so that a `create`
 * that meets its own mark knows itself for a retry after a crash.
 */
export const declaredBy = (name: string): string => `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
