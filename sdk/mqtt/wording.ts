// The parts that the sentences of a diagnosis share.

import { cloudMqttHosts } from "../cloud";
import type { DiagnosisContext } from "./diagnosis";
import type { Evidence } from "./outcome";

/** Text from outside, fit for a log line and for gRPC: quoted, bounded, on one line, no half characters. */
export function words(text: string): string {
    const characters = [...text.replace(/[\s\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu, " ").trim()];
    return `"${characters.length > 120 ? `${characters.slice(0, 120).join("")}…` : characters.join("")}"`;
}

/** The beginning of every sentence: `device "pump-1" was refused at mqtt.example.com:8883`. */
export function deviceAt({ host, port }: Pick<Evidence, "host" | "port">, { deviceName, subject = `device ${words(deviceName)}` }: DiagnosisContext, what: string): string {
    return `${subject} ${what} at ${hostAndPort({ host, port })}`;
}

/** An address of IPv6 in brackets: `[fd00::1]:8883`. */
export const hostAndPort = ({ host, port }: Pick<Evidence, "host" | "port">): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** Enough of a fingerprint to find it. */
export const short = (credentialsId: string): string => (credentialsId.length > 12 ? `${credentialsId.slice(0, 12)}…` : credentialsId);

/** Without the seconds nobody asked for. */
export const day = (iso: string): string => iso.slice(0, 16).replace("T", " ") + " UTC";

export function duration(ms: number): string {
    const seconds = Math.round(Math.abs(ms) / 1000);
    if (seconds < 120) return `${seconds} s`;
    if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
    return seconds < 48 * 3600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

/** ThingsBoard Cloud takes MQTT on a name of its own, one for each region: what to say when another one was given. */
export function cloudHost({ host }: Pick<Evidence, "host">, { restHost }: Pick<DiagnosisContext, "restHost">): string | undefined {
    const wanted = cloudMqttHosts.get(restHost ?? host) ?? cloudMqttHosts.get(host);
    return wanted === undefined || wanted === host ? undefined : `ThingsBoard Cloud takes MQTT at ${wanted}: set mqttHost to it`;
}
