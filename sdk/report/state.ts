// The rows of a report from the state of a stack: no server is asked, and no secret is needed.

import { X509Certificate } from "node:crypto";
import { millisecondsPerDay } from "../clock";
import { logicalName } from "../reconcilers/ownership";
import { certificateId } from "../x509/leaf";
import { oneLine } from "../x509/names";
import type { CheckRow, ReportRow, Standing } from "./model";

/** A resource of `pulumi stack export`. Values are as the state holds them: a secret one is an object with a signature. */
export interface StateResource {
    readonly type: string;
    readonly inputs?: Readonly<Record<string, unknown>>;
    readonly outputs?: Readonly<Record<string, unknown>>;
    /** Replaced, and waiting to be deleted. */
    readonly delete?: boolean;
}

export interface RowOptions {
    readonly stack: string;
    readonly dueDays: number;
    readonly now: Date;
}

const typeOf = (name: string) => `pulumi-nodejs:dynamic/thingsboard:${name}`;

export function rowsOf(resources: readonly StateResource[], options: RowOptions): ReportRow[] {
    const present = resources.filter(resource => resource.delete !== true && resource.outputs !== undefined);
    const all = (name: string) => present.filter(({ type }) => type === typeOf(name));
    const checks = new Map(all("PublishCheck").flatMap(({ outputs }) => checkOf(outputs!)));
    const drift = new Map(all("Device").flatMap(({ inputs, outputs }) => driftOf(inputs, outputs!)));
    const made = new Map(present.flatMap(({ outputs }) => read(outputs!["certPem"]) ?? []).map(certificate => [identityOf(certificate), certificate]));
    return [
        ...all("DeviceCredential").map(resource => credentialRow(resource, made, checks, drift, options)),
        ...all("FleetBatch").flatMap(({ outputs }) => batchRows(outputs as unknown as Batch, options)),
    ];
}

/** @param made the certificates that the stack has made: after a refresh the credential holds what was found on the server */
function credentialRow({ inputs, outputs }: StateResource, made: ReadonlyMap<string, X509Certificate>, checks: ReadonlyMap<string, CheckRow>, deviceDrift: ReadonlyMap<string, string>, options: RowOptions): ReportRow {
    const { deviceId, deviceName, certificatePem, credentialsId } = outputs as { deviceId: string; deviceName?: string; certificatePem: unknown; credentialsId: string };
    const held = read(certificatePem);
    const certificate = held && identityOf(held) === credentialsId ? held : made.get(credentialsId);
    const check = checks.get(deviceId);
    const drift = [deviceDrift.get(deviceId), inWords(inputs?.["changedElsewhere"])].filter(text => text !== undefined).join("; ");
    return {
        device: deviceName ?? deviceId,
        deviceId,
        ...(certificate ? described(certificate, options, options.dueDays) : { ...undescribed, stack: options.stack, credentialsId }),
        ...(drift === "" ? {} : { drift }),
        ...(check === undefined ? {} : { check }),
    };
}

const undescribed = { subject: "", issuer: "", algorithm: "", serialNumber: "", notBefore: "", notAfter: "", standing: "unknown" } as const;

/** What is used of a batch of a fleet. */
interface Batch {
    readonly fleet: string;
    readonly settings: { readonly renewBeforeDays: number };
    readonly devices: Readonly<Record<string, { readonly id: string; readonly certificate: string }>>;
    readonly failed?: Readonly<Record<string, string>>;
    readonly drift?: Readonly<Record<string, string>>;
}

