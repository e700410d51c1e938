// JSON as ThingsBoard's device API reads it: Gson in its lenient mode. `{temperature:25}` is fine there, which is what
// a shell makes of the guide's `mosquitto_pub -m {"temperature":25}`. Numbers keep the text they were written with.

export type Node =
    | { readonly is: "null" }
    | { readonly is: "boolean"; readonly value: boolean }
    | { readonly is: "number"; readonly text: string }
    | { readonly is: "string"; readonly text: string }
    | { readonly is: "array"; readonly items: readonly Node[] }
    | { readonly is: "object"; readonly entries: ReadonlyMap<string, Node> };

export class GsonError extends Error {}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const DELIMITER = new Set([..."{}[]:=,;/\\# \t\n\r\f"]);
const ESCAPES: Record<string, string> = { t: "\t", b: "\b", n: "\n", r: "\r", f: "\f" };
const MAX_DEPTH = 255;

export function parseGson(text: string): Node {
    let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
    const fail = (what: string): GsonError => new GsonError(`${what} at column ${at + 1}`);

    const skip = (): void => {
        for (;;) {
            const char = text[at];
            if (char === " " || char === "\t" || char === "\n" || char === "\r") at++;
            else if (char === "#" || (char === "/" && text[at + 1] === "/")) {
                const end = text.indexOf("\n", at);
                at = end < 0 ? text.length : end + 1;
            } else if (char === "/" && text[at + 1] === "*") {
                const end = text.indexOf("*/", at + 2);
                if (end < 0) throw fail("Unterminated comment");
                at = end + 2;
            } else return;
        }
    };
    const quoted = (quote: string): string => {
        let value = "";
        for (at++; ; at++) {
            const char = text[at];
            if (char === undefined) throw fail("Unterminated string");
            if (char === quote) {
                at++;
                return value;
            }
            if (char !== "\\") {
                value += char;
                continue;
            }
            const escape = text[++at];
            if (escape === undefined) throw fail("Unterminated escape sequence");
            if (escape === "u") {
                const hex = text.slice(at + 1, at + 5);
                if (!/^[0-9a-f]{4}$/i.test(hex)) throw fail(`Malformed Unicode escape \\u${hex}`);
                value += String.fromCharCode(parseInt(hex, 16));
                at += 4;
            } else if (ESCAPES[escape] !== undefined) value += ESCAPES[escape];
            else if ("\n'\"\\/".includes(escape)) value += escape;
            else throw fail("Invalid escape sequence");
        }
    };
    const bare = (): string => {
        const start = at;
        while (at < text.length && !DELIMITER.has(text[at] ?? "")) at++;
        if (at === start) throw fail("Expected value");
        return text.slice(start, at);
    };
    const literal = (): Node => {
        const word = bare();
        switch (word.toLowerCase()) {
            case "true":
            case "false":
                return { is: "boolean", value: word.toLowerCase() === "true" };
            case "null":
                return { is: "null" };
            default:
                return NUMBER.test(word) ? { is: "number", text: word } : { is: "string", text: word };
        }
    };
    const array = (depth: number): Node => {
        const items: Node[] = [];
        for (at++; ; ) {
            skip();
            const char = text[at];
            if (char === "]") {
                at++;
                return { is: "array", items };
            }
            if (char === "," || char === ";") items.push({ is: "null" });
            else items.push(value(depth + 1));
            skip();
            if (text[at] === "," || text[at] === ";") at++;
            else if (text[at] !== "]") throw fail("Unterminated array");
        }
    };
    const object = (depth: number): Node => {
        const entries = new Map<string, Node>();
        for (at++; ; ) {
            skip();
            const char = text[at];
            if (char === "}" && entries.size === 0) break;
            const key = char === '"' || char === "'" ? quoted(char) : bare();
            skip();
            if (text[at] !== ":" && text[at] !== "=") throw fail("Expected ':'");
            at++;
            if (text[at - 1] === "=" && text[at] === ">") at++;
            skip();
            entries.set(key, value(depth + 1));
            skip();
            if (text[at] === "}") break;
            if (text[at] !== "," && text[at] !== ";") throw fail("Unterminated object");
            at++;
        }
        at++;
        return { is: "object", entries };
    };
    const value = (depth: number): Node => {
        if (depth > MAX_DEPTH) throw fail("Nesting limit 255 reached");
        const char = text[at];
        if (char === "{") return object(depth);
        if (char === "[") return array(depth);
        if (char === '"' || char === "'") return { is: "string", text: quoted(char) };
        return literal();
    };

    skip();
    if (at >= text.length) return { is: "null" };
    const root = value(0);
    skip();
    if (at < text.length) throw fail("Expected end of document");
    return root;
}

export function printGson(node: Node): string {
    switch (node.is) {
        case "null":
            return "null";
        case "boolean":
            return String(node.value);
        case "number":
            return node.text;
        case "string":
            return JSON.stringify(node.text);
        case "array":
            return `[${node.items.map(printGson).join(",")}]`;
        case "object":
            return `{${[...node.entries].map(([key, item]) => `${JSON.stringify(key)}:${printGson(item)}`).join(",")}}`;
    }
}
