// Certificates made by somebody else than the package.

import { execFileSync } from "node:child_process";

/** A self-signed EC certificate, valid from now on. */
export function selfSigned(commonName: string, days = 30): string {
    return execFileSync(
        "openssl",
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", String(days), "-keyout", "/dev/null", "-subj", `/CN=${commonName}`],
        { stdio: "pipe", encoding: "utf8" },
    );
}
