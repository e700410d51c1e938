// A fatal TLS alert as a record: in the clear, or sealed with the keys of a TLS 1.3 connection (RFC 8446, 5.2 and 7.3).
import { createCipheriv, createHmac, type CipherGCMTypes } from "node:crypto";

export const ALERTS = { badCertificate: 42, certificateUnknown: 46 } as const;

const ALERT = 21;
const FATAL = 2;

export interface TrafficSecret {
    /** As OpenSSL calls it, for example "TLS_AES_256_GCM_SHA384". */
    readonly cipher: string;
    readonly secret: Buffer;
}

export const plainAlert = (description: number): Buffer => Buffer.from([ALERT, 3, 3, 0, 2, FATAL, description]);

const SUITES: Record<string, { cipher: string; keyLength: number; hash: string }> = {
    TLS_AES_128_GCM_SHA256: { cipher: "aes-128-gcm", keyLength: 16, hash: "sha256" },
    TLS_AES_256_GCM_SHA384: { cipher: "aes-256-gcm", keyLength: 32, hash: "sha384" },
    TLS_CHACHA20_POLY1305_SHA256: { cipher: "chacha20-poly1305", keyLength: 32, hash: "sha256" },
};

/** `sequence` is the number of records that were sent under this secret before. */
export function sealedAlert(description: number, { cipher, secret }: TrafficSecret, sequence: number): Buffer {
    const suite = SUITES[cipher];
    if (!suite) return Buffer.alloc(0); // nothing to say it with: the connection just ends
    const key = expand(suite.hash, secret, "key", suite.keyLength);
    const nonce = expand(suite.hash, secret, "iv", 12);
    for (let i = 0, left = sequence; i < 6; i++, left = Math.floor(left / 256)) nonce[11 - i] = (nonce[11 - i] ?? 0) ^ (left & 255);
    const header = Buffer.from([23, 3, 3, 0, 3 + 16]);
    const sealing = createCipheriv(suite.cipher as CipherGCMTypes, key, nonce, { authTagLength: 16 });
    sealing.setAAD(header);
    return Buffer.concat([header, sealing.update(Buffer.from([FATAL, description, ALERT])), sealing.final(), sealing.getAuthTag()]);
}

/** HKDF-Expand-Label with an empty context; one block of the hash is always enough here. */
function expand(hash: string, secret: Buffer, label: string, length: number): Buffer {
    const name = Buffer.from(`tls13 ${label}`);
    const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])]);
    return createHmac(hash, secret).update(info).digest().subarray(0, length);
}
