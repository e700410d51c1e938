// How these scripts talk: one line per thing done, on standard error, so that `--print-env` stays clean.

/** Something that the reader can do something about; shown without a stack. */
export class EngineError extends Error {}

/** @param {string} line */
export function say(line) {
    process.stderr.write(`engine: ${line}\n`);
}

/**
 * Runs a long step and shows that it is alive: on a terminal by one line that changes every second, in a log by a line
 * every 20 seconds.
 *
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} step
 * @param {() => string} [detail] what is being done right now
 * @returns {Promise<T>}
 */
export async function withProgress(title, step, detail = () => "") {
    const started = Date.now();
    const terminal = process.stderr.isTTY;
    const show = () => {
        const line = `${title}: ${elapsed(started)} ${detail()}`;
        if (terminal) process.stderr.write(`\r\x1b[K${line.slice(0, process.stderr.columns - 1)}`);
        else say(line);
    };
    const timer = setInterval(show, terminal ? 1000 : 20_000);
    const end = (outcome) => {
        clearInterval(timer);
        if (terminal) process.stderr.write("\r\x1b[K");
        say(`${title}: ${outcome} ${elapsed(started)}`);
    };
    try {
        const result = await step();
        end("done in");
        return result;
    } catch (error) {
        end("failed after");
        throw error;
    }
}

/** @param {number} since */
export function elapsed(since) {
    const seconds = Math.round((Date.now() - since) / 1000);
    return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
