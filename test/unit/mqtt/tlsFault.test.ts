import { describe, expect, it } from "vitest";
import { alertRefusal, errorCode, handshakeRefusal, serverCertificateFault } from "../../../sdk/mqtt/tlsFault";

const failed = (code: string) => Object.assign(new Error("write EPROTO 1234:error:…"), { code });

describe("an error in the handshake", () => {
    it.each([
        ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN", "certificate_unknown"],
        // OpenSSL 3.2 and later, so Node 24, call the same alerts by another prefix.
        ["ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN", "certificate_unknown"],
        ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "certificate_required"],
        ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "unknown_ca"],
    ])("%s is about our certificate", (code, alert) => {
        expect(handshakeRefusal(failed(code))).toEqual({ stage: "tls-client", alert, code });
        expect(alertRefusal(code)).toEqual({ stage: "tls-client", alert, code });
    });

    it.each([
        ["ERR_SSL_WRONG_VERSION_NUMBER", "not-tls"],
        ["ERR_SSL_PACKET_LENGTH_TOO_LONG", "not-tls"],
        ["ECONNRESET", "handshake"],
        ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "handshake"],
        ["ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", "handshake"],
    ])("%s is not", (code, fault) => {
        expect(handshakeRefusal(failed(code))).toEqual({ stage: "tls-server", fault, code });
        expect(alertRefusal(code)).toBeUndefined();
    });
});

it.each([
    ["ERR_TLS_CERT_ALTNAME_INVALID", "wrong-host"],
    ["CERT_HAS_EXPIRED", "expired"],
    ["CERT_NOT_YET_VALID", "not-yet-valid"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "untrusted"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "untrusted"],
])("verdict %s means %s", (code, fault) => {
    expect(serverCertificateFault(code)).toBe(fault);
});

it("falls back to the message where an error has no code", () => {
    expect([errorCode(new Error("x")), errorCode("y"), errorCode(failed("Z"))]).toEqual(["x", "y", "Z"]);
});
