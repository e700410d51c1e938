// What a device needs, in the forms in which clients take it.

import * as path from "node:path";
import { certificatesIn, joined, requireOrder, requirePair } from "../x509/chain";
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

/** @throws UserError where certificate, chain and key don't belong together. */
export async function bundleFiles(inputs: DeviceBundleInputs, { serverChainPem }: Endpoint, keptStore: Buffer | undefined): Promise<Files> {
    const certificates = chainOf(inputs);
    const { privateKeyPem, pkcs12Password: password } = inputs;
    if (privateKeyPem !== undefined) requirePair(certificates[0]!, privateKeyPem, "privateKeyPem");
    // Salts make each one different: an old one is kept as long as nothing in it changes.
    const store = privateKeyPem === undefined || password === undefined ? undefined : (keptStore ?? (await pkcs12({ privateKeyPem, certificates, password, alias: aliasOf(inputs) })));
    return {
        ...(privateKeyPem === undefined ? {} : { [names.key]: withLineEnd(privateKeyPem) }),
        [names.certificate]: joined(certificates.slice(0, 1)),
        ...(certificates.length > 1 ? { [names.chain]: joined(certificates) } : {}),
        ...(serverChainPem === undefined ? {} : { [names.server]: withLineEnd(serverChainPem) }),
        ...(store === undefined ? {} : { [names.store]: store }),
    };
}

export const storeIn = (files: Files): Buffer | undefined => files[names.store] as Buffer | undefined;

/** The name of the key store's entry. */
export function aliasOf({ alias, certificatePem }: Pick<DeviceBundleInputs, "alias" | "certificatePem">): string {
    const subject = certificatesIn(certificatePem, "certificatePem")[0]!.subject;
    return alias ?? subject?.split("\n").find(part => part.startsWith("CN="))?.slice(3) ?? "device";
}

function chainOf({ certificatePem, chainPem }: DeviceBundleInputs) {
    const own = certificatesIn(certificatePem, "certificatePem").slice(0, 1);
    const chain = chainPem === undefined ? own : certificatesIn(chainPem, "chainPem");
    const whole = chain[0]!.raw.equals(own[0]!.raw) ? chain : [...own, ...chain];
    requireOrder(whole, "chainPem");
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
