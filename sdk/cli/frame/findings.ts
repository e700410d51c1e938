// What a command has found: each thing with a verdict, and with a remedy where one is needed.
import { printable } from "../../printable";
import type { Paint, Style } from "./terminal";

export type Status = "ok" | "warning" | "failure";

export interface Finding {
    /** In a word or two, such as `clock`: for scripts, and the column by which people find it. */
    readonly check: string;
    readonly status: Status;
    readonly message: string;
    /** What to do about it. */
    readonly remedy?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, status: "ok", message });
export const warning = (check: string, message: string, remedy: string): Finding => ({ check, status: "warning", message, remedy });
export const failure = (check: string, message: string, remedy?: string): Finding => ({ check, status: "failure", message, ...(remedy === undefined ? {} : { remedy }) });

/** A diagnosis is one sentence, with the remedy after its first semicolon. */
export function failureOf(check: string, sentence: string): Finding {
    const at = sentence.indexOf("; ");
    return at < 0 ? failure(check, sentence) : failure(check, sentence.slice(0, at), sentence.slice(at + 2));
}

const style: Readonly<Record<Status, Style>> = { ok: "green", warning: "yellow", failure: "red" };
const widest = "warning".length;

export function lineOf({ check, status, message, remedy }: Finding, paint: Paint): string {
    const start = `${paint(style[status], status.padEnd(widest))}  ${check.padEnd(columnOfCheck)}  `;
    const indent = " ".repeat(widest + 2 + columnOfCheck + 2);
    return `${start}${printable(message)}${remedy === undefined ? "" : `\n${indent}${paint("bold", "remedy:")} ${printable(remedy)}`}`;
}

/** The longest of `check`. */
const columnOfCheck = "server certificate".length;

/** `1 failure, 2 warnings`, or that all is well */
export function summed(findings: readonly Finding[]): string {
    const count = (status: Status, word: string) => {
        const found = findings.filter(finding => finding.status === status).length;
        return found === 0 ? [] : [`${found} ${word}${found === 1 ? "" : "s"}`];
    };
    return [...count("failure", "failure"), ...count("warning", "warning")].join(", ") || 'all is well, as far as it shows without a device: "pulumi-thingsboard explain" and "publish" look at one';
}
