// Which proxy stands between us and the server, by the environment variables that curl and others go by.

export type Environment = Readonly<Record<string, string | undefined>>;

/** `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, lower case first. Only asked for hosts that aren't loopback. */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
    const proxy = declaredFor(url, environment)?.address;
    return proxy && speaksHttp(proxy) ? proxy : undefined;
}

/**
 * Why the server is called directly although the environment names a proxy, as a sentence for the user; undefined where it is
 * not so. Without the address, which may hold a password.
 */
export function unusedProxy(url: URL, environment: Environment): string | undefined {
    const declared = declaredFor(url, environment);
    if (!declared || (declared.address && speaksHttp(declared.address))) return undefined;
    const { variable, address } = declared;
    const what = address ? `names a proxy of kind ${address.protocol.slice(0, -1)}, which can't be used here` : "holds no address of a proxy";
    return `${variable} ${what}, so ${url.host} is called directly: give a proxy that begins with http:// or https:// as HTTPS_PROXY, or except the host by NO_PROXY`;
}

const speaksHttp = ({ protocol }: URL): boolean => /^https?:$/.test(protocol);

interface Declared {
    /** As it is spelt in the environment. */
    readonly variable: string;
    /** Undefined where its value is none. */
    readonly address: URL | undefined;
}

function declaredFor(url: URL, environment: Environment): Declared | undefined {
    const names = [url.protocol === "https:" ? "https_proxy" : "http_proxy", "all_proxy"].flatMap(name => [name, name.toUpperCase()]);
    const variable = names.find(name => environment[name]);
    const value = variable === undefined ? undefined : environment[variable];
    if (variable === undefined || !value || isExcepted(url, environment["no_proxy"] || environment["NO_PROXY"] || "")) return undefined;
    const text = value.includes("://") ? value : `http://${value}`;
    return { variable, address: URL.canParse(text) ? new URL(text) : undefined };
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
