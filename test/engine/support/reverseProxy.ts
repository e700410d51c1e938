// What mostly stands before a ThingsBoard: a proxy that speaks HTTPS to the outside. It remembers what it was asked.

import { type IncomingMessage, type RequestListener, type ServerResponse, createServer, request } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { type Identity, issue } from "../../unit/mqtt/certificates";

export interface ReverseProxy {
    readonly url: string;
    /** The private authority of its certificate. */
    readonly caPem: string;
    /** `POST /api/auth/login`, in their order. */
    readonly requests: string[];
    /** The same with their headers and bodies, as they arrived. */
    readonly received: string[];
    stop(): Promise<void>;
}

export interface ProxyOptions {
    /** Plain HTTP instead. */
    readonly plain?: true;
    /** Its certificate; one for 127.0.0.1 and localhost from an authority of its own. */
    readonly identity?: Identity;
    /** Answers in the place of the server; `false` leaves it to the server. */
    readonly answer?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** @param target such as http://127.0.0.1:8080 */
export async function reverseProxy(target: string, { plain, identity, answer }: ProxyOptions = {}): Promise<ReverseProxy> {
    const ca = issue("Private CA of the tests", { authority: true });
    const own = identity ?? issue("proxy", { issuer: ca, names: ["127.0.0.1", "localhost"] });
    const requests: string[] = [];
    const received: string[] = [];
    const listener: RequestListener = (incoming, response) => {
        requests.push(`${incoming.method} ${incoming.url}`);
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("end", () => received.push(`${incoming.method} ${incoming.url}\n${JSON.stringify(incoming.headers)}\n${Buffer.concat(chunks).toString("latin1")}`));
        if (answer?.(incoming, response)) return;
        const { method, headers } = incoming;
        const onward = request(new URL(incoming.url ?? "/", target), { ...(method === undefined ? {} : { method }), headers: { ...headers, host: new URL(target).host } }, answered => {
            response.writeHead(answered.statusCode ?? 502, answered.headers);
            answered.pipe(response);
        });
        onward.on("error", () => response.destroy());
        incoming.pipe(onward);
    };
    const server = plain ? createServer(listener) : createTlsServer({ cert: own.certificatePem, key: own.privateKeyPem }, listener);
    const port = await listen(server);
    return {
        url: `${plain ? "http" : "https"}://127.0.0.1:${port}`,
        caPem: ca.certificatePem,
        requests,
        received,
        stop: () =>
            new Promise(resolve => {
                server.close(() => resolve());
                server.closeAllConnections();
            }),
    };
}

export async function listen(server: Server): Promise<number> {
    await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
}
