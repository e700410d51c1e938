// Servers on loopback that answer as the test says, and a clock that never makes anybody wait.

import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { onTestFinished } from "vitest";
import { type Clock, connect, type ConnectionOptions, type Dependencies } from "../../../sdk/thingsboard";

export interface Received {
    readonly method: string;
    readonly path: string;
    readonly authorization: string | undefined;
    readonly body: string;
}

export interface Reply {
    readonly status?: number;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
    /** Cuts the connection instead of answering. */
    readonly drop?: true;
    /** Never answers. */
    readonly hang?: true;
}

export interface TestServer {
    readonly url: string;
    readonly port: number;
    readonly received: Received[];
    readonly connections: () => number;
}

export type Behaviour = (request: Received, number: number) => Reply | Promise<Reply>;

export async function serve(behaviour: Behaviour, tls?: ServerOptions): Promise<TestServer> {
    const received: Received[] = [];
    const listener: RequestListener = (request, response) => void handle(request, response);
    const handle = async (request: IncomingMessage, response: ServerResponse) => {
        const body = await readAll(request);
        const one: Received = {
            method: request.method ?? "",
            path: request.url ?? "",
            authorization: request.headers["x-authorization"] as string | undefined,
            body,
        };
        received.push(one);
        answer(response, await behaviour(one, received.length));
    };
    const server = tls ? createTlsServer(tls, listener) : createServer(listener);
    let connections = 0;
    server.on(tls ? "secureConnection" : "connection", () => connections++);
    const port = await listen(server);
    onTestFinished(() => {
        server.closeAllConnections();
        server.close();
    });
    return { url: `${tls ? "https" : "http"}://127.0.0.1:${port}`, port, received, connections: () => connections };
}

export async function listen(server: Server): Promise<number> {
    await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
}

function answer(response: ServerResponse, { status = 200, body, headers = {}, drop, hang }: Reply): void {
    if (hang) return;
    if (drop) return void response.socket?.destroy();
    const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
    response.writeHead(status, { ...(typeof body === "object" ? { "Content-Type": "application/json" } : {}), ...headers });
    response.end(text);
}

async function readAll(request: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
}

/** ThingsBoard's own form of saying no. */
export function refusal(status: number, errorCode: number, message: string, more: object = {}): Reply {
    return { status, body: { status, message, errorCode, timestamp: 1, ...more } };
}

export interface TestClock extends Clock {
    readonly slept: number[];
    advance(duration: number): void;
}

/** Time passes only by sleeping, and then at once: the sleeper that is due first wakes as soon as nothing else is to be done. */
export function testClock(start = Date.parse("2026-01-01T00:00:00Z")): TestClock {
    let now = start;
    const slept: number[] = [];
    const sleepers: { readonly at: number; readonly wake: () => void }[] = [];

    return {
        slept,
        now: () => now,
        advance: duration => void (now += duration),
        sleep(duration) {
            slept.push(duration);
            return new Promise(resolve => {
                sleepers.push({ at: now + duration, wake: resolve });
                sleepers.sort((a, b) => a.at - b.at);
                setImmediate(wakeNext);
            });
        },
    };

    function wakeNext(): void {
        const next = sleepers.shift();
        if (!next) return;
        now = Math.max(now, next.at);
        next.wake();
    }
}

export const apiKey = "tb_this-is-the-api-key-of-the-tests";

export function client(url: string, options: Partial<ConnectionOptions> = {}, dependencies: Partial<Dependencies> = {}) {
    const all = { clock: testClock(), random: () => 0.5, environment: {}, ...dependencies };
    return connect({ url, credentials: { apiKey }, ...options }, all);
}

export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
    return promise.then(
        value => Promise.reject(new Error(`no error but ${JSON.stringify(value)}`)),
        (error: unknown) => error,
    );
}

export const deviceId = "784f394c-42b6-11ef-983c-b7beff2784f9";

export function device(name: string, more: object = {}) {
    return { id: { entityType: "DEVICE", id: deviceId }, createdTime: 1, name, type: "default", version: 1, ...more };
}
