// Keys that are made by Pulumi are in the stack's state, encrypted. Advice only: for most fleets that is good enough.

import type { ResourceValidationPolicy } from "@pulumi/policy";
import { known, ofThingsBoard } from "./resources";

const remedy = "let the device make its key, and give csrPem or certificatePem instead";

export const noKeyInState: ResourceValidationPolicy = {
    name: "no-key-in-state",
    description: "Private keys are made on the devices and never reach Pulumi.",
    // "mandatory" for those who want it so; or by --policy-pack-config.
    enforcementLevel: "advisory",
    validateResource({ type, props }, reportViolation) {
        switch (type) {
            case "tls:index/privateKey:PrivateKey":
                reportViolation(`this private key is in the stack's state: ${remedy}`);
                break;
            case ofThingsBoard("FleetBatch"): {
                const withKey = keysMadeHere(props);
                if (withKey > 0) reportViolation(`the private keys of ${withKey} devices are in the stack's state: ${remedy}`);
                break;
            }
            default:
                break;
        }
    },
};

/** Of a fleet's devices those without a certificate of their own. */
function keysMadeHere(props: Record<string, unknown>): number {
    const members = (known(() => props["members"]) ?? []) as string[];
    const details = (known(() => props["details"]) ?? {}) as Record<string, { certificate?: string }>;
    return members.filter(name => known(() => details[name]?.certificate) === undefined).length;
}
