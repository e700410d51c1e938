// Text of a server: read as JSON, made fit for a terminal and a log.

const longest = 300;

/** Shorter ones (the demo's password is "tenant") stand in ordinary sentences, where blanking them out would give them away. */
const shortestSecret = 8;

/** One line of at most 300 characters, without control characters, and without any of the secrets that were sent. */
export function clean(text: string, secrets: readonly string[]): string {
    const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, " ").replace(/\s+/g, " ").trim();
    const telling = secrets.filter(secret => secret.length >= shortestSecret).sort((a, b) => b.length - a.length);
    const safe = telling.reduce((rest, secret) => rest.replaceAll(secret, "***"), line);
    return safe.length <= longest ? safe : `${safe.slice(0, longest - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** Texts in a request that an answer must not be quoted with, should the server repeat them. */
export function secretsIn(body: unknown, key = ""): string[] {
    if (typeof body === "string") return /password|token|secret|key|credentials(Id|Value)/i.test(key) ? [body] : [];
    if (typeof body !== "object" || body === null) return [];
    return Object.entries(body).flatMap(([name, value]) => secretsIn(value, Array.isArray(body) ? key : name));
}

/** ThingsBoard itself reads no deeper JSON (Jackson's StreamReadConstraints), and ours would run out of stack. */
const deepest = 1_000;

/** `undefined` where the text is no JSON, or deeper than ThingsBoard's can be. */
export function parseJson(text: string): unknown {
    if (text.length > 2 * deepest && depthOf(text) > deepest) return undefined;
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

function depthOf(text: string): number {
    let depth = 0;
    let most = 0;
    let quoted = false;
    for (let at = 0; at < text.length; at++) {
        const char = text[at];
        if (quoted) {
            if (char === "\\") at++;
            else if (char === '"') quoted = false;
        } else if (char === '"') quoted = true;
        else if (char === "{" || char === "[") most = Math.max(most, ++depth);
        else if (char === "}" || char === "]") depth--;
    }
    return most;
}
