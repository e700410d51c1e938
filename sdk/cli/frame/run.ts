// Runs the command that was typed. Whatever goes wrong becomes one sentence and an exit code, never a stack trace.
import { type Command, CommanderError } from "commander";
import { printable } from "../../printable";
import { UserError } from "../../userError";
import { printJson } from "./terminal";
import { UsageError } from "./usage";

const failed = 1;
const misused = 2;

export async function run(program: Command, argv: readonly string[] = process.argv): Promise<void> {
    prepare(program, program.name());
    // Whoever reads the output may have had enough of it (`| head`).
    process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? process.exitCode : failed));
    const inJson = argv.includes("--json");
    try {
        await program.parseAsync([...argv]);
    } catch (error) {
        if (error instanceof CommanderError) {
            // Help and the version are thrown, too. What is wrong has been said by `usage`.
            process.exitCode = error.exitCode === 0 ? 0 : misused;
            if (inJson && error.exitCode !== 0) tell(sentence(error.message), inJson);
        } else {
            process.exitCode = error instanceof UsageError ? misused : failed;
            const said = error instanceof UserError ? error.message : `This is a fault of pulumi-thingsboard itself: ${oneLine(error)}`;
            console.error(printable(said));
            tell(said, inJson);
        }
    }
}

function tell(said: string, inJson: boolean): void {
    if (inJson) printJson({ error: said });
}

const oneLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ");

/** Commander hands down its settings only to commands that it makes itself. */
function prepare(command: Command, path: string): void {
    command.exitOverride().configureOutput({ outputError: (text, write) => write(`${sentence(text)} (${path} --help)\n`) });
    for (const below of command.commands) prepare(below, `${path} ${below.name()}`);
}

/** `error: unknown option '--josn'\n(Did you mean --json?)` on one line. */
const sentence = (text: string): string =>
    text
        .trim()
        .replace(/^error: /, "")
        .replace(/\s*\n\(Did you mean (.*?)\?\)/, ": did you mean $1?")
        .replace(/\.$/, "");
