// What a command has said, read from its JSON or from the text that a person reads.

import { json, type Ran } from "../support";

export type Mode = "json" | "text";

export interface Said {
    /** In the words of `Expected`; text holds none for `explain` and `publish`. */
    readonly found?: readonly string[];
    readonly count: number;
    readonly message?: string | undefined;
    readonly remedy?: string | undefined;
    readonly error?: string | undefined;
}

interface Finding {
    readonly check: string;
    readonly status: string;
    readonly message: string;
    readonly remedy?: string | undefined;
}

/** @param aside checks that the test itself made fail */
export function doctorSaid(ran: Ran, mode: Mode, aside: string): Said {
    const findings = mode === "json" ? json<{ readonly findings: readonly Finding[] }>(ran).findings : linesOf(ran.stdout);
    const wrong = findings.filter(({ status, check }) => status !== "ok" && check !== aside);
    return { found: wrong.map(({ check, status }) => `${check}: ${status}`), count: wrong.length, message: wrong[0]?.message, remedy: wrong[0]?.remedy };
}

/** `failure  mqtt port           the MQTT port …`, and its remedy below. */
const linesOf = (text: string): Finding[] =>
    [...text.matchAll(/^(ok|warning|failure) +(\S(?:.{0,16}\S)?) {2,}(.*)(?:\n {10,}remedy: (.*))?$/gm)].map(([, status, check, message, remedy]) => ({ status: status!, check: check!, message: message!, remedy }));

interface Explained {
    readonly error?: string;
    readonly reasons?: readonly { readonly cause: string; readonly sentence: string; readonly remedy?: string }[];
}

export function explainSaid(ran: Ran, mode: Mode): Said {
    if (mode === "json") {
        const { error, reasons = [] } = json<Explained>(ran);
        return { found: reasons.map(({ cause }) => cause), count: reasons.length, message: reasons[0]?.sentence, remedy: reasons[0]?.remedy, error };
    }
    if (ran.stdout === "") return { count: 0, error: ran.stderr.trimEnd().split("\n").at(-1) };
    const reasons = [...ran.stdout.matchAll(/^(?:likeliest reason|also|note) {2,}(.*?)(?:\nwhat to do +(.*)|; (.*))?$/gm)];
    const [, message, below, beside] = reasons[0] ?? [];
    return { count: reasons.length, message, remedy: below ?? beside };
}

export function publishSaid(ran: Ran, mode: Mode): Said {
    if (mode === "json") {
        const { cause, message, stages } = json<{ readonly cause: string; readonly message: string; readonly stages: readonly { readonly reached: boolean }[] }>(ran);
        // The stage where it ended is the last one told, and the only one that was not reached.
        const ended = stages.findIndex(({ reached }) => !reached);
        return { found: [cause], count: ended < 0 || ended === stages.length - 1 ? 1 : stages.length, message };
    }
    const last = ran.stdout.trimEnd().split("\n").at(-1)!;
    return { count: 1, message: last.replace(/^(accepted|refused): /, "") };
}
