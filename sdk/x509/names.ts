// Names in a certificate. Node writes one part a line, and commas and the like with a backslash (RFC 2253).

import type { X509Certificate } from "node:crypto";

/** `CN=pump-1, O=Acme`: to be read by people, and not to be taken apart again. Node's type says text; an empty name it hands on as undefined. */
export const oneLine = (name: string | undefined): string => name?.split("\n").join(", ") ?? "";

/** As the certificate has them, mostly one; a device's is its name. */
export function commonNamesOf(certificate: X509Certificate): readonly string[] {
    const { CN: names } = (certificate.toLegacyObject().subject ?? {}) as { readonly CN?: string | readonly string[] };
    return names === undefined ? [] : typeof names === "string" ? [names] : names;
}
