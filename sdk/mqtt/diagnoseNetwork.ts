// Refusals before TLS: the name, the route, the port, and a server that says nothing.

import type { Diagnosis, DiagnosisContext } from "./diagnosis";
import type { Evidence, Refusal } from "./outcome";
import { cloudHost } from "./wording";

/** Any attempt to reach the server, a device's or our own: `subject` says whose. */
type Failed = Pick<Evidence, "host" | "port">;
type Rest = Pick<DiagnosisContext, "restHost">;

export function diagnoseNetwork(subject: string, outcome: Failed & Extract<Refusal, { stage: "dns" | "tcp" | "timeout" }>, rest: Rest): Diagnosis {
    const cloud = cloudHost(outcome, rest);
    switch (outcome.stage) {
        case "dns":
            return nameFault(subject, outcome, rest);
        case "tcp":
            return tcpFault(subject, outcome, rest);
        case "timeout":
            break;
    }
    const late = `within ${outcome.timeoutSeconds} s`;
    switch (outcome.waitedFor) {
        case "dns":
            return { cause: "name-lookup-failed", sentence: `${subject}: the name server did not answer for ${outcome.host} ${late}; check the network of this machine` };
        case "tcp":
            return {
                cause: "connect-timeout",
                sentence: `${subject}: no connection came about ${late}; ${cloud ?? `a firewall drops it, or mqttHost is wrong: allow this machine to reach port ${outcome.port}, or skip the check where it can't`}`,
            };
        default:
            return {
                cause: "tls-timeout",
                sentence: `${subject}: the port takes connections but did not answer the TLS handshake ${late}, as a plain MQTT port (1883), a proxy with nothing behind it or an overloaded server would; set mqttPort to the port for MQTT over TLS, 8883 by default, or look at the proxy and the server`,
            };
    }
}

function nameFault(subject: string, outcome: Failed & Extract<Refusal, { stage: "dns" }>, rest: Rest): Diagnosis {
    if (outcome.code === "ENOTFOUND" || outcome.code === "ENODATA") {
        return { cause: "name-not-found", sentence: `${subject}: there is no host ${outcome.host} (${outcome.code}); ${cloudHost(outcome, rest) ?? "correct mqttHost, or the name server's entry"}` };
    }
    return { cause: "name-lookup-failed", sentence: `${subject}: the look-up of ${outcome.host} failed (${outcome.code}); check the network and the name server of this machine, then try again` };
}

function tcpFault(subject: string, outcome: Failed & Extract<Refusal, { stage: "tcp" }>, rest: Rest): Diagnosis {
    const cloud = cloudHost(outcome, rest);
    switch (outcome.code) {
        case "ECONNREFUSED":
            return {
                cause: "connection-refused",
                sentence: `${subject}: nothing listens there (ECONNREFUSED); ${cloud ?? "correct mqttHost and mqttPort, and see that ThingsBoard runs with MQTT_SSL_ENABLED=true (port 8883 by default)"}`,
            };
        case "EHOSTUNREACH":
        case "ENETUNREACH":
        case "EHOSTDOWN":
        case "ENETDOWN":
            return { cause: "host-unreachable", sentence: `${subject}: there is no route to it (${outcome.code}); check VPN, routing and firewall of this machine, or correct mqttHost` };
        case "ETIMEDOUT":
            return { cause: "connect-timeout", sentence: `${subject}: no connection came about (ETIMEDOUT); ${cloud ?? "a firewall drops it, or mqttHost is wrong: allow this machine to reach it"}` };
        default:
            return { cause: "connection-failed", sentence: `${subject}: the connection failed (${outcome.code}); check firewall and proxy between this machine and the server, then try again` };
    }
}
