// Reports to test with: certificates are real, and the devices around them made up.

import { X509Certificate } from "node:crypto";
import type { Report, ReportRow } from "../../sdk/report/model";
import { rowsOf, type StateResource } from "../../sdk/report/state";
import { summarize } from "../../sdk/report/summary";
import { issue } from "../../sdk/x509/issue";
import { readLeaf, toPem } from "../../sdk/x509/leaf";

export const at = new Date("2026-11-24T12:00:00Z");
const day = 86_400_000;

/** @returns PEM of a certificate that was issued so many days ago */
export async function certificate(commonName: string, { validityDays = 365, daysAgo = 0 }: { validityDays?: number; daysAgo?: number } = {}): Promise<string> {
    const issued = await issue({ commonName, algorithm: "EC_P256", validityDays }, new Date(at.getTime() - daysAgo * day));
    return toPem(issued.certificate);
}

export const credential = (name: string, certificatePem: string, more: Partial<StateResource> = {}): StateResource => ({
    type: "pulumi-nodejs:dynamic/thingsboard:DeviceCredential",
    inputs: {},
    outputs: { deviceId: `id of ${name}`, deviceName: name, certificatePem, credentialsId: readLeaf(certificatePem).credentialsId },
    ...more,
});

export const rows = (resources: readonly StateResource[], dueDays = 30): ReportRow[] => rowsOf(resources, { stack: "prod", dueDays, now: at });

export const reportOf = (found: readonly ReportRow[], server?: string): Report => ({
    at: at.toISOString(),
    stacks: ["prod"],
    ...(server === undefined ? {} : { server }),
    dueDays: 30,
    summary: summarize(found, server !== undefined),
    rows: found,
});

/** Twelve certificates, shared by as many devices as are asked for. */
export async function largeReport(devices: number): Promise<Report> {
    const made = await Promise.all(Array.from({ length: 12 }, (_none, index) => certificate(`model-${index}`, { validityDays: 360, daysAgo: index * 31 })));
    const models = made.map(pem => rows([credential("model", pem)])[0]!);
    return reportOf(
        Array.from({ length: devices }, (_none, index): ReportRow => ({
            ...models[index % 12]!,
            device: `pump-${index}`,
            deviceId: `id-${index}`,
            ...(index % 50 === 7 ? { drift: "holds an access token" } : {}),
            check: { outcome: index % 100 === 3 ? "refused" : "accepted", message: "told by the test", checkedAt: at.toISOString(), connectMs: 20 + (index * 7) % 90, publishMs: 60 },
            server: index % 40 === 5 ? { active: false } : { active: true, lastConnect: at.toISOString() },
        })),
        "thingsboard.example.com",
    );
}

export const endOf = (pem: string): string => new Date(new X509Certificate(pem).validTo).toISOString();
