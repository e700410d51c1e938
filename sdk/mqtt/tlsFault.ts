// Reads Node's and OpenSSL's error codes: whose certificate was refused, by whom, and why.

import type { Refusal, ServerCertificateFault } from "./outcome";

/** TLS alerts that are about the certificate we sent (RFC 8446 §6.2). */
const clientCertificateAlerts = new Set([
    "bad_certificate",
    "unsupported_certificate",
    "certificate_revoked",
    "certificate_expired",
    "certificate_unknown",
    "unknown_ca",
    "access_denied",
    "decrypt_error",
    "certificate_required",
    "no_certificate",
]);

/** What OpenSSL says when the other side's first bytes are no TLS record. */
const notTls = new Set(["ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG", "ERR_SSL_UNKNOWN_PROTOCOL", "ERR_SSL_BAD_RECORD_TYPE"]);

/** An error before the handshake was done. */
export function handshakeRefusal(error: unknown): Refusal {
    const code = errorCode(error);
    return alertRefusal(code) ?? { stage: "tls-server", fault: notTls.has(code) ? "not-tls" : "handshake", code };
}

/**
 * The server's alert about our certificate. In TLS 1.3 it comes after the client's `secureConnect`, since the server
 * judges the certificate later, so it is looked for while waiting for CONNACK too.
 */
export function alertRefusal(code: string): Refusal | undefined {
    const alert = /ALERT_([A-Z_]+)$/.exec(code)?.[1]?.toLowerCase();
    return alert && clientCertificateAlerts.has(alert) ? { stage: "tls-client", alert, code } : undefined;
}

/** Node's verdict on the server's certificate (`socket.authorizationError`). */
export function serverCertificateFault(code: string): ServerCertificateFault {
    if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "wrong-host";
    if (code === "CERT_HAS_EXPIRED") return "expired";
    if (code === "CERT_NOT_YET_VALID") return "not-yet-valid";
    return "untrusted";
}

export function errorCode(error: unknown): string {
    if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
    return error instanceof Error ? error.message : String(error);
}
