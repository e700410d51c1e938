import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reason } from "../../../sdk/mqtt/codes";
import { type Cause, diagnose, type DiagnosisContext, diagnoseNotStored } from "../../../sdk/mqtt/diagnosis";
import type { Accepted, Evidence, MqttVersion, PublishCheckOutcome, Refusal, Step } from "../../../sdk/mqtt/outcome";

const ours = "84f5911765abba1f96bf4165604e9e90338fc6214081a8e623b6ff9669aedb27";
const theirs = "6b8adb49015500e51a527acd332b51684ab9b49b4ade03a9582a44c455e2e9b6";

const evidence: Evidence = {
    host: "mqtt.example.com",
    port: 8883,
    at: "2026-03-01T12:00:00.000Z",
    presented: { credentialsId: ours, notBefore: "2026-01-01T00:00:00.000Z", notAfter: "2027-01-01T00:00:00.000Z", chainLength: 1 },
    server: {
        fingerprint: "AB:CD",
        subject: "CN=mqtt.example.com",
        issuer: "CN=Example CA",
        names: "DNS:mqtt.example.com",
        notBefore: "2026-01-01T00:00:00.000Z",
        notAfter: "2027-01-01T00:00:00.000Z",
    },
    clientId: "pulumi-0123456789abcdef",
    mqttVersion: "5",
    tlsVersion: "TLSv1.3",
    topic: "v1/devices/me/telemetry",
    payloadBytes: 40,
    connections: 1,
};
const refused = (refusal: Refusal, more: Partial<Evidence> = {}): PublishCheckOutcome => ({ ...evidence, ...more, ok: false, ...refusal });
const accepted = (more: Partial<Evidence> = {}): Accepted => ({ ...evidence, ...more, ok: true, reached: "puback", reasonCode: 0, reasonName: "Success" });
const connected = (): Accepted => {
    const { topic: _, payloadBytes: __, ...rest } = evidence;
    return { ...rest, ok: true, reached: "connack", reasonCode: 0, reasonName: "Success" };
};
const connack = (code: number, mqttVersion: MqttVersion = "5", more: Partial<Evidence> = {}) => refused({ stage: "connack", ...reason("connack", mqttVersion, code) }, { mqttVersion, ...more });
const puback = (code: number, more: Partial<Evidence> = {}) => refused({ stage: "puback", ...reason("puback", "5", code) }, more);
const disconnected = (code: number, more: Partial<Evidence> = {}) => refused({ stage: "closed", waitedFor: "puback", ...reason("disconnect", "5", code) }, more);
const cut = (more: Partial<Evidence> = {}) => refused({ stage: "closed", waitedFor: "puback" }, { mqttVersion: "3.1.1", ...more });
const serverFault = (fault: Extract<Refusal, { stage: "tls-server" }>["fault"], code: string, more: Partial<Evidence> = {}) => refused({ stage: "tls-server", fault, code }, more);
const late = (waitedFor: Step, more: Partial<Evidence> = {}) => refused({ stage: "timeout", waitedFor, timeoutSeconds: 15 }, more);

const bound = { credentialsType: "X509_CERTIFICATE", credentialsId: ours };
const token = { credentialsType: "ACCESS_TOKEN", credentialsId: "A1_TEST_TOKEN" };
const profile = { name: "pumps", transportType: "DEFAULT" };
const cloud = { host: "thingsboard.cloud" };