function batchRows({ fleet, settings, devices, failed = {}, drift = {} }: Batch, options: RowOptions): ReportRow[] {
    const own = (record: Readonly<Record<string, string>>, name: string) => (Object.hasOwn(record, name) ? record[name] : undefined);
    const common = { fleet: logicalName(fleet) };
    const neverMade = Object.entries(failed).flatMap(([device, reason]): ReportRow[] =>
        Object.hasOwn(devices, device) ? [] : [{ device, deviceId: "", ...common, ...undescribed, stack: options.stack, credentialsId: "", failed: reason }],
    );
    const made = Object.entries(devices).flatMap(([device, { id, certificate: der }]): ReportRow[] => {
        const certificate = read(Buffer.from(der, "base64"));
        if (!certificate) return [];
        const [failure, change] = [own(failed, device), own(drift, device)];
        return [
            {
                device,
                deviceId: id,
                ...common,
                ...described(certificate, options, settings.renewBeforeDays),
                ...(failure === undefined ? {} : { failed: failure }),
                ...(change === undefined ? {} : { drift: change }),
            },
        ];
    });
    return [...made, ...neverMade];
}

type Described = Pick<ReportRow, "stack" | "subject" | "issuer" | "algorithm" | "serialNumber" | "notBefore" | "notAfter" | "credentialsId" | "standing">;

function described(certificate: X509Certificate, { stack, now }: RowOptions, dueDays: number): Described {
    const [notBefore, notAfter] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
    return {
        stack,
        subject: oneLine(certificate.subject),
        issuer: oneLine(certificate.issuer),
        algorithm: algorithmOf(certificate),
        serialNumber: certificate.serialNumber,
        notBefore: notBefore.toISOString(),
        notAfter: notAfter.toISOString(),
        credentialsId: identityOf(certificate),
        standing: standingOf(notBefore, notAfter, now, dueDays),
    };
}

const identityOf = (certificate: X509Certificate): string => certificateId(certificate.raw.toString("base64"));

/** A certificate of a week is not due all its life. */
function standingOf(notBefore: Date, notAfter: Date, now: Date, dueDays: number): Standing {
    const left = notAfter.getTime() - now.getTime();
    if (left < 0) return "expired";
    const third = (notAfter.getTime() - notBefore.getTime()) / 3;
    return left <= Math.min(dueDays * millisecondsPerDay, third) ? "due" : "valid";
}

const curves: Readonly<Record<string, string>> = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" };

function algorithmOf({ publicKey }: X509Certificate): string {
    const { asymmetricKeyType, asymmetricKeyDetails } = publicKey;
    if (asymmetricKeyType === "rsa") return `RSA ${asymmetricKeyDetails?.modulusLength ?? ""}`.trim();
    if (asymmetricKeyType === "ec") return `EC ${curves[asymmetricKeyDetails?.namedCurve ?? ""] ?? asymmetricKeyDetails?.namedCurve ?? ""}`.trim();
    if (asymmetricKeyType === "ed25519") return "Ed25519";
    return asymmetricKeyType ?? "unknown";
}

/** Undefined for what is no certificate, or was made a secret by the program. */
function read(source: unknown): X509Certificate | undefined {
    if (typeof source !== "string" && !Buffer.isBuffer(source)) return undefined;
    try {
        const certificate = new X509Certificate(source);
        void certificate.publicKey;
        return certificate;
    } catch {
        return undefined;
    }
}

function checkOf(outputs: Readonly<Record<string, unknown>>): [string, CheckRow][] {
    const { deviceId, outcome, message, checkedAt, connectMs, publishMs } = outputs as unknown as CheckRow & { deviceId: string };
    if (outcome === undefined) return [];
    const times = { ...(connectMs === undefined ? {} : { connectMs }), ...(publishMs === undefined ? {} : { publishMs }) };
    return [[deviceId, { outcome, message, checkedAt, ...times }]];
}

function driftOf(inputs: StateResource["inputs"], outputs: Readonly<Record<string, unknown>>): [string, string][] {
    const drift = inWords(inputs?.["changedElsewhere"]);
    return drift === undefined ? [] : [[outputs["deviceId"] as string, drift]];
}

function inWords(changes: unknown): string | undefined {
    if (typeof changes !== "object" || changes === null) return undefined;
    return Object.entries(changes).map(([property, found]) => `${property} is now ${String(found)}`).join("; ");
}
