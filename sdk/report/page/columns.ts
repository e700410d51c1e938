// What the table shows of each device, and what it shows when one is opened.

import type { ReportRow } from "../model";
import { issuerOf } from "../summary";
import { failureOf, refusalOf } from "../words";

export interface Column {
    readonly title: string;
    readonly text: (row: ReportRow) => string;
    /** What it is sorted by, where that is not the text. */
    readonly order?: (row: ReportRow) => number | string;
    /** Class of its cells. */
    readonly kind?: (row: ReportRow) => string;
    /** Class of its heading. */
    readonly heading?: string;
}

export function columnsOf(rows: readonly ReportRow[], now: Date): Column[] {
    const has = (wanted: (row: ReportRow) => boolean) => rows.some(wanted);
    const daysLeft = (row: ReportRow) => (row.notAfter === "" ? -Infinity : Math.floor((Date.parse(row.notAfter) - now.getTime()) / 86_400_000));
    const several = new Set(rows.map(({ stack, fleet }) => `${stack} ${fleet ?? ""}`)).size > 1;
    return [
        { title: "Device", text: ({ device }) => device, kind: () => "device" },
        ...(several ? [{ title: "Stack", text: ({ stack, fleet }: ReportRow) => (fleet === undefined ? stack : `${stack}, ${fleet}`), kind: () => "long" }] : []),
        { title: "Ends", text: ({ notAfter }) => notAfter.slice(0, 10), order: ({ notAfter }) => notAfter },
        { title: "Days left", text: row => (row.notAfter === "" ? "" : daysLeft(row).toLocaleString()), order: daysLeft, kind: () => "number", heading: "number" },
        { title: "Certificate", text: ({ standing }) => standing, kind: ({ standing }) => standing },
        { title: "Algorithm", text: ({ algorithm }) => algorithm },
        { title: "Issuer", text: issuerOf, kind: () => "long" },
        ...(has(({ check }) => check !== undefined) ? [{ title: "Check", text: ({ check }: ReportRow) => checkText(check), order: ({ check }: ReportRow) => check?.connectMs ?? -1, kind: ({ check }: ReportRow) => (check?.outcome === "refused" ? "expired number" : "number"), heading: "number" }] : []),
        ...(has(({ server }) => server !== undefined) ? [{ title: "Last seen", text: ({ server }: ReportRow) => seenText(server), kind: ({ server }: ReportRow) => (server && server.lastConnect === undefined ? "due" : "") }] : []),
        ...(has(row => remark(row) !== "") ? [{ title: "Remark", text: remark, kind: () => "remark" }] : []),
    ];
}

/** What the columns have no room for, as name and value. */
export function detailsOf(row: ReportRow): readonly (readonly [string, string])[] {
    const details: readonly (readonly [string, string])[] = [
        ["device", row.device],
        ["subject", row.subject],
        ["issuer", row.issuer],
        ["serial number", row.serialNumber],
        ["valid", row.notBefore === "" ? "" : `${minute(row.notBefore)} to ${minute(row.notAfter)} UTC`],
        ["credentialsId", row.credentialsId],
        ["device id", row.deviceId],
        ["stack", row.fleet === undefined ? row.stack : `${row.stack}, fleet ${row.fleet}`],
        ["check", row.check === undefined ? "" : `${minute(row.check.checkedAt)} UTC: ${row.check.message}`],
    ];
    return details.filter(([, value]) => value !== "");
}

export const minute = (time: string): string => time.slice(0, 16).replace("T", " ");

const remark = (row: ReportRow): string => [failureOf(row), row.drift, refusalOf(row)].filter(text => text !== undefined).join("; ");
const checkText = (check: ReportRow["check"]): string => (check === undefined ? "" : check.outcome === "refused" ? "refused" : check.connectMs === undefined ? "accepted" : `${Math.round(check.connectMs)} ms`);
const seenText = (server: ReportRow["server"]): string => (server === undefined ? "" : server.lastConnect === undefined ? "never" : `${minute(server.lastConnect)}${server.active ? " (active)" : ""}`);
