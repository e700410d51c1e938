// Refusals in TLS: the server's certificate by us, ours by the server, or no TLS at all.

import type { Diagnosis, DiagnosisContext } from "./diagnosis";
import type { Evidence, Refusal, Refused } from "./outcome";
import { cloudHost, day, deviceAt, words } from "./wording";

export function diagnoseServerCertificate(
    subject: string,
    outcome: Pick<Evidence, "host" | "port" | "at" | "server"> & Extract<Refusal, { stage: "tls-server" }>,
    rest: Pick<DiagnosisContext, "restHost">,
): Diagnosis {
    const { server, code } = outcome;
    const cloud = cloudHost(outcome, rest);
    const shown = server ? `${words(server.subject)} from ${words(server.issuer)}, SHA-256 ${server.fingerprint},` : "of the server";
    switch (outcome.fault) {
        case "untrusted":
            return {
                cause: "server-certificate-untrusted",
                sentence: `${subject}: the server's certificate ${shown} is not trusted (${code}); ${cloud ?? "give the authority that signed it as mqttCaPem (ServerChain fetches it), after comparing the fingerprint with the server's operator"}`,
            };
        case "wrong-host":
            return {
                cause: "server-certificate-wrong-host",
                sentence: `${subject}: the server's certificate is for ${words(server?.names ?? server?.subject ?? "another name")} and not for ${outcome.host} (${code}); ${cloud ?? "set mqttHost to a name in the certificate, or have the server's certificate issued for this one"}`,
            };
        case "expired":
            return { cause: "server-certificate-expired", sentence: `${subject}: ${expired(outcome)}, or set this machine's clock if that is wrong` };
        case "not-yet-valid":
            return {
                cause: "server-certificate-not-yet-valid",
                sentence: `${subject}: the server's certificate is valid only from ${server ? day(server.notBefore) : "later"} and it is ${day(outcome.at)} here (${code}); set the clock of this machine, or wait`,
            };
        case "not-tls":
            return {
                cause: "not-tls",
                sentence: `${subject}: the port does not speak TLS (${code}), as plain MQTT (1883) or HTTP don't; set mqttPort to the port for MQTT over TLS, 8883 by default`,
            };
        case "handshake":
            return {
                cause: "tls-handshake",
                sentence: `${subject}: the TLS handshake failed (${code}); if it is the plain MQTT port (1883) or behind a proxy, set mqttPort to the port for MQTT over TLS, and otherwise see that the server takes TLS 1.2 or 1.3`,
            };
    }
}

/** The date that passed is the leaf's, or that of an authority above it, which the leaf's own dates don't show. */
function expired({ server, at, code }: Pick<Evidence, "server" | "at"> & { readonly code: string }): string {
    if (server && server.notAfter >= at) return `an authority above the server's certificate ${words(server.subject)} has expired (${code}); give the current one as mqttCaPem, renew the chain on the server`;
    const when = server ? `${words(server.subject)} expired on ${day(server.notAfter)}` : "has expired";
    return `the server's certificate ${when} (${code}); renew it on the server (ThingsBoard reads the new file within a minute from 4.2.2.2 on, before that after a restart)`;
}

export function diagnoseTlsClient(outcome: Extract<Refused, { stage: "tls-client" }>, context: DiagnosisContext): Diagnosis {
    const subject = `${deviceAt(outcome, context, "was refused")} in the TLS handshake with the alert ${outcome.alert}`;
    const remedy =
        outcome.presented.chainLength > 1
            ? "the server could not verify the chain that came with its certificate; list leaf, intermediate and root in this order, or present the leaf alone"
            : outcome.alert === "bad_certificate"
              ? "ThingsBoard answers so to a certificate with an empty subject; issue one with a common name"
              : "ThingsBoard itself takes any single certificate here, so a proxy or another broker at this address judges it; let TLS through to ThingsBoard (TCP passthrough), or correct mqttHost and mqttPort";
    return { cause: "client-certificate-refused", sentence: `${subject}: ${remedy}` };
}
