import * as pulumi from "@pulumi/pulumi";
import type { BatchSummary, DeviceRecord } from "../reconcilers/fleet/batch";
import { DynamicResource } from "./dynamicResource";

/** The devices of a fleet that one resource holds. @internal Declared by `DeviceFleet` alone. */
export class FleetBatch extends DynamicResource {
    declare readonly devices: pulumi.Output<Readonly<Record<string, DeviceRecord>>>;
    /** Secret: PKCS#8 as base64, of the devices whose certificate was made here. */
    declare readonly keys: pulumi.Output<Readonly<Record<string, string>>>;
    declare readonly summary: pulumi.Output<BatchSummary>;

    constructor(name: string, props: pulumi.Inputs, opts: pulumi.CustomResourceOptions) {
        super("FleetBatch", 1, name, { devices: undefined, keys: undefined, summary: undefined, ...props }, pulumi.mergeOptions(opts, { additionalSecretOutputs: ["keys", "authority"] }));
    }
}

/** Which devices the fleet has: checked before any batch is. @internal Declared by `DeviceFleet` alone. */
export class FleetMembership extends DynamicResource {
    constructor(name: string, props: pulumi.Inputs, opts: pulumi.CustomResourceOptions) {
        super("FleetMembership", 1, name, props, opts);
    }
}
