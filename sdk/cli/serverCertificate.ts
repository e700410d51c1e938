// `pulumi-thingsboard server-certificate`: a certificate for the MQTT port of a ThingsBoard of one's own, as with docker compose.
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { Authority } from "../emulator/pki";
import { makeFolder, requireOwn, writePrivate } from "../privateFile";
import { UserError } from "../userError";
import { requirePair } from "../x509/chain";
import { command, type JsonFlag } from "./frame/command";

interface Flags extends JsonFlag {
    readonly host: readonly string[];
    readonly out: string;
    readonly days: number;
    readonly renew?: boolean;
}

/** The names are those of ThingsBoard's guide to MQTT over SSL. */
const files = { certificate: "server.pem", key: "server_key.pem", ca: "ca.pem", caKey: "ca_key.pem" } as const;

export function serverCertificateCommand(): Command {
    return command("server-certificate", {
        summary: "a CA and a server certificate for the MQTT port of a ThingsBoard of your own",
        about: `It writes, the keys for their owner only (0600):
  ${files.certificate}      the server's certificate and its CA's: MQTT_SSL_PEM_CERT
  ${files.key}  its key: MQTT_SSL_PEM_KEY
  ${files.ca}          what devices trust: --cafile, mqttCaPem
  ${files.caKey}      the CA's key: for --renew; keep it away from the server

For tests and for networks of your own. The user that runs ThingsBoard has to be able to read its key: in its Docker images that is
the user 799 (sudo chown 799 ${files.key}).`,
        examples: [
            ["pulumi-thingsboard server-certificate --host localhost --host 127.0.0.1 --out certificates", "for a docker compose on this machine"],
            ["pulumi-thingsboard server-certificate --host mqtt.example.com --out certificates --days 90", "for another host"],
            ["pulumi-thingsboard server-certificate --host mqtt.example.com --out certificates --renew", "the next one, of the same CA: devices go on trusting it"],
        ],
        exitCodes: { 1: "nothing was written" },
    })
        .requiredOption("--host <name>", "name or address by which devices connect; may be given several times", gathered)
        .requiredOption("--out <folder>", "where to write")
        .option("--days <number>", "how long it is valid from now on", days, 825)
        .option("--renew", "replaces the certificate that is there with one of the same CA")
        .action(run);
}

async function run({ host, out, days, renew, json }: Flags): Promise<void> {
    const folder = resolve(out);
    const at = (name: keyof typeof files) => join(folder, files[name]);
    const there = Object.keys(files).filter(name => existsSync(at(name as keyof typeof files)));
    if (there.length > 0 && !renew) throw new UserError(`${folder} holds a ${files[there[0] as keyof typeof files]} already: choose another folder, or replace the certificate with one of the same CA with --renew.`);
    // Not before it is needed: it takes longer to load than the rest of the command.
    const { createAuthority, createServerCertificate } = await import("../emulator/pki.js");
    const authority = renew ? kept(at("ca"), at("caKey")) : await createAuthority(`CA of ${host[0]}`.slice(0, 64));
    const server = await createServerCertificate(authority, { hosts: host, days });
    makeFolder(folder, 0o755, "choose another folder with --out");
    requireOwn(folder, "choose another folder with --out");
    const contents = { certificate: server.chainPem, key: server.keyPem, ca: authority.caPem, caKey: authority.keyPem };
    for (const [name, text] of Object.entries(contents)) await writePrivate(at(name as keyof typeof files), text, { publicly: !text.includes("PRIVATE KEY") });
    const { fingerprint256, validTo } = new X509Certificate(server.leafPem);
    const made = {
        folder,
        hosts: host,
        fingerprint: fingerprint256,
        notAfter: new Date(validTo).toISOString(),
        settings: { MQTT_SSL_ENABLED: "true", MQTT_SSL_CREDENTIALS_TYPE: "PEM", MQTT_SSL_PEM_CERT: at("certificate"), MQTT_SSL_PEM_KEY: at("key"), DEVICE_CONNECTIVITY_MQTTS_CA_ROOT_CERT: at("ca") },
        caFile: at("ca"),
    };
    console.log(json ? JSON.stringify(made) : told(made));
}

function told({ folder, hosts, fingerprint, notAfter, settings, caFile }: { folder: string; hosts: readonly string[]; fingerprint: string; notAfter: string; settings: Readonly<Record<string, string>>; caFile: string }): string {
    return `A server certificate for ${hosts.join(", ")} in ${folder}, valid until ${notAfter}
SHA-256 ${fingerprint}

For ThingsBoard (paths as its process sees them):

${Object.entries(settings).map(([name, value]) => `  ${name}=${value}`).join("\n")}

Whoever runs ThingsBoard has to be able to read its key (the user 799 in its Docker images); ca_key.pem stays here.

For devices: --cafile ${caFile}
For this package: pulumi config set thingsboard:mqttCaPem < ${caFile}`;
}

/** @throws UserError unless both are there and belong together */
function kept(caFile: string, keyFile: string): Authority {
    if (!existsSync(caFile) || !existsSync(keyFile)) throw new UserError(`--renew needs ${caFile} and ${keyFile}, which an earlier run has written: without them make a new CA in another folder, and bring its ca.pem to the devices.`);
    const authority = { caPem: readFileSync(caFile, "utf8"), keyPem: readFileSync(keyFile, "utf8") };
    let certificate: X509Certificate;
    try {
        certificate = new X509Certificate(authority.caPem);
    } catch {
        throw new UserError(`${caFile} holds no certificate.`);
    }
    requirePair(certificate, authority.keyPem, keyFile);
    return authority;
}

function gathered(host: string, before: readonly string[] = []): string[] {
    if (!/^[A-Za-z0-9.:_*-]+$/.test(host)) throw new InvalidArgumentError("It must be a name or an address alone, such as mqtt.example.com.");
    return [...before, host];
}

function days(text: string): number {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < 1 || number > 3650) throw new InvalidArgumentError("It must be a whole number of days, from 1 to 3650.");
    return number;
}
