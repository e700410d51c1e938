import * as pulumi from "@pulumi/pulumi";
import { millisecondsPerDay, now } from "../clock";
import { DynamicResource } from "./dynamicResource";

/** Arguments of `ServerChain`. */
export interface ServerChainArgs {
    /**
     * Where the chain comes from:
     * - `"download"`: the file that ThingsBoard's operator offers for download (since 3.6), taken only over verified HTTPS or from this machine;
     * - `"handshake"`: what the MQTT port itself shows, taken only if it verifies against `caPem` (or the public authorities) or holds the certificate of `fingerprint`.
     * @default "handshake"
     */
    source?: pulumi.Input<"download" | "handshake">;
    /**
     * Host of the MQTT port, for `"handshake"`.
     * @default the Provider's `mqttHost`
     */
    host?: pulumi.Input<string>;
    /**
     * Port of MQTT over TLS, for `"handshake"`.
     * @default the Provider's `mqttPort`
     */
    port?: pulumi.Input<number>;
    /**
     * Whom to trust (PEM), for `"handshake"`.
     * @default the Provider's `mqttCaPem`, or the public authorities
     */
    caPem?: pulumi.Input<string>;
    /**
     * SHA-256 of the server's certificate, or of one above it (hex, with or without colons): then that one is trusted
     * and nobody else. For `"handshake"`.
     */
    fingerprint?: pulumi.Input<string>;
    /**
     * Seconds that fetching may take.
     * @default 15
     */
    timeout?: pulumi.Input<number>;
}

/**
 * The certificate chain of ThingsBoard's MQTT port: what devices need to trust the server, and what
 * `mosquitto_pub --cafile` takes.
 *
 * ```ts
 * const chain = new tb.ServerChain("eu", { fingerprint: "5B:2F:…" });
 * export const tbServerChain = chain.chainPem;
 * new tb.PublishCheck("pump-1", { credential, certificate, caPem: chain.chainPem });
 * ```
 *
 * A chain that was changed on the server is drift: `pulumi preview --refresh` shows the new fingerprint beside the old
 * one, and `pulumi up --refresh` takes the new chain, which devices then need too.
 */
export class ServerChain extends DynamicResource {
    /** Leaf first, up to the root where it is known. */
    declare readonly chainPem: pulumi.Output<string>;
    /** SHA-256 of the server's certificate, as `openssl x509 -fingerprint -sha256` prints it; for a downloaded file of its first certificate. */
    declare readonly serverFingerprint: pulumi.Output<string>;
    /** Subject of the server's certificate. */
    declare readonly subject: pulumi.Output<string>;
    /** Issuer of the server's certificate. */
    declare readonly issuer: pulumi.Output<string>;
    /** When the first certificate of the chain expires (ISO 8601). */
    declare readonly notAfter: pulumi.Output<string>;
    /** Whole days until then, as of now; negative once it has expired. */
    readonly daysToExpiry: pulumi.Output<number>;

    constructor(name: string, args: ServerChainArgs = {}, opts?: pulumi.CustomResourceOptions) {
        const outputs = { chainPem: undefined, serverFingerprint: undefined, subject: undefined, issuer: undefined, notAfter: undefined };
        super("ServerChain", 1, name, { ...outputs, source: "handshake", timeout: 15, ...args }, opts);
        this.daysToExpiry = pulumi.output(this.notAfter).apply(notAfter => Math.floor((Date.parse(notAfter) - now().getTime()) / millisecondsPerDay));
    }
}
