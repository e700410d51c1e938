// Connections to the server: kept alive, always verified, through a proxy's tunnel where there is one.

import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { connect as tlsConnect, type ConnectionOptions as TlsOptions } from "node:tls";
import type { AxiosProxyConfig, AxiosRequestConfig } from "axios";
import type { Connection } from "./options";

/** Why the tunnel could not be had; `code` tells it from errors of the server behind it. */
export class ProxyError extends Error {
    readonly code = "ERR_PROXY";
}

/** Said outright, NODE_TLS_REJECT_UNAUTHORIZED=0 can't switch it off. */
const verified = { rejectUnauthorized: true, minVersion: "TLSv1.2" } as const;

/**
 * What axios needs to reach the server. Its own handling of proxies is switched off for TLS: its tunnels are not kept
 * alive, so that each call would cost a TCP and a TLS handshake more.
 */
export function agents({ url, caPem, concurrency, timeout }: Connection, proxy: URL | undefined): AxiosRequestConfig {
    const kept = { keepAlive: true, maxFreeSockets: concurrency };
    if (url.protocol === "http:") {
        // The second one is for a proxy that speaks TLS.
        return { httpAgent: new HttpAgent(kept), httpsAgent: new HttpsAgent({ ...kept, ...verified }), proxy: proxy !== undefined && plainProxy(proxy) };
    }
    const trust = { ...verified, ...(caPem === undefined ? {} : { ca: caPem }) };
    const httpsAgent = new HttpsAgent({ ...kept, ...trust });
    if (proxy) {
        httpsAgent.createConnection = (options, onConnection) => {
            tunnel(proxy, options as TlsOptions, timeout).then(
                stream => onConnection?.(null, tlsConnect({ ...(options as TlsOptions), socket: stream })),
                (error: unknown) => onConnection?.(error as Error, undefined as never),
            );
            return undefined;
        };
    }
    return { httpsAgent, proxy: false };
}

function plainProxy(proxy: URL): AxiosProxyConfig {
    const auth = proxy.username ? { auth: { username: decoded(proxy.username), password: decoded(proxy.password) } } : {};
    const port = Number(proxy.port || (proxy.protocol === "https:" ? 443 : 80));
    return { protocol: proxy.protocol, host: proxy.hostname, port, ...auth };
}

/** Asks the proxy for a connection to the server (CONNECT); TLS with the server follows inside of it. */
function tunnel(proxy: URL, { host, port }: TlsOptions, timeout: number): Promise<Duplex> {
    const name = host?.includes(":") ? `[${host}]` : host;
    const target = `${name}:${port}`;
    const asking: RequestOptions = { method: "CONNECT", path: target, agent: false, headers: { Host: target, ...proxyAuthorization(proxy) } };
    return new Promise((resolve, reject) => {
        const request = proxy.protocol === "https:" ? httpsRequest(new URL(proxy.origin), { ...asking, ...verified }) : httpRequest(new URL(proxy.origin), asking);
        request.setTimeout(timeout, () => request.destroy(new Error("timeout")));
        request.once("error", (error: NodeJS.ErrnoException) => reject(new ProxyError(error.code ?? error.message)));
        request.once("response", response => {
            response.destroy();
            reject(new ProxyError(`status ${response.statusCode}`));
        });
        request.once("connect", (response, socket) => {
            socket.setTimeout(0);
            if (response.statusCode === 200) return resolve(socket);
            socket.destroy();
            reject(new ProxyError(`status ${response.statusCode}`));
        });
        request.end();
    });
}

function proxyAuthorization({ username, password }: URL): Record<string, string> {
    if (!username) return {};
    const pair = `${decoded(username)}:${decoded(password)}`;
    return { "Proxy-Authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** A percent sign that encodes nothing stands for itself. */
function decoded(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}
