// How far long work is: one line that is written over in a terminal, and now and then a line in a log.

export interface Counter {
    readonly one: () => void;
    readonly end: () => void;
}

/** In a terminal, and in a log. */
const [everyMs, everyMsInLog] = [200, 10_000];

/** Writes to standard error, so that standard output stays what was asked for. */
export function createCounter(what: string, total: number, stream: NodeJS.WriteStream = process.stderr): Counter {
    const began = performance.now();
    let [done, told] = [0, stream.isTTY ? 0 : began];

    return {
        one() {
            done++;
            const now = performance.now();
            if (now - told < (stream.isTTY ? everyMs : everyMsInLog)) return;
            told = now;
            stream.write(stream.isTTY ? `\r\u001b[K${line()}` : `${line()}\n`);
        },
        end() {
            if (stream.isTTY && done > 0) stream.write("\r\u001b[K");
        },
    };

    function line(): string {
        const rate = done / Math.max(0.001, (performance.now() - began) / 1000);
        const left = Math.round((total - done) / rate);
        return `${done.toLocaleString("en")} of ${total.toLocaleString("en")} ${what}, ${Math.round(rate)} a second, ${left < 120 ? `${left} s` : `${Math.round(left / 60)} min`} left`;
    }
}