/** Every cause, by the facts that lead to it, and the sentence that a user reads. */
const sentences: [Cause, PublishCheckOutcome, Partial<DiagnosisContext>, string][] = [
    ["accepted", accepted(), { credential: bound },
        'device "pump-1" was accepted at mqtt.example.com:8883 over TLSv1.3 and MQTT 5, and what it published to "v1/devices/me/telemetry" was acknowledged (0x00, Success)'],
    ["accepted", connected(), {},
        'device "pump-1" was accepted at mqtt.example.com:8883 over TLSv1.3 and MQTT 5'],
    ["bound-to-another-device", accepted(), { boundTo: "pump-2" },
        'device "pump-1" was accepted at mqtt.example.com:8883, but as device "pump-2": ThingsBoard tells devices apart by their certificate, and 84f5911765ab… is not bound to this one; bind it with DeviceCredential, or check with the certificate that is bound'],
    ["bound-to-another-device", accepted(), { credential: token },
        'device "pump-1" was accepted at mqtt.example.com:8883, but as another device: ThingsBoard tells devices apart by their certificate, and 84f5911765ab… is not bound to this one; bind it with DeviceCredential, or check with the certificate that is bound'],
    ["name-not-found", refused({ stage: "dns", code: "ENOTFOUND" }), {},
        `device "pump-1" could not be checked at mqtt.example.com:8883: there is no host mqtt.example.com (ENOTFOUND); correct mqttHost, or the name server's entry`],
    ["name-lookup-failed", refused({ stage: "dns", code: "EAI_AGAIN" }), {},
        'device "pump-1" could not be checked at mqtt.example.com:8883: the look-up of mqtt.example.com failed (EAI_AGAIN); check the network and the name server of this machine, then try again'],
    ["name-lookup-failed", late("dns"), {},
        'device "pump-1" could not be checked at mqtt.example.com:8883: the name server did not answer for mqtt.example.com within 15 s; check the network of this machine'],
    ["connection-refused", refused({ stage: "tcp", code: "ECONNREFUSED" }), {},
        'device "pump-1" could not be checked at mqtt.example.com:8883: nothing listens there (ECONNREFUSED); correct mqttHost and mqttPort, and see that ThingsBoard runs with MQTT_SSL_ENABLED=true (port 8883 by default)'],
    ["connection-refused", refused({ stage: "tcp", code: "ECONNREFUSED" }, cloud), { restHost: "thingsboard.cloud" },
        'device "pump-1" could not be checked at thingsboard.cloud:8883: nothing listens there (ECONNREFUSED); ThingsBoard Cloud takes MQTT at mqtt.thingsboard.cloud: set mqttHost to it'],
    ["host-unreachable", refused({ stage: "tcp", code: "EHOSTUNREACH" }, { host: "fd00::1" }), {},
        'device "pump-1" could not be checked at [fd00::1]:8883: there is no route to it (EHOSTUNREACH); check VPN, routing and firewall of this machine, or correct mqttHost'],
    ["connection-failed", refused({ stage: "tcp", code: "ECONNRESET" }), {},
        'device "pump-1" could not be checked at mqtt.example.com:8883: the connection failed (ECONNRESET); check firewall and proxy between this machine and the server, then try again'],
    ["connect-timeout", late("tcp"), {},
        `device "pump-1" could not be checked at mqtt.example.com:8883: no connection came about within 15 s; a firewall drops it, or mqttHost is wrong: allow this machine to reach port 8883, or skip the check where it can't`],
    ["connect-timeout", refused({ stage: "tcp", code: "ETIMEDOUT" }), {},
        'device "pump-1" could not be checked at mqtt.example.com:8883: no connection came about (ETIMEDOUT); a firewall drops it, or mqttHost is wrong: allow this machine to reach it'],
    ["not-tls", serverFault("not-tls", "ERR_SSL_WRONG_VERSION_NUMBER", { port: 1883 }), {},
        `device "pump-1" could not be checked at mqtt.example.com:1883: the port does not speak TLS (ERR_SSL_WRONG_VERSION_NUMBER), as plain MQTT (1883) or HTTP don't; set mqttPort to the port for MQTT over TLS, 8883 by default`],
    ["tls-handshake", serverFault("handshake", "ECONNRESET", { port: 1883 }), {},
        'device "pump-1" could not be checked at mqtt.example.com:1883: the TLS handshake failed (ECONNRESET); if it is the plain MQTT port (1883) or behind a proxy, set mqttPort to the port for MQTT over TLS, and otherwise see that the server takes TLS 1.2 or 1.3'],
    ["tls-timeout", late("tls"), {},
        'device "pump-1" could not be checked at mqtt.example.com:8883: the port takes connections but did not answer the TLS handshake within 15 s, as a plain MQTT port (1883), a proxy with nothing behind it or an overloaded server would; set mqttPort to the port for MQTT over TLS, 8883 by default, or look at the proxy and the server'],
    ["server-certificate-untrusted", serverFault("untrusted", "SELF_SIGNED_CERT_IN_CHAIN"), {},
        `device "pump-1" could not be checked at mqtt.example.com:8883: the server's certificate "CN=mqtt.example.com" from "CN=Example CA", SHA-256 AB:CD, is not trusted (SELF_SIGNED_CERT_IN_CHAIN); give the authority that signed it as mqttCaPem (ServerChain fetches it), after comparing the fingerprint with the server's operator`],
    ["server-certificate-wrong-host", serverFault("wrong-host", "ERR_TLS_CERT_ALTNAME_INVALID", { host: "10.0.0.7" }), {},
        `device "pump-1" could not be checked at 10.0.0.7:8883: the server's certificate is for "DNS:mqtt.example.com" and not for 10.0.0.7 (ERR_TLS_CERT_ALTNAME_INVALID); set mqttHost to a name in the certificate, or have the server's certificate issued for this one`],
    ["server-certificate-wrong-host", serverFault("wrong-host", "ERR_TLS_CERT_ALTNAME_INVALID", { host: "eu.thingsboard.cloud" }), { restHost: "eu.thingsboard.cloud" },
        `device "pump-1" could not be checked at eu.thingsboard.cloud:8883: the server's certificate is for "DNS:mqtt.example.com" and not for eu.thingsboard.cloud (ERR_TLS_CERT_ALTNAME_INVALID); ThingsBoard Cloud takes MQTT at mqtt.eu.thingsboard.cloud: set mqttHost to it`],
    ["server-certificate-expired", serverFault("expired", "CERT_HAS_EXPIRED", { at: "2027-02-01T00:00:00.000Z" }), {},
        `device "pump-1" could not be checked at mqtt.example.com:8883: the server's certificate "CN=mqtt.example.com" expired on 2027-01-01 00:00 UTC (CERT_HAS_EXPIRED); renew it on the server (ThingsBoard reads the new file within a minute from 4.2.2.2 on, before that after a restart), or set this machine's clock if that is wrong`],
    ["server-certificate-expired", serverFault("expired", "CERT_HAS_EXPIRED"), {},
        `device "pump-1" could not be checked at mqtt.example.com:8883: an authority above the server's certificate "CN=mqtt.example.com" has expired (CERT_HAS_EXPIRED); give the current one as mqttCaPem, renew the chain on the server, or set this machine's clock if that is wrong`],
    ["server-certificate-not-yet-valid", serverFault("not-yet-valid", "CERT_NOT_YET_VALID", { at: "2025-12-01T00:00:00.000Z" }), {},
        `device "pump-1" could not be checked at mqtt.example.com:8883: the server's certificate is valid only from 2026-01-01 00:00 UTC and it is 2025-12-01 00:00 UTC here (CERT_NOT_YET_VALID); set the clock of this machine, or wait`],
    ["client-certificate-refused", refused({ stage: "tls-client", alert: "unknown_ca", code: "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA" }), {},
        'device "pump-1" was refused at mqtt.example.com:8883 in the TLS handshake with the alert unknown_ca: ThingsBoard itself takes any single certificate here, so a proxy or another broker at this address judges it; let TLS through to ThingsBoard (TCP passthrough), or correct mqttHost and mqttPort'],
    ["client-certificate-refused", refused({ stage: "tls-client", alert: "bad_certificate", code: "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE" }), {},
        'device "pump-1" was refused at mqtt.example.com:8883 in the TLS handshake with the alert bad_certificate: ThingsBoard answers so to a certificate with an empty subject; issue one with a common name'],
    ["client-certificate-refused", refused({ stage: "tls-client", alert: "certificate_unknown", code: "ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN" }, { presented: { ...evidence.presented, chainLength: 2 } }), {},
        'device "pump-1" was refused at mqtt.example.com:8883 in the TLS handshake with the alert certificate_unknown: the server could not verify the chain that came with its certificate; list leaf, intermediate and root in this order, or present the leaf alone'],
    ["no-certificate-arrived", connack(0x85), {},
        `device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x85, Client Identifier not valid): no certificate reached ThingsBoard, so a load balancer or proxy in front of it ends TLS; have it pass TCP through to ThingsBoard's own TLS port, since a client certificate can't be forwarded`],
    ["no-certificate-arrived", connack(2, "3.1.1"), {},
        `device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 2, Identifier rejected): no certificate reached ThingsBoard, so a load balancer or proxy in front of it ends TLS; have it pass TCP through to ThingsBoard's own TLS port, since a client certificate can't be forwarded`],
    ["user-name-refused", connack(0x86), {},
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x86, Bad User Name or Password): ThingsBoard was looking for a user name, so no certificate reached it; have the load balancer or proxy in front of it pass TCP through, or correct mqttHost'],
    ["user-name-refused", connack(4, "3.1.1"), {},
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 4, Bad user name or password): ThingsBoard was looking for a user name, so no certificate reached it; have the load balancer or proxy in front of it pass TCP through, or correct mqttHost'],
    ["certificate-unknown", connack(0x87), {},
        `device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x87, Not authorized): the certificate 84f5911765ab… arrived, but no device holds it, or its dates don't suit the server's clock; bind it with DeviceCredential before the check, and see that mqttHost belongs to the ThingsBoard where it is bound`],
    ["certificate-unknown", connack(0x87), { credential: bound, restHost: "tb.example.com" },
        `device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x87, Not authorized) although its certificate 84f5911765ab… is bound at tb.example.com: see that mqttHost is the same ThingsBoard as url, try again in a minute (nodes of a cluster may lag), and compare the server's clock with the certificate's dates`],
    ["certificate-unknown", connack(0x87, "5", { host: "mqtt.thingsboard.cloud" }), { credential: bound, restHost: "eu.thingsboard.cloud" },
        'device "pump-1" was refused at mqtt.thingsboard.cloud:8883 (CONNACK 0x87, Not authorized) although its certificate 84f5911765ab… is bound at eu.thingsboard.cloud: ThingsBoard Cloud takes MQTT at mqtt.eu.thingsboard.cloud: set mqttHost to it'],
    ["device-gone", connack(0x87), { credential: null },
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x87, Not authorized): the device is no longer there, and its certificate went with it; run pulumi refresh and pulumi up to have it made again'],
    ["token-bound", connack(5, "3.1.1"), { credential: token },
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 5, Not authorized): the device holds an access token instead of a certificate; bind the certificate with DeviceCredential'],
    ["other-credential-bound", connack(0x87), { credential: { credentialsType: "MQTT_BASIC", credentialsId: theirs } },
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x87, Not authorized): the device holds a credential of type "MQTT_BASIC" instead of a certificate; bind the certificate with DeviceCredential'],
    ["other-certificate-bound", connack(0x87), { credential: { ...bound, credentialsId: theirs } },
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x87, Not authorized): the device holds another certificate (6b8adb490155…) and not 84f5911765ab…; bind this one with DeviceCredential, or check with the certificate and key that are bound'],
    ["other-certificate-bound", connack(0x87), { credential: { ...bound, credentialsId: theirs }, profile: { ...profile, provisionType: "X509_CERTIFICATE_CHAIN" } },
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x87, Not authorized): the device holds another certificate (6b8adb490155…), and under the chain profile "pumps" a new leaf is taken only with its intermediate; present leaf and chain in one PEM'],
    ["changed-meanwhile", connack(0x87), { credential: { ...bound, credentialsId: theirs }, boundCredentialsId: ours },
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x87, Not authorized): the certificate 84f5911765ab… was bound, but somebody changed it and the device now holds another certificate (6b8adb490155…); run pulumi refresh and pulumi up to bind it again, and find out who else writes its credentials'],
    ["changed-meanwhile", connack(0x87), { credential: token, boundCredentialsId: ours },
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x87, Not authorized): the certificate 84f5911765ab… was bound, but somebody changed it and the device now holds an access token instead of a certificate; run pulumi refresh and pulumi up to bind it again, and find out who else writes its credentials'],
    ["bound-to-another-device", connack(0x87), { boundTo: "pump-2" },
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x87, Not authorized): its certificate 84f5911765ab… is bound to device "pump-2"; issue a certificate for each device'],
    ["certificate-expired", connack(0x87, "5", { at: "2027-01-02T00:00:00.000Z" }), { credential: bound },
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x87, Not authorized): its certificate expired on 2027-01-01 00:00 UTC; issue a new one, bind it with DeviceCredential and bring it to the device'],
    ["certificate-expired", connack(0x87), { credential: bound, clockSkewMs: 400 * 86_400_000 },
        `device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x87, Not authorized): its certificate expired on 2027-01-01 00:00 UTC (the server's clock is 400 days ahead of this machine's); issue a new one, bind it with DeviceCredential and bring it to the device`],
    ["certificate-not-yet-valid", connack(0x87, "5", { at: "2026-01-01T00:00:10.000Z" }), { credential: bound, clockSkewMs: -90_000 },
        `device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x87, Not authorized): its certificate is valid only from 2026-01-01 00:00 UTC, which is 80 s away for ThingsBoard (the server's clock is 90 s behind this machine's); set the clocks by NTP, or run again then`],
    ["other-transport", connack(0x88), { profile: { ...profile, transportType: "LWM2M" } },
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x88, Server unavailable): device profile "pumps" is for "LWM2M", which shuts MQTT out; give the device a profile with transport DEFAULT or MQTT'],
    ["server-unavailable", connack(0x88), { profile },
        `device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x88, Server unavailable): ThingsBoard can't take the session: its core did not answer in time, or the device profile is for another transport; try again in a minute, then look at its log`],
    ["server-unavailable", connack(3, "3.1.1"), { messageRateLimit: "100:1,2000:60" },
        `device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 3, Server unavailable): ThingsBoard can't take the session (messages: "100:1,2000:60", as count:seconds): it is starting, a message rate limit or the API usage of the tenant is used up, or the device profile is for another transport; try again in a minute, then look at its log`],
    ["server-unavailable", connack(0x89), {},
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x89, Server busy): the server is busy; try again later'],
    ["rate-limit", connack(0x9f), {},
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x9F, Connection rate exceeded): a rate limit of the tenant or the device is used up; wait a minute, or raise it in the tenant profile'],
    ["quota", connack(0x97), {},
        `device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x97, Quota exceeded): the tenant's quota is used up; look at API usage in ThingsBoard, and wait or raise the limit`],
    ["protocol-version", connack(0x84), {},
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x84, Unsupported Protocol Version): the server does not speak MQTT 5; let the check choose the version, or ask for 3.1.1 (ThingsBoard before 3.5)'],
    ["protocol-version", connack(1, "3.1.1"), {},
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 1, Unacceptable protocol version): the server does not speak MQTT 3.1.1; let the check choose the version, or ask for 5'],
    ["address-blocked", connack(0x8a), {},
        `device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x8A, Banned): the server blocks this machine's address after too many refused connections; wait a minute, and mend what was refused before trying again`],
    ["other-reason", connack(0x9c), {},
        'device "pump-1" was refused at mqtt.example.com:8883 (CONNACK 0x9C, Use another server): ThingsBoard gives no further reason; look at its log (MqttTransportHandler) for this device and time'],
    ["not-authorized", puback(0x87), {},
        'device "pump-1" connected, but what it published was refused at mqtt.example.com:8883 (PUBACK 0x87, Not authorized): the device may not publish to "v1/devices/me/telemetry"; use a topic that it may publish to'],
    ["topic-refused", puback(0x90), {},
        'device "pump-1" connected, but what it published was refused at mqtt.example.com:8883 (PUBACK 0x90, Topic Name invalid): "v1/devices/me/telemetry" is not open to it, as for a device profile with topics of its own; publish to the telemetry topic in its device profile'],
    ["topic-refused", puback(0x90, { topic: "pumps/1" }), {},
        'device "pump-1" connected, but what it published was refused at mqtt.example.com:8883 (PUBACK 0x90, Topic Name invalid): ThingsBoard does not know the topic "pumps/1"; publish to v1/devices/me/telemetry or v1/devices/me/attributes'],
    ["topic-refused", puback(0x90), { profile: { ...profile, telemetryTopic: "pumps/telemetry" } },
        'device "pump-1" connected, but what it published was refused at mqtt.example.com:8883 (PUBACK 0x90, Topic Name invalid): device profile "pumps" does not know "v1/devices/me/telemetry"; publish to its own telemetry topic "pumps/telemetry"'],
    ["payload-refused", puback(0x99), {},
        'device "pump-1" connected, but what it published was refused at mqtt.example.com:8883 (PUBACK 0x99, Payload format invalid): see that what goes to "v1/devices/me/telemetry" is a JSON object, or an array of them, such as {"temperature":21}'],
    ["payload-refused", puback(0x99), { profile: { ...profile, payloadType: "PROTOBUF" } },
        'device "pump-1" connected, but what it published was refused at mqtt.example.com:8883 (PUBACK 0x99, Payload format invalid): device profile "pumps" takes Protobuf; publish JSON to v2/t/j, give a payload of its schema, or use mode connect'],
    ["quota", puback(0x97), {},
        `device "pump-1" connected, but what it published was refused at mqtt.example.com:8883 (PUBACK 0x97, Quota exceeded): the tenant's quota is used up; look at API usage in ThingsBoard, and wait or raise the limit`],
    ["other-reason", puback(0x83), {},
        `device "pump-1" connected, but what it published was refused at mqtt.example.com:8883 (PUBACK 0x83, Implementation specific error): the server failed on it; look at ThingsBoard's log`],
    ["taken-over", disconnected(0x8e), {},
        'device "pump-1" was disconnected by the server at mqtt.example.com:8883 (DISCONNECT 0x8E, Session taken over): the device itself connected at the same time, and ThingsBoard keeps one session per device; its certificate works, so run again with the device off, or use mode observe'],
    ["changed-meanwhile", disconnected(0x98), { credential: token },
        'device "pump-1" was disconnected by the server at mqtt.example.com:8883 (DISCONNECT 0x98, Administrative action): its credentials were changed in the middle of the check (2026-03-01 12:00 UTC), and the device no longer holds 84f5911765ab…; run pulumi refresh and pulumi up, and find out who else writes them'],
    ["changed-meanwhile", disconnected(0x98), { credential: null },
        'device "pump-1" was disconnected by the server at mqtt.example.com:8883 (DISCONNECT 0x98, Administrative action): the device was deleted in the middle of the check; run pulumi refresh and pulumi up to have it made again'],
    ["rate-limit", disconnected(0x83), {},
        'device "pump-1" was disconnected by the server at mqtt.example.com:8883 (DISCONNECT 0x83, Implementation specific error): ThingsBoard closes so when the telemetry rate limit of the tenant or the device is used up; wait a minute, or raise it in the tenant profile'],
    ["rate-limit", disconnected(0x96), { messageRateLimit: "10:1" },
        'device "pump-1" was disconnected by the server at mqtt.example.com:8883 (DISCONNECT 0x96, Message rate too high): a rate limit of the tenant or the device is used up (messages: "10:1", as count:seconds); wait a minute, or raise it in the tenant profile'],
    ["packet-too-large", disconnected(0x81, { payloadBytes: 70_000 }), {},
        'device "pump-1" was disconnected by the server at mqtt.example.com:8883 (DISCONNECT 0x81, Malformed Packet): its 70000 bytes are more than this server takes (ThingsBoard: 65,536 by default); send less, or raise NETTY_MAX_PAYLOAD_SIZE'],
    ["payload-refused", disconnected(0x81), {},
        'device "pump-1" was disconnected by the server at mqtt.example.com:8883 (DISCONNECT 0x81, Malformed Packet): the server could not read the packet, as for a message above its limit (65,536 bytes by default); send less, or raise NETTY_MAX_PAYLOAD_SIZE'],
    ["packet-too-large", disconnected(0x95), {},
        'device "pump-1" was disconnected by the server at mqtt.example.com:8883 (DISCONNECT 0x95, Packet too large): its 40 bytes are more than this server takes (ThingsBoard: 65,536 by default); send less, or raise NETTY_MAX_PAYLOAD_SIZE'],
    ["server-shutting-down", disconnected(0x8b), {},
        'device "pump-1" was disconnected by the server at mqtt.example.com:8883 (DISCONNECT 0x8B, Server shutting down): the server is shutting down; try again when it is up'],
    ["closed-before-puback", cut(), { credential: bound },
        `device "pump-1" was cut off at mqtt.example.com:8883 after it had connected, without a PUBACK: ThingsBoard closes so on a payload that it can't read, on a used-up telemetry rate limit, and when the device itself connects; see that what goes to "v1/devices/me/telemetry" is a JSON object, or an array of them, such as {"temperature":21}`],
    ["packet-too-large", cut({ payloadBytes: 70_000 }), {},
        'device "pump-1" was cut off at mqtt.example.com:8883 after it had connected, without a PUBACK: its 70000 bytes are more than this server takes (ThingsBoard: 65,536 by default); send less, or raise NETTY_MAX_PAYLOAD_SIZE'],
    ["changed-meanwhile", cut(), { credential: token },
        'device "pump-1" was cut off at mqtt.example.com:8883 after it had connected, without a PUBACK: its credentials were changed in the middle of the check (2026-03-01 12:00 UTC), and the device no longer holds 84f5911765ab…; run pulumi refresh and pulumi up, and find out who else writes them'],
    ["closed-before-connack", refused({ stage: "closed", waitedFor: "connack", code: "ECONNRESET" }), {},
        'device "pump-1" was cut off at mqtt.example.com:8883 without an answer to CONNECT (ECONNRESET); see that ThingsBoard is up, that no proxy without a server answers there, and wait a minute in case it blocks this address after refused connections'],
    ["not-mqtt", refused({ stage: "not-mqtt", waitedFor: "connack", code: "Invalid header flag bits, must be 0x0 for puback packet" }, { port: 443 }), {},
        'device "pump-1" could not be checked at mqtt.example.com:443: the port speaks TLS but not MQTT ("Invalid header flag bits, must be 0x0 for puback packet"), so a web server or another service has it; set mqttPort to the port for MQTT over TLS, 8883 by default'],
    ["connack-timeout", late("connack"), {},
        `device "pump-1" got no answer to CONNECT at mqtt.example.com:8883 within 15 s: ThingsBoard's transport takes up to 10 s to ask its core, which may be overloaded or down; try again, raise the timeout, or look at its log`],
    ["puback-timeout", late("puback"), {},
        'device "pump-1" got no PUBACK at mqtt.example.com:8883 within 15 s: its queue or rule engine is behind, or the payload holds no value (an empty array is never acknowledged); try again, raise the timeout, or use mode connect'],
    ["gateway-topic", late("puback", { topic: "v1/gateway/telemetry" }), { isGateway: false },
        'device "pump-1" got no PUBACK at mqtt.example.com:8883 within 15 s: ThingsBoard never acknowledges "v1/gateway/telemetry" from a device that is no gateway; publish to v1/devices/me/telemetry, or mark the device as a gateway'],
    ["puback-timeout", late("puback", { topic: "v1/gateway/telemetry" }), { isGateway: true },
        'device "pump-1" got no PUBACK at mqtt.example.com:8883 within 15 s: its queue or rule engine is behind, or the payload holds no value (an empty array is never acknowledged); try again, raise the timeout, or use mode connect'],
];

