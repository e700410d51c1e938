// Colours and a line that moves, where a person is looking; plain lines in a log.
import { styleText } from "node:util";
import { printable } from "../../printable";

export type Style = "bold" | "dim" | "green" | "yellow" | "red";
export type Paint = (style: Style, text: string) => string;

/** Colours on a terminal that has them and whose user wants them (NO_COLOR, TERM=dumb: Node looks at these). */
export function paintFor(stream: NodeJS.WriteStream): Paint {
    // Without validation: Node 22.0 knows no stream to look at, and it was looked at here.
    return stream.isTTY && stream.hasColors() ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;
}

/** One line. What a name holds that a terminal would obey is written as JSON's own escapes. */
export const printJson = (value: unknown): void => console.log(printable(JSON.stringify(value)));

export interface Progress {
    /** What goes on at this moment: the last line of a terminal, and nothing in a log. */
    now(text: string): void;
    /** Why it takes longer: the last line of a terminal, or a line of its own on standard error. */
    wait(text: string): void;
    /** A line that stays, on standard output. */
    say(line: string): void;
    /** Takes away what `now` has shown. */
    done(): void;
    /** Somebody is looking. */
    readonly live: boolean;
}

export function progressOn(stream: NodeJS.WriteStream = process.stderr, say: (line: string) => void = console.log): Progress {
    const live = stream.isTTY;
    let shown = "";
    const clear = () => {
        if (shown !== "") stream.write("\r\u001b[K");
    };
    const show = () => {
        if (live && shown !== "") stream.write(shown.slice(0, Math.max(10, stream.columns - 1)));
    };
    const now = (text: string) => {
        clear();
        shown = live ? text : "";
        show();
    };
    return {
        live,
        now,
        wait: text => (live ? now(text) : console.error(text)),
        say(line) {
            clear();
            say(line);
            show();
        },
        done() {
            clear();
            shown = "";
        },
    };
}
