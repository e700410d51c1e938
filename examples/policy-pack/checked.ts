// A binding that nobody tried may be one that a device can't use.

import type { StackValidationPolicy } from "@pulumi/policy";
import { fleetSettings, ofThingsBoard } from "./resources";

export const checked: StackValidationPolicy = {
    name: "every-credential-is-checked",
    description: "Each DeviceCredential has a PublishCheck, and a DeviceFleet checks at least a sample.",
    enforcementLevel: "mandatory",
    validateStack({ resources }, reportViolation) {
        const proven = new Set(resources.filter(({ type }) => type === ofThingsBoard("PublishCheck")).flatMap(({ dependencies }) => dependencies.map(({ urn }) => urn)));
        for (const { type, urn, name, props } of resources) {
            if (type === ofThingsBoard("DeviceCredential") && !proven.has(urn)) {
                reportViolation(`DeviceCredential "${name}" has no PublishCheck: declare one for it, or with mode "observe" where its key is on the device alone`, urn);
            }
            if (type === ofThingsBoard("FleetBatch") && fleetSettings(props)?.publishCheck === "none") {
                reportViolation(`"${name}" belongs to a DeviceFleet with publishCheck "none": use "sample" or "all"`, urn);
            }
        }
    },
};