describe("diagnose", () => {
    it.each(sentences)("%s (%#)", (cause, outcome, context, sentence) => {
        expect(diagnose(outcome, { deviceName: "pump-1", ...context })).toEqual({ cause, sentence });
    });

    it("has one line for every outcome and context: it names the device, ends without a stop and leaves no gap", () => {
        fc.assert(
            fc.property(outcomes, contexts, (outcome, context) => {
                const { cause, sentence } = diagnose(outcome, context);
                expect(cause).toMatch(/^[a-z-]+$/);
                expect(sentence).toMatch(/^device ".*" \S.*[^.\s;:,]$/su);
                expect(sentence).not.toMatch(/[\p{Cc}\p{Cs}]|undefined|null|NaN|\[object/u);
                if (!outcome.ok) expect(sentence).toMatch(/: .+;|: .+: |[:;] see that |; ThingsBoard Cloud takes /);
            }),
        );
    });

    it("bounds what comes from outside", () => {
        const { sentence } = diagnose(connack(0x87), { deviceName: `pump\n${"x".repeat(5000)}` });
        expect(sentence.length).toBeLessThan(600);
        expect(sentence).toMatch(/^device "pump x+…" was refused/);
    });
});

describe("diagnoseNotStored", () => {
    it.each<[Accepted, Partial<DiagnosisContext>, RegExp]>([
        [accepted(), {}, /published at mqtt\.example\.com:8883 to "v1\/devices\/me\/telemetry", which was acknowledged but not stored: the rule chain drops or renames the key/],
        [accepted(), { profile: { ...profile, telemetryTopic: "pumps/telemetry" } }, /device profile "pumps" takes telemetry on "pumps\/telemetry" and loses the rest; publish there$/],
        [accepted({ mqttVersion: "3.1.1", topic: "pumps" }), {}, /in MQTT 3\.1\.1 ThingsBoard acknowledges any topic; publish to v1\/devices\/me\/telemetry$/],
    ])("%#", (outcome, context, sentence) => {
        expect(diagnoseNotStored(outcome, { deviceName: "pump-1", ...context })).toEqual({ cause: "not-stored", sentence: expect.stringMatching(sentence) });
    });
});

const time = fc.date({ min: new Date("2020-01-01"), max: new Date("2035-01-01"), noInvalidDate: true }).map(date => date.toISOString());
const code = fc.constantFrom("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ETIMEDOUT", "ERR_SSL_WRONG_VERSION_NUMBER", "CERT_HAS_EXPIRED", "SOMETHING_ELSE");
const word = fc.string({ unit: "binary", maxLength: 200 }).filter(text => !/undefined|null|NaN/.test(text));
const optional = <T>(model: { [Field in keyof T]: fc.Arbitrary<T[Field]> }) => fc.record(model, { requiredKeys: [] });
const waitedFor = fc.constantFrom("connack" as const, "puback" as const);
const byCode = fc.integer({ min: 0, max: 255 });

const refusals: fc.Arbitrary<Refusal> = fc.oneof(
    fc.record({ stage: fc.constantFrom("dns" as const, "tcp" as const), code }),
    fc.record({ stage: fc.constant("tls-server" as const), fault: fc.constantFrom("untrusted" as const, "wrong-host" as const, "expired" as const, "not-yet-valid" as const, "not-tls" as const, "handshake" as const), code }),
    fc.record({ stage: fc.constant("tls-client" as const), alert: fc.constantFrom("unknown_ca", "bad_certificate", "certificate_unknown"), code }),
    byCode.map(number => ({ stage: "connack" as const, ...reason("connack", "5", number) })),
    byCode.map(number => ({ stage: "connack" as const, ...reason("connack", "3.1.1", number) })),
    byCode.map(number => ({ stage: "puback" as const, ...reason("puback", "5", number) })),
    fc.tuple(waitedFor, byCode).map(([waitedFor, number]) => ({ stage: "closed" as const, waitedFor, ...reason("disconnect", "5", number) })),
    waitedFor.map(waitedFor => ({ stage: "closed" as const, waitedFor })),
    fc.record({ stage: fc.constant("not-mqtt" as const), waitedFor, code: word }),
    fc.record({ stage: fc.constant("timeout" as const), waitedFor: fc.constantFrom("dns" as const, "tcp" as const, "tls" as const, "connack" as const, "puback" as const), timeoutSeconds: fc.integer({ min: 1, max: 600 }) }),
);

const seen = fc.record({
    at: time,
    host: fc.constantFrom("mqtt.example.com", "10.0.0.7", "fd00::1", "thingsboard.cloud"),
    mqttVersion: fc.constantFrom("5" as const, "3.1.1" as const),
    presented: fc.record({ credentialsId: fc.constantFrom(ours, theirs), notBefore: time, notAfter: time, chainLength: fc.integer({ min: 1, max: 3 }) }),
    payloadBytes: fc.nat(100_000),
    topic: fc.oneof(fc.constantFrom("v1/devices/me/telemetry", "v1/gateway/telemetry"), word),
});

const outcomes: fc.Arbitrary<PublishCheckOutcome> = fc.oneof(
    { weight: 9, arbitrary: fc.tuple(seen, refusals).map(([more, refusal]) => refused(refusal, more)) },
    { weight: 1, arbitrary: seen.map(more => accepted(more)) },
);

const contexts: fc.Arbitrary<DiagnosisContext> = fc
    .tuple(
        word,
        optional({
            restHost: fc.constantFrom("tb.example.com", "eu.thingsboard.cloud"),
            boundCredentialsId: fc.constantFrom(ours, theirs),
            boundTo: word,
            clockSkewMs: fc.integer({ min: -1e9, max: 1e9 }),
            isGateway: fc.boolean(),
            messageRateLimit: word,
            credential: fc.option(fc.record({ credentialsType: fc.constantFrom("X509_CERTIFICATE", "ACCESS_TOKEN", "MQTT_BASIC"), credentialsId: fc.constantFrom(ours, theirs) })),
            profile: fc.record({ name: word, transportType: fc.constantFrom("DEFAULT", "MQTT", "LWM2M"), telemetryTopic: word, payloadType: fc.constantFrom("JSON", "PROTOBUF"), provisionType: fc.constantFrom("DISABLED", "X509_CERTIFICATE_CHAIN") }),
        }),
    )
    .map(([deviceName, rest]) => ({ deviceName, ...rest }));
