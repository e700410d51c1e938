// The common names of a certificate as they are: where a name is printed as text, `,` and its like are escaped (RFC 2253).

import { X509Certificate } from "node:crypto";

/** In the order of the subject; empty where it has none. */
export function commonNames({ raw }: Pick<X509Certificate, "raw">): readonly string[] {
    const found: unknown = new X509Certificate(raw).toLegacyObject().subject?.CN;
    return [found].flat().filter(name => typeof name === "string");
}

/** Of a leaf, as base64 of its DER: the first; undefined where it has none. */
export const commonNameIn = (base64Der: string): string | undefined => commonNames({ raw: Buffer.from(base64Der, "base64") })[0];
