// `pulumi-thingsboard fingerprint`: who a certificate is, for ThingsBoard and for everybody else.
import { X509Certificate } from "node:crypto";
import { type Command, InvalidArgumentError } from "commander";
import { daysInWords, millisecondsPerDay } from "../clock";
import { printable } from "../printable";
import { UserError } from "../userError";
import { subjectKeyIdentifier } from "../x509/keyIdentifier";
import { readLeaf, toPem } from "../x509/leaf";
import { oneLine } from "../x509/names";
import { command, type JsonFlag } from "./frame/command";
import { readText } from "./frame/files";
import { type Paint, paintFor, printJson } from "./frame/terminal";

interface Printed {
    readonly file: string;
    /** ThingsBoard's: SHA3-256 of the base64 of the DER. */
    readonly credentialsId: string;
    /** Of the DER. */
    readonly sha256: string;
    readonly subject: string;
    readonly issuer: string;
    readonly selfSigned: boolean;
    readonly authority: boolean;
    readonly serialNumber: string;
    readonly notBefore: string;
    readonly notAfter: string;
    /** Whole days; negative when it has expired. */
    readonly daysLeft: number;
    readonly keyAlgorithm: string;
    /** RFC 5280, 4.2.1.2: as the certificate has it, or else SHA-1 of its public key. */
    readonly subjectKeyIdentifier: string;
}

export function fingerprintCommand(): Command {
    return command("fingerprint", {
        summary: "what a certificate is called: ThingsBoard's credentialsId, SHA-256, subject, dates, key",
        about: `ThingsBoard knows a certificate by its credentialsId: SHA3-256 of the base64 text of its DER, on one line. It is what
GET /api/device/{id}/credentials shows and what a DeviceCredential has as its output. Private keys in the same file are not looked at.`,
        examples: [
            ["pulumi-thingsboard fingerprint cert.pem", "one certificate, or each of a chain"],
            ["pulumi stack output certificatePem | pulumi-thingsboard fingerprint -", "from standard input"],
            ["pulumi-thingsboard fingerprint --expires-within 30 devices/*.pem", "fails if one of them has less than 30 days left"],
        ],
        exitCodes: { 1: "a file holds no certificate, or one of them expires within the days that were asked for" },
    })
        .argument("<pem...>", "files of certificates; - is standard input")
        .option("--expires-within <days>", "exit code 1 if one of them does", days)
        .action(run);
}

function run(files: readonly string[], { json, expiresWithin }: JsonFlag & { expiresWithin?: number }): void {
    const found = files.flatMap(file => certificatesOf(file).map(certificate => printed(file, certificate)));
    const paint = paintFor(process.stdout);
    if (json) printJson(found);
    else console.log(found.map(certificate => told(certificate, files.length > 1 || found.length > 1, paint)).join("\n\n"));
    if (expiresWithin === undefined) return;
    const due = found.filter(({ daysLeft }) => daysLeft < expiresWithin);
    for (const { subject, notAfter, file } of due) console.error(`warning: ${printable(subject)} (${file}) ${Date.parse(notAfter) < Date.now() ? "expired" : "expires"} on ${notAfter}`);
    if (due.length > 0) process.exitCode = 1;
}

function certificatesOf(file: string): X509Certificate[] {
    const what = file === "-" ? "standard input" : file;
    const blocks = readText(file, "the file").match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
    if (blocks.length === 0) throw new UserError(`${what} holds no PEM certificate: it must begin with "-----BEGIN CERTIFICATE-----".`);
    return blocks.map((block, index) => {
        try {
            const certificate = new X509Certificate(block);
            void certificate.publicKey;
            return certificate;
        } catch {
            throw new UserError(`${what}: block ${index + 1} is labelled CERTIFICATE and can't be read as one.`);
        }
    });
}

function printed(file: string, certificate: X509Certificate): Printed {
    const { credentialsId, fingerprint, subject, serialNumber, notBefore, notAfter } = readLeaf(toPem(certificate.raw.toString("base64")));
    return {
        file,
        credentialsId,
        sha256: fingerprint,
        subject,
        issuer: oneLine(certificate.issuer),
        selfSigned: certificate.checkIssued(certificate),
        authority: certificate.ca,
        serialNumber,
        notBefore: notBefore.toISOString(),
        notAfter: notAfter.toISOString(),
        daysLeft: Math.floor((notAfter.getTime() - Date.now()) / millisecondsPerDay),
        keyAlgorithm: keyOf(certificate),
        subjectKeyIdentifier: subjectKeyIdentifier(certificate),
    };
}

const curves: Readonly<Record<string, string>> = { prime256v1: "EC P-256", secp384r1: "EC P-384", secp521r1: "EC P-521" };

function keyOf({ publicKey: { asymmetricKeyType, asymmetricKeyDetails } }: X509Certificate): string {
    const { modulusLength, namedCurve } = asymmetricKeyDetails ?? {};
    if (modulusLength !== undefined) return `RSA ${modulusLength}`;
    if (namedCurve !== undefined) return curves[namedCurve] ?? `EC ${namedCurve}`;
    return asymmetricKeyType ?? "unknown";
}

const day = (iso: string): string => `${iso.slice(0, 19).replace("T", " ")} UTC`;

function told({ file, ...found }: Printed, withFile: boolean, paint: Paint): string {
    const { daysLeft } = found;
    const remaining = `${daysInWords(daysLeft * millisecondsPerDay)} left`;
    const left = daysLeft < 0 ? paint("red", "expired") : daysLeft < 30 ? paint("yellow", remaining) : remaining;
    const rows: [string, string][] = [
        ["credentialsId", found.credentialsId],
        ["SHA-256", found.sha256],
        ["subject", printable(found.subject)],
        ["issuer", `${printable(found.issuer)}${found.selfSigned ? " (itself)" : ""}`],
        ["serial number", found.serialNumber],
        ["valid", `${day(found.notBefore)} to ${day(found.notAfter)}, ${left}`],
        ["key", `${found.keyAlgorithm}${found.authority ? ", of an authority" : ""}`],
        ["key identifier", found.subjectKeyIdentifier],
    ];
    return [...(withFile ? [paint("bold", file)] : []), ...rows.map(([name, value]) => `${name.padEnd(14)}  ${value}`)].join("\n");
}

function days(text: string): number {
    const number = Number(text);
    if (!/^\d+$/.test(text)) throw new InvalidArgumentError("It must be a whole number of days.");
    return number;
}
