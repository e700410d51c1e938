// Which proxy stands between us and the server, by the environment variables that curl and others go by.

export type Environment = Readonly<Record<string, string | undefined>>;

/** `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, lower case first. Only asked for hosts that aren't loopback. */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
    const value = (name: string) => environment[name.toLowerCase()] || environment[name.toUpperCase()];
    const proxy = value(url.protocol === "https:" ? "https_proxy" : "http_proxy") ?? value("all_proxy");
    if (!proxy || isExcepted(url, value("no_proxy") ?? "")) return undefined;
    const text = proxy.includes("://") ? proxy : `http://${proxy}`;
    if (!URL.canParse(text)) return undefined;
    const parsed = new URL(text);
    return /^https?:$/.test(parsed.protocol) ? parsed : undefined;
}

/** Entries: `*`, `example.com` and `.example.com` (both with what is below), `*.example.com`, each perhaps with a port. */
function isExcepted(url: URL, noProxy: string): boolean {
    const port = url.port || (url.protocol === "https:" ? "443" : "80");
    const hostname = bare(url.hostname);
    return noProxy
        .toLowerCase()
        .split(/[,\s]+/)
        .filter(entry => entry !== "")
        .some(entry => {
            if (entry === "*") return true;
            const [, host = "", entryPort] = /^(.*?)(?::(\d+))?$/.exec(entry.includes("::") && !entry.startsWith("[") ? `[${entry}]` : entry) ?? [];
            if (entryPort && entryPort !== port) return false;
            const suffix = bare(host).replace(/^\*?\./, "");
            return suffix !== "" && (hostname === suffix || hostname.endsWith(`.${suffix}`));
        });
}

function bare(host: string): string {
    return host.toLowerCase().replace(/^\[|\]$/g, "").replace(/\.$/, "");
}
