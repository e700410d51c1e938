import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource, declaredBy } from "./dynamicResource";

/** Says when a certificate is to be issued anew. */
export class Renewal extends DynamicResource {
    declare readonly generation: pulumi.Output<number>;
    declare readonly since: pulumi.Output<number>;

    constructor(name: string, props: pulumi.Inputs, opts: pulumi.CustomResourceOptions) {
        super("Renewal", 1, name, { ...props, declaredBy: declaredBy(name), generation: undefined, since: undefined }, opts);
    }
}
