// MQTT's reason codes in words: MQTT 5.0 §2.4 with §3.2.2.2, §3.4.2.1 and §3.14.2.1; MQTT 3.1.1 §3.2.2.3 (both OASIS).

import type { MqttVersion, Reason } from "./outcome";

/** MQTT 3.1.1 knows codes in CONNACK alone: its PUBACK has none, and its server closes without a word. */
const connack311: Readonly<Record<number, string>> = {
    0x00: "Connection accepted",
    0x01: "Unacceptable protocol version",
    0x02: "Identifier rejected",
    0x03: "Server unavailable",
    0x04: "Bad user name or password",
    0x05: "Not authorized",
};

/** One table for all packets: MQTT 5 gives no number two meanings but 0, which is "Normal disconnection" in DISCONNECT. */
const codes5: Readonly<Record<number, string>> = {
    0x00: "Success",
    0x04: "Disconnect with Will Message",
    0x10: "No matching subscribers",
    0x80: "Unspecified error",
    0x81: "Malformed Packet",
    0x82: "Protocol Error",
    0x83: "Implementation specific error",
    0x84: "Unsupported Protocol Version",
    0x85: "Client Identifier not valid",
    0x86: "Bad User Name or Password",
    0x87: "Not authorized",
    0x88: "Server unavailable",
    0x89: "Server busy",
    0x8a: "Banned",
    0x8b: "Server shutting down",
    0x8c: "Bad authentication method",
    0x8d: "Keep Alive timeout",
    0x8e: "Session taken over",
    0x8f: "Topic Filter invalid",
    0x90: "Topic Name invalid",
    0x91: "Packet Identifier in use",
    0x93: "Receive Maximum exceeded",
    0x94: "Topic Alias invalid",
    0x95: "Packet too large",
    0x96: "Message rate too high",
    0x97: "Quota exceeded",
    0x98: "Administrative action",
    0x99: "Payload format invalid",
    0x9a: "Retain not supported",
    0x9b: "QoS not supported",
    0x9c: "Use another server",
    0x9d: "Server moved",
    0x9e: "Shared Subscriptions not supported",
    0x9f: "Connection rate exceeded",
    0xa0: "Maximum connect time",
    0xa1: "Subscription Identifiers not supported",
    0xa2: "Wildcard Subscriptions not supported",
};

export function reason(packet: "connack" | "puback" | "disconnect", version: MqttVersion, reasonCode: number): Reason {
    return { reasonCode, reasonName: name(packet, version, reasonCode) ?? "a code that MQTT does not define" };
}

/** As the standard of that version writes it: decimal in 3.1.1, hexadecimal in 5. */
export function codeText(version: MqttVersion, { reasonCode, reasonName }: Reason): string {
    const number = version === "5" ? `0x${reasonCode.toString(16).toUpperCase().padStart(2, "0")}` : String(reasonCode);
    return `${number}, ${reasonName}`;
}

function name(packet: "connack" | "puback" | "disconnect", version: MqttVersion, code: number): string | undefined {
    if (packet === "disconnect" && code === 0) return "Normal disconnection";
    if (version === "5") return codes5[code];
    return packet === "connack" ? connack311[code] : code === 0 ? "Success" : undefined;
}
