// Checks a request before anything is sent, and makes of it what every connection needs.

import { createPrivateKey, type KeyObject, randomBytes, type X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import { UserError } from "../userError";
import { readLeaf } from "../x509/leaf";
import type { PresentedCertificate, PublishCheckRequest } from "./outcome";
import { telemetryTopic } from "./payload";
import { pemBlocks, readCertificate } from "./pem";
import { trustedRoots } from "./roots";

/** A message of ours, or bytes of the user's own. */
export interface Publication {
    readonly topic: string;
    readonly payload: string | Buffer;
}

/** What a connection is made from. The private key is in `secureContext` alone. */
export interface Prepared {
    readonly host: string;
    readonly port: number;
    /** The name that the server's certificate must hold. */
    readonly serverName: string;
    readonly secureContext: SecureContext;
    readonly presented: PresentedCertificate;
    readonly clientId: string;
    readonly message?: Publication;
    readonly timeoutSeconds: number;
}

/** @throws UserError for what no server could accept. */
export function prepare(request: PublishCheckRequest, random: (size: number) => Buffer = randomBytes): Prepared {
    const { host, port, timeoutSeconds = 15, clientId = `pulumi-${random(8).toString("hex")}` } = request;
    checkEndpoint(host, port);
    if (!(timeoutSeconds > 0)) throw new UserError(`timeoutSeconds must be more than 0, not ${timeoutSeconds}`);
    checkClientId(clientId);
    return {
        host,
        port,
        serverName: request.servername ?? host,
        ...identity(request, request.caPem === undefined ? trustedRoots() : pemBlocks(request.caPem, "mqttCaPem").filter(pem => readCertificate(pem, "mqttCaPem"))),
        clientId,
        ...(request.mode === "publish" && { message: message(request.topic ?? telemetryTopic, request.payload) }),
        timeoutSeconds,
    };
}

/** @throws UserError saying why no server could accept this pair. */
export function checkPair(certificatePem: string, privateKeyPem: string): void {
    identity({ certificatePem, privateKeyPem }, []);
}

export function checkEndpoint(host: string, port: number): void {
    if (!/^[^\s/@]+$/.test(host) || (host.includes(":") && !isIP(host))) {
        throw new UserError(`MQTT host "${host}" must be a name or an address alone, such as mqtt.example.com, without scheme, port or path`);
    }
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw new UserError(`MQTT port must be a number from 1 to 65535 (8883 by default), not ${port}`);
}

/** ThingsBoard takes a session of this name for a provisioning one: it answers CONNACK 0 to any certificate, and drops what is published. */
function checkClientId(clientId: string): void {
    if (clientId === "provision") throw new UserError(`client id "provision" is reserved by ThingsBoard for provisioning: choose another one, or leave it out`);
    if (clientId.trim() === "") throw new UserError("client id is blank: choose another one, or leave it out");
}

function message(topic: string, payload: string | Buffer): Publication {
    if (topic === "" || /[+#\0]/.test(topic)) throw new UserError(`topic "${topic}" can't be published to: it must not be empty, and + and # belong into subscriptions`);
    return { topic, payload };
}

function identity({ certificatePem, privateKeyPem }: Pick<PublishCheckRequest, "certificatePem" | "privateKeyPem">, ca: readonly string[] | undefined): Pick<Prepared, "secureContext" | "presented"> {
    const [first = "", ...above] = pemBlocks(certificatePem, "the device's certificate");
    const leaf = readLeaf(first);
    const chain = [first, ...above].map(pem => readCertificate(pem, "the device's certificate chain"));
    checkOrder(chain);
    const key = readKey(privateKeyPem);
    if (!chain[0]!.checkPrivateKey(key)) {
        throw new UserError("the private key does not belong to the device's certificate: give the pair that was made together");
    }
    return {
        secureContext: secureContext(key, [first, ...above].join("\n"), ca),
        presented: {
            credentialsId: leaf.credentialsId,
            notBefore: leaf.notBefore.toISOString(),
            notAfter: leaf.notAfter.toISOString(),
            chainLength: chain.length,
        },
    };
}

/** ThingsBoard checks each signature with the key of the next certificate, and answers a mismatch with a bare TLS alert. */
function checkOrder(chain: readonly X509Certificate[]): void {
    chain.slice(1).forEach((issuer, index) => {
        if (!chain[index]!.verify(issuer.publicKey)) {
            throw new UserError(
                `certificate ${index + 2} of the device's chain did not sign certificate ${index + 1}: ` +
                    "list the leaf first and after each certificate the one that signed it, or give the leaf alone",
            );
        }
    });
}

/** Characters; an RSA key of 16,384 bits has a fifth of it. */
const maxKey = 64 * 1024;

/** The causes of Node's and OpenSSL's errors are left out on purpose: nothing of a key may reach a log. */
function readKey(pem: string): KeyObject {
    if (typeof pem !== "string" || pem.length > maxKey) throw new UserError(`the device's private key is no text of a PEM private key, or longer than ${maxKey} characters`);
    if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(pem)) {
        throw new UserError("the device's private key is encrypted: give it without a passphrase, as a secret");
    }
    try {
        return createPrivateKey(pem);
    } catch {
        throw new UserError('the device\'s private key is no PEM private key: it must begin with "-----BEGIN PRIVATE KEY-----" (or EC or RSA PRIVATE KEY)');
    }
}

function secureContext(key: KeyObject, cert: string, ca: readonly string[] | undefined): SecureContext {
    try {
        const pem = key.export({ format: "pem", type: "pkcs8" });
        return createSecureContext({ key: pem, cert, minVersion: "TLSv1.2", ...(ca && { ca: [...ca] }) });
    } catch (error) {
        const why = error instanceof Error && "reason" in error ? String(error.reason) : "not accepted";
        throw new UserError(`OpenSSL can't use the device's certificate and key (${why}): use EC P-256, or RSA with 2048 bits or more, signed with SHA-256`);
    }
}
