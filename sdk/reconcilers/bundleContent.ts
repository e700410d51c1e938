// What a device needs, in the forms in which clients take it.

import type { X509Certificate } from "node:crypto";
import * as path from "node:path";
import { certificatesIn, joined, requireOrder, requirePair } from "../x509/chain";
import { commonNamesOf } from "../x509/names";
import { pkcs12 } from "../x509/pkcs12";
import type { Files } from "./bundleFolder";
import type { DeviceBundleInputs } from "./deviceBundle";

export interface Endpoint {
    readonly host: string;
    readonly port: number;
    readonly serverChainPem?: string;
}

export interface Instructions {
    /** The command of ThingsBoard's guide, ready to run. */
    readonly mosquittoPub: string;
    /** The part `thingsboard` of ThingsBoard IoT Gateway's `tb_gateway.json`. */
    readonly gatewayConfiguration: { readonly host: string; readonly port: number; readonly security: Readonly<Record<string, string>> };
    /** The same as environment variables, which go before the file. */
    readonly gatewayEnvironment: Readonly<Record<string, string>>;
}

const names = { key: "key.pem", certificate: "cert.pem", chain: "chain.pem", server: "tb-server-chain.pem", store: "device.p12" } as const;
/** In front of the names of the next pair's files. */
const nextPrefix = "next-";

/** A certificate with what belongs to it. */
export interface BundledPair {
    readonly certificatePem: string;
    readonly chainPem?: string;
    readonly privateKeyPem?: string;
}

/** The PKCS#12 of each pair. */
export interface Stores {
    readonly current?: Buffer;
    readonly next?: Buffer;
}

/** The pair that waits to be bound, if there is one. The engine hands over a secret that is not there as null. */
export function nextPairOf({ nextCertificatePem, nextChainPem, nextPrivateKeyPem }: Pick<DeviceBundleInputs, "nextCertificatePem" | "nextChainPem" | "nextPrivateKeyPem">): BundledPair | undefined {
    if (nextCertificatePem === undefined || nextCertificatePem === null) return undefined;
    return {
        certificatePem: nextCertificatePem,
        ...(nextChainPem === undefined || nextChainPem === null ? {} : { chainPem: nextChainPem }),
        ...(nextPrivateKeyPem === undefined || nextPrivateKeyPem === null ? {} : { privateKeyPem: nextPrivateKeyPem }),
    };
}

/** @throws UserError where certificate, chain and key don't belong together. */
export async function bundleFiles(inputs: DeviceBundleInputs, { serverChainPem }: Endpoint, kept: Stores): Promise<Files> {
    const next = nextPairOf(inputs);
    return {
        ...(await pairFiles("", inputs, inputs, kept.current)),
        ...(next ? await pairFiles(nextPrefix, next, inputs, kept.next) : {}),
        ...(serverChainPem === undefined ? {} : { [names.server]: withLineEnd(serverChainPem) }),
    };
}

async function pairFiles(prefix: "" | typeof nextPrefix, pair: BundledPair, { pkcs12Password: password, alias }: DeviceBundleInputs, keptStore: Buffer | undefined): Promise<Files> {
    const certificates = chainOf(pair, prefix === "" ? "current" : "next");
    const { privateKeyPem } = pair;
    // Salts make each one different: an old one is kept as long as nothing in it changes.
    const store = privateKeyPem === undefined || password === undefined ? undefined : (keptStore ?? (await pkcs12({ privateKeyPem, certificates, password, alias: aliasOf({ ...pair, ...(alias === undefined ? {} : { alias }) }) })));
    return {
        ...(privateKeyPem === undefined ? {} : { [prefix + names.key]: withLineEnd(privateKeyPem) }),
        [prefix + names.certificate]: joined(certificates.slice(0, 1)),
        ...(certificates.length > 1 ? { [prefix + names.chain]: joined(certificates) } : {}),
        ...(store === undefined ? {} : { [prefix + names.store]: store }),
    };
}

export function storesIn(files: Files): Stores {
    const [current, next] = [files[names.store], files[nextPrefix + names.store]] as (Buffer | undefined)[];
    return { ...(current ? { current } : {}), ...(next ? { next } : {}) };
}

/** The name of the key store's entry. */
export function aliasOf({ alias, certificatePem }: Pick<DeviceBundleInputs, "alias" | "certificatePem">): string {
    return alias ?? commonNamesOf(certificatesIn(certificatePem, "certificatePem")[0]!)[0] ?? "device";
}

/** Leaf first. @throws UserError where certificate, chain and key don't belong together */
export function chainOf({ certificatePem, chainPem, privateKeyPem }: BundledPair, which: "current" | "next"): readonly X509Certificate[] {
    const field = (name: string) => (which === "current" ? name : `next${name[0]!.toUpperCase()}${name.slice(1)}`);
    const own = certificatesIn(certificatePem, field("certificatePem")).slice(0, 1);
    const chain = chainPem === undefined ? own : certificatesIn(chainPem, field("chainPem"));
    const whole = chain[0]!.raw.equals(own[0]!.raw) ? chain : [...own, ...chain];
    requireOrder(whole, field("chainPem"));
    if (privateKeyPem !== undefined) requirePair(own[0]!, privateKeyPem, field("privateKeyPem"));
    return whole;
}

/** @param folder where the files are when the commands run */
export function instructions(files: Files, { host, port }: Endpoint, folder: string, topic: string): Instructions {
    const at = (name: string) => (folder === "" ? name : path.posix.join(folder, name));
    const there = (name: string) => name in files;
    const certificate = at(there(names.chain) ? names.chain : names.certificate);
    const trust = there(names.server) ? `--cafile ${shell(at(names.server))}` : "--capath /etc/ssl/certs";
    const gateway = {
        ...(there(names.server) ? { caCert: at(names.server) } : {}),
        privateKey: at(names.key),
        cert: certificate,
    };
    return {
        mosquittoPub: `mosquitto_pub ${trust} -q 1 -h ${shell(host)} -p ${port} -t ${shell(topic)} --key ${shell(at(names.key))} --cert ${shell(certificate)} -m '{"temperature":25}'`,
        gatewayConfiguration: { host, port, security: { type: "tls", ...gateway } },
        gatewayEnvironment: {
            TB_GW_HOST: host,
            TB_GW_PORT: String(port),
            TB_GW_SECURITY_TYPE: "tls",
            ...(gateway.caCert === undefined ? {} : { TB_GW_CA_CERT: gateway.caCert }),
            TB_GW_PRIVATE_KEY: gateway.privateKey,
            TB_GW_CERT: gateway.cert,
        },
    };
}

const shell = (text: string): string => (/^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
const withLineEnd = (text: string): string => `${text.trim()}\n`;
