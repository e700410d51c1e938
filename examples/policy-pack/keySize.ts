// RSA from 3072 bits: 112 bits of security, which 2048 has, are no longer recommended past 2030 (NIST SP 800-57, part 1).

import type { ResourceValidationPolicy } from "@pulumi/policy";
import { boundCertificate, fleetSettings, known, ofThingsBoard } from "./resources";

const least = 3072;
const remedy = `use EC_P256 or RSA_${least} (keyAlgorithm; a fleet's certificate.keyAlgorithm)`;

export const keySize: ResourceValidationPolicy = {
    name: "rsa-3072-or-more",
    description: `RSA keys have at least ${least} bits.`,
    enforcementLevel: "mandatory",
    validateResource({ type, props }, reportViolation) {
        const bits = rsaBits(type, props);
        if (bits !== undefined && bits < least) reportViolation(`its RSA key has ${bits} bits: ${remedy}`);
    },
};

/** Undefined where there is no RSA key, or none that is known yet. */
function rsaBits(type: string, props: Record<string, unknown>): number | undefined {
    switch (type) {
        case "tls:index/privateKey:PrivateKey":
            return known(() => props["algorithm"]) === "RSA" ? Number(known(() => props["rsaBits"]) ?? 2048) : undefined;
        case ofThingsBoard("DeviceCredential"): {
            const key = boundCertificate(props)?.publicKey;
            return key?.asymmetricKeyType === "rsa" ? key.asymmetricKeyDetails?.modulusLength : undefined;
        }
        case ofThingsBoard("FleetBatch"): {
            const [, bits] = /^RSA_(\d+)$/.exec(fleetSettings(props)?.algorithm ?? "") ?? [];
            return bits === undefined ? undefined : Number(bits);
        }
        default:
            return undefined;
    }
}
