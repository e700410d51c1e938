// The kinds of keys, in our words and in the TLS provider's.

import type * as tls from "@pulumi/tls";
import type { KeyAlgorithm } from "../x509/issue";

export type { KeyAlgorithm } from "../x509/issue";

export const keyArgs: Readonly<Record<KeyAlgorithm, tls.PrivateKeyArgs>> = {
    EC_P256: { algorithm: "ECDSA", ecdsaCurve: "P256" },
    EC_P384: { algorithm: "ECDSA", ecdsaCurve: "P384" },
    RSA_2048: { algorithm: "RSA", rsaBits: 2048 },
    RSA_3072: { algorithm: "RSA", rsaBits: 3072 },
    RSA_4096: { algorithm: "RSA", rsaBits: 4096 },
};
