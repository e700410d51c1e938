// What a publish check is asked, and what it answers.

/** "5", or "3.1.1" for a ThingsBoard before 3.5. */
export type MqttVersion = "3.1.1" | "5";

interface CheckedConnection {
    /** Host of the MQTT listener: for ThingsBoard Cloud not the host of its web page. */
    readonly host: string;
    /** Port of MQTT over TLS, 8883 in most installations. */
    readonly port: number;
    /** Whom to trust for the server's certificate. Without it: the roots that Node brings and those of the system. */
    readonly caPem?: string;
    /** Name that the server's certificate must hold, where it differs from `host`. */
    readonly servername?: string;
    /** The device's certificate; under a chain profile followed by those above it. */
    readonly certificatePem: string;
    /** The key of the first certificate in `certificatePem`. It is used, and neither logged nor returned. */
    readonly privateKeyPem: string;
    /** Default `pulumi-` and 16 hex digits. ThingsBoard takes `provision` for a request to provision, so that one is refused here. */
    readonly clientId?: string;
    /** Bounds one connection, from the look-up of the name to the last acknowledgement. Default 15. */
    readonly timeoutSeconds?: number;
    /** `"auto"` (the default) speaks MQTT 5, and 3.1.1 where the server does not know it. */
    readonly protocolVersion?: "auto" | MqttVersion;
    /** Server clock minus local clock, as far as known (the Date header of a REST answer): tells when waiting for a certificate to become valid helps. */
    readonly clockSkewMs?: number;
}

/** Connects and leaves. */
export interface ConnectRequest extends CheckedConnection {
    readonly mode: "connect";
}

/** Connects and publishes one message. QoS is 1: 0 proves nothing, and ThingsBoard breaks the protocol at 2. */
export interface PublishRequest extends CheckedConnection {
    readonly mode: "publish";
    /** Default `v1/devices/me/telemetry`. */
    readonly topic?: string;
    readonly payload: string | Buffer;
}

export type PublishCheckRequest = ConnectRequest | PublishRequest;

/** The steps of a connection, in their order. */
export type Step = "dns" | "tcp" | "tls" | "connack" | "puback";

/** The server's certificate as its handshake showed it, trusted or not. */
export interface ServerCertificate {
    /** SHA-256 of the DER as `openssl x509 -fingerprint -sha256` prints it: upper-case hex in pairs, with colons. */
    readonly fingerprint: string;
    readonly subject: string;
    readonly issuer: string;
    /** The names it is valid for (subjectAltName), such as `DNS:mqtt.example.com`. */
    readonly names?: string;
    /** ISO 8601, as are all times here. */
    readonly notBefore: string;
    readonly notAfter: string;
}

/** The certificate that the check presented. */
export interface PresentedCertificate {
    /** ThingsBoard's `credentialsId` for it. */
    readonly credentialsId: string;
    readonly notBefore: string;
    readonly notAfter: string;
    /** 1 for a leaf alone. */
    readonly chainLength: number;
}

/** What was seen on the way, as far as the last connection got. Plain JSON: fields that were not reached are absent. */
export interface Evidence {
    readonly host: string;
    readonly port: number;
    /** When the last connection ended. */
    readonly at: string;
    /** The last step that was completed; absent when not even the name was found. */
    readonly reached?: Step;
    readonly remoteAddress?: string;
    readonly localAddress?: string;
    readonly tlsVersion?: string;
    readonly cipher?: string;
    readonly server?: ServerCertificate;
    readonly presented: PresentedCertificate;
    readonly clientId: string;
    /** The version spoken on the last connection. */
    readonly mqttVersion: MqttVersion;
    /** From the look-up of the name to CONNACK 0. */
    readonly connectMs?: number;
    readonly topic?: string;
    readonly payloadBytes?: number;
    /** From PUBLISH to PUBACK. */
    readonly publishMs?: number;
    /** Connections made in all, at most three. */
    readonly connections: number;
}

/** An MQTT reason code and its name in the standard. */
export interface Reason {
    readonly reasonCode: number;
    readonly reasonName: string;
}

/** CONNACK 0, and where something was published, its PUBACK: queued by the server, which is not yet stored. */
export interface Accepted extends Evidence, Reason {
    readonly ok: true;
    readonly reached: "connack" | "puback";
}

export type ServerCertificateFault = "untrusted" | "wrong-host" | "expired" | "not-yet-valid";

/** Where the check ended, and what is known about why. `code` is Node's or OpenSSL's own. */
export type Refusal =
    | { readonly stage: "dns"; readonly code: string }
    | { readonly stage: "tcp"; readonly code: string }
    /** `not-tls`: the port answers, in another protocol. `handshake`: the two found no common ground, or the peer hung up. */
    | { readonly stage: "tls-server"; readonly fault: ServerCertificateFault | "not-tls" | "handshake"; readonly code: string }
    /** The server refused the device's certificate in TLS itself. ThingsBoard does so only for a chain that doesn't hold together. */
    | { readonly stage: "tls-client"; readonly alert: string; readonly code: string }
    | ({ readonly stage: "connack" } & Reason)
    | ({ readonly stage: "puback" } & Reason)
    /** Closed while waiting. MQTT 5 servers mostly say why before that, in a DISCONNECT; `code` is a socket error's. */
    | ({ readonly stage: "closed"; readonly waitedFor: "connack" | "puback"; readonly code?: string } & Partial<Reason>)
    /** TLS works, but what came through it is no MQTT. */
    | { readonly stage: "not-mqtt"; readonly waitedFor: "connack" | "puback"; readonly code: string }
    | { readonly stage: "timeout"; readonly waitedFor: Step; readonly timeoutSeconds: number };

export type Refused = Evidence & { readonly ok: false } & Refusal;

export type PublishCheckOutcome = Accepted | Refused;
