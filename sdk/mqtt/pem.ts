// Certificates to trust: a bundle may hold all authorities of a system.

import type { X509Certificate } from "node:crypto";
import { certificateBlocks, readBlock } from "../x509/pem";

/** All authorities that browsers trust are a quarter of it. */
const maxLength = 1024 * 1024;

/** The certificates in a text, in its order. @throws UserError naming what is there instead. */
export const pemBlocks = (pem: string, what: string): readonly string[] => certificateBlocks(pem, what, maxLength);

/** @throws UserError naming what is there instead. */
export const certificates = (pem: string, what: string): readonly X509Certificate[] => pemBlocks(pem, what).map(block => readCertificate(block, what));

export const readCertificate = (pem: string, what: string): X509Certificate => readBlock(pem, what);
