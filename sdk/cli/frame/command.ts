// What every command has: --json, and help that teaches: what it is for, what to type, what its exit codes mean.
import { Command, InvalidArgumentError } from "commander";

export interface Lesson {
    /** One line, in the list of commands. */
    readonly summary: string;
    /** What whoever reads `--help` should know, below the options. Paragraphs, with lines of at most 120 characters. */
    readonly about?: string;
    /** What to type, and what it does. */
    readonly examples: readonly (readonly [line: string, does: string])[];
    /** Those that mean more than in `exitCodes`. */
    readonly exitCodes?: Readonly<Record<number, string>>;
}

/** Of every command, unless it says more. */
export const exitCodes: Readonly<Record<number, string>> = {
    0: "all is well",
    1: "it failed, or it found something that is not as it should be",
    2: "it was called wrongly, and nothing was done",
};

export function command(name: string, { summary, about, examples, exitCodes: own = {} }: Lesson): Command {
    const codes = Object.entries({ ...exitCodes, ...own }).map(([code, meaning]) => `  ${code}  ${meaning}`);
    const typed = examples.map(([line, does]) => `  # ${does}\n  $ ${line}`);
    const parts = [about, `Examples:\n${typed.join("\n\n")}`, `Exit codes:\n${codes.join("\n")}`].filter(part => part !== undefined);
    return new Command(name).description(summary).option("--json", "tells the result as one line of JSON").addHelpText("after", `\n${parts.join("\n\n")}`);
}

/** The argument of a --timeout. */
export function seconds(text: string): number {
    const number = Number(text);
    if (!(number > 0 && number <= 600)) throw new InvalidArgumentError("It must be a number of seconds, above 0 and at most 600.");
    return number;
}

export interface JsonFlag {
    readonly json?: boolean;
}
