// The kinds of keys, in our words and in the TLS provider's.

import type * as tls from "@pulumi/tls";

/** Keys that ThingsBoard's guide uses (EC P-256, RSA 4096) and their neighbours. */
export type KeyAlgorithm = "EC_P256" | "EC_P384" | "RSA_2048" | "RSA_3072" | "RSA_4096";

export const keyArgs: Readonly<Record<KeyAlgorithm, tls.PrivateKeyArgs>> = {
    EC_P256: { algorithm: "ECDSA", ecdsaCurve: "P256" },
    EC_P384: { algorithm: "ECDSA", ecdsaCurve: "P384" },
    RSA_2048: { algorithm: "RSA", rsaBits: 2048 },
    RSA_3072: { algorithm: "RSA", rsaBits: 3072 },
    RSA_4096: { algorithm: "RSA", rsaBits: 4096 },
};
