// Certificate requests (PKCS#10): what a device that keeps its key sends, to be checked before anybody signs it.

import { createPublicKey, type KeyObject, webcrypto } from "node:crypto";
import { UserError } from "../userError";
import { labelsIn, type Pem } from "./pem";
import { keyFault } from "./strength";

/** Parts of a subject by their short names: `{ CN: "pump-1", O: "Acme" }`. */
export type Subject = Readonly<Record<string, string>>;

const maxLength = 64 * 1024;

/** The attribute with the extensions that are asked for (PKCS #9, RFC 2985, 5.4.2): one, with one value. */
const extensionRequest = "1.2.840.113549.1.9.14";

/**
 * Whoever signs copies the subject and the alternative names of a request, and ThingsBoard's chain strategy believes the
 * name. So both have to be what was declared, and the signature shows that the sender holds the key.
 *
 * @returns its public key (SubjectPublicKeyInfo, DER)
 * @throws UserError saying what is wrong with it, as the end of a sentence.
 */
export async function checkRequest(pem: Pem, expected: Subject): Promise<Buffer> {
    if (typeof pem !== "string" || pem.length > maxLength) throw new UserError("it is no text of a certificate request");
    if (/PRIVATE KEY/.test(pem)) throw new UserError('it holds a private key: give the request alone ("openssl req -new"), and leave the key on the device');
    // Loaded here and not above: it takes longer to load than the rest of this package.
    await import("reflect-metadata");
    const { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } = await import("@peculiar/x509");
    let request: InstanceType<typeof Pkcs10CertificateRequest>;
    let publicKey: Buffer;
    let key: KeyObject;
    let parts: Parameters<typeof checkSubject>[0];
    let extensionLists: number;
    let names: readonly { readonly type: string; readonly value: string }[];
    try {
        // Each is taken apart only when it is asked for, and fails only then.
        request = new Pkcs10CertificateRequest(onlyBlock(pem));
        publicKey = Buffer.from(request.publicKey.rawData);
        key = createPublicKey({ key: publicKey, format: "der", type: "spki" });
        parts = request.subjectName.toJSON();
        extensionLists = request.attributes.filter(({ type }) => type === extensionRequest).reduce((sum, { values }) => sum + values.length, 0);
        names = request.extensions.filter(extension => extension instanceof SubjectAlternativeNameExtension).flatMap(({ names }) => names.items);
    } catch (cause) {
        throw new UserError('it is no certificate request that can be read: expected one PEM block "CERTIFICATE REQUEST" (openssl req -new)', { cause });
    }
    checkKey(key);
    // An algorithm that can't be verified is as good as a wrong signature.
    if (!(await request.verify(webcrypto as unknown as Crypto).catch(() => false))) {
        throw new UserError("its signature does not fit its key: it was changed after it was signed, or whoever sent it does not hold the key");
    }
    checkSubject(parts, expected);
    // Only the first one is read here, and whoever signs may read all of them.
    if (extensionLists > 1) throw new UserError("it asks for extensions in more than one place, so that not everybody reads the same: make the request with openssl req -new, and without extensions");
    const foreign = names.find(({ type, value }) => !(type === "dns" && value === expected["CN"]));
    if (foreign) throw new UserError(`it asks for the alternative name ${foreign.type} ${JSON.stringify(foreign.value)}: a device is known by its common name alone, so make the request without subjectAltName`);
    return publicKey;
}

/** DER as base64 on one line, which is shorter than PEM and has one spelling; undefined for text that is not one request alone. */
export function requestDer(pem: Pem): string | undefined {
    if (typeof pem !== "string" || pem.length > maxLength) return undefined;
    const block = /^\s*-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END (?:NEW )?CERTIFICATE REQUEST-----\s*$/.exec(pem);
    return block?.[1]?.replace(/\s/g, "");
}

function onlyBlock(pem: Pem): Pem {
    const labels = labelsIn(pem);
    if (labels.length !== 1 || !labels[0]?.endsWith("CERTIFICATE REQUEST")) throw new Error(labels.join(", "));
    return pem;
}

function checkKey(key: KeyObject): void {
    const fault = keyFault(key);
    if (fault !== undefined) throw new UserError(`its ${fault}`);
    const { asymmetricKeyType: type } = key;
    if (type !== "rsa" && type !== "ec" && type !== "ed25519") throw new UserError(`its key is of type ${type}: use EC P-256, or RSA with at least 2048 bits`);
}

function checkSubject(found: readonly Readonly<Record<string, readonly string[]>>[], expected: Subject): void {
    const parts = found.flatMap(part => Object.entries(part).flatMap(([key, values]) => values.map(value => [key, value] as const)));
    for (const [key, value] of parts) {
        if (expected[key] === undefined) throw new UserError(`its subject has ${key}=${value}, which was not declared: declare it, or make the request without it`);
        if (expected[key] !== value) throw new UserError(`it is for ${key}=${value}, and ${key}=${expected[key]} was declared: correct the one or the other`);
        if (parts.filter(([other]) => other === key).length > 1) throw new UserError(`its subject has ${key} more than once: make the request with one`);
    }
    for (const [key, value] of Object.entries(expected)) {
        if (!parts.some(([other]) => other === key)) throw new UserError(`its subject lacks ${key}=${value}: make the request with it, or don't declare it`);
    }
}
