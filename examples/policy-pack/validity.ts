// Certificates of devices live for 398 days at most, the longest that public authorities were allowed to issue for.

import type { ResourceValidationPolicy } from "@pulumi/policy";
import { boundCertificate, fleetSettings, known, ofThingsBoard } from "./resources";

const most = 398;
const millisecondsPerDay = 86_400_000;

export const validity: ResourceValidationPolicy = {
    name: "at-most-398-days",
    description: `Certificates of devices are valid for at most ${most} days.`,
    enforcementLevel: "mandatory",
    validateResource({ type, props }, reportViolation) {
        const days = validDays(type, props);
        if (days !== undefined && days > most) reportViolation(`its certificate is valid for ${Math.round(days)} days: declare validityDays of ${most} or less`);
    },
};

/** Undefined where nothing is issued for a device, or for a time that is not known yet. */
function validDays(type: string, props: Record<string, unknown>): number | undefined {
    switch (type) {
        case "tls:index/selfSignedCert:SelfSignedCert":
        case "tls:index/locallySignedCert:LocallySignedCert": {
            const hours = known(() => props["validityPeriodHours"]);
            // Authorities live longer than what they sign.
            return hours === undefined || known(() => props["isCaCertificate"]) === true ? undefined : Number(hours) / 24;
        }
        case ofThingsBoard("DeviceCredential"): {
            const certificate = boundCertificate(props);
            return certificate && (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / millisecondsPerDay;
        }
        case ofThingsBoard("FleetBatch"):
            return fleetSettings(props)?.validityDays;
        default:
            return undefined;
    }
}
