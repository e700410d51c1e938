// What the emulator's tests share: a bare HTTP caller, a bare MQTT client, certificates.
import type { KeyPairKeyObjectResult } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { generate, parser as createParser, type IConnackPacket, type Packet } from "mqtt-packet";
import { makeCert as makeUntyped } from "../contract/x509.mjs";
import type { Emulator } from "../../sdk/emulator";

export interface Certificate {
    readonly pem: string;
    readonly key: string;
    readonly b64: string;
    /** What ThingsBoard calls credentialsId. */
    readonly id: string;
    readonly pair: KeyPairKeyObjectResult;
}
export interface CertificateOptions {
    readonly cn?: string;
    /** Of another certificate; a new one if none is given. */
    readonly key?: KeyPairKeyObjectResult;
    readonly subject?: [string, string][];
    readonly issuer?: Certificate;
    readonly ca?: boolean;
    readonly from?: number;
    readonly to?: number;
}
export const makeCert: (options: CertificateOptions) => Certificate = makeUntyped;

export interface Answer {
    readonly status: number;
    readonly type: string | null;
    readonly text: string;
    readonly body: any;
}

export interface CallOptions {
    readonly auth?: string | null;
    readonly raw?: string;
    readonly headers?: Record<string, string>;
}

export type Rest = (method: string, path: string, body?: unknown, options?: CallOptions) => Promise<Answer>;

export function restOf(emulator: Emulator, auth: string | null = `ApiKey ${emulator.apiKey}`): Rest {
    return async (method, path, body, options = {}) => {
        const given = options.auth === undefined ? auth : options.auth;
        const text = options.raw ?? (body === undefined ? undefined : JSON.stringify(body));
        const response = await fetch(emulator.restUrl + path, {
            method,
            redirect: "manual",
            headers: {
                accept: "application/json",
                ...(text === undefined ? {} : { "content-type": "application/json" }),
                ...(given === null ? {} : { "x-authorization": given }),
                ...options.headers,
            },
            ...(text === undefined ? {} : { body: text }),
        });
        const answer = await response.text();
        return { status: response.status, type: response.headers.get("content-type"), text: answer, body: tryJson(answer) };
    };
}

const tryJson = (text: string): unknown => {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
};

export async function logIn(emulator: Emulator, username: string, password: string): Promise<Rest> {
    const { body } = await restOf(emulator, null)("POST", "/api/auth/login", { username, password });
    return restOf(emulator, `Bearer ${body.token}`);
}
export const asSystemAdmin = (emulator: Emulator): Promise<Rest> => logIn(emulator, "sysadmin@thingsboard.org", "sysadmin");

export async function bind(rest: Rest, name: string, certificate: Certificate): Promise<string> {
    const { status, body, text } = await rest("POST", "/api/device-with-credentials", {
        device: { name },
        credentials: { credentialsType: "X509_CERTIFICATE", credentialsValue: certificate.pem },
    });
    if (status !== 200) throw new Error(text);
    return body.id.id;
}

export interface ClientOptions {
    readonly certificate?: Certificate;
    /** Certificates behind the leaf. */
    readonly chain?: readonly Certificate[];
    readonly version?: 4 | 5;
    readonly clientId?: string;
    readonly username?: string;
    readonly password?: string;
    readonly plain?: boolean;
    readonly clean?: boolean;
    /** How long to wait for CONNACK. */
    readonly wait?: number;
    readonly tls?: ConnectionOptions;
}

export interface Client {
    /** Its code, or what happened instead. */
    readonly connack: number | string;
    readonly received: readonly Packet[];
    send(packet: Packet): void;
    /** PUBACK's code, or what happened instead. */
    publish(topic: string, payload: string | Buffer, options?: { qos?: 0 | 1 | 2; wait?: number }): Promise<number | "closed" | "nothing">;
    /** Code of DISCONNECT, or undefined, once the connection has ended. */
    closed(wait?: number): Promise<{ disconnect: number | undefined } | "open">;
    next(cmd: Packet["cmd"], wait?: number): Promise<Packet | undefined>;
    end(): void;
}

let messageId = 0;

export async function connect(emulator: Emulator, options: ClientOptions = {}): Promise<Client> {
    const version = options.version ?? 4;
    const socket = open(emulator, options);
    const parser = createParser({ protocolVersion: version });
    const received: Packet[] = [];
    const watchers = new Set<() => void>();
    let state: "open" | "closed" = "open";
    let failure: string | undefined;
    const changed = (): void => watchers.forEach((watcher) => watcher());

    parser.on("packet", (packet) => {
        received.push(packet);
        changed();
    });
    // this codec refuses DISCONNECT with a code that belongs to CONNACK, which ThingsBoard sends all the same
    parser.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => parser.parse(chunk));
    socket.on("error", (error: NodeJS.ErrnoException) => {
        failure ??= error.code ?? error.message;
    });
    socket.on("close", () => {
        state = "closed";
        changed();
    });
    /** Waits for a condition, checked whenever something happens. */
    const until = <T>(value: () => T | undefined, wait: number): Promise<T | undefined> =>
        new Promise((done) => {
            const finish = (result: T | undefined): void => {
                clearTimeout(timer);
                watchers.delete(look);
                done(result);
            };
            const look = (): void => {
                const found = value();
                if (found !== undefined) finish(found);
            };
            const timer = setTimeout(() => finish(undefined), wait);
            watchers.add(look);
            look();
        });
    const send = (packet: Packet): void => void socket.write(generate(packet, { protocolVersion: version }));

    send({
        cmd: "connect",
        protocolId: "MQTT",
        protocolVersion: version,
        clean: options.clean ?? true,
        clientId: options.clientId ?? `test-${++messageId}`,
        keepalive: 60,
        ...(options.username !== undefined ? { username: options.username } : {}),
        ...(options.password !== undefined ? { password: Buffer.from(options.password) } : {}),
    });
    const find = (cmd: Packet["cmd"], id?: number): Packet | undefined => received.find((packet) => packet.cmd === cmd && (id === undefined || packet.messageId === id));
    const isConnack = (packet: Packet | undefined): packet is IConnackPacket => packet?.cmd === "connack";
    const first = await until<string | number>(() => {
        const packet = find("connack");
        if (isConnack(packet)) return (version === 5 ? packet.reasonCode : packet.returnCode) ?? -1;
        return state === "closed" ? (failure ?? "closed") : undefined;
    }, options.wait ?? 3000);

    return {
        connack: first ?? "timeout",
        received,
        send,
        publish: async (topic, payload, { qos = 1, wait = 2000 } = {}) => {
            const id = (messageId = (messageId % 65535) + 1);
            send({ cmd: "publish", topic, payload, qos, dup: false, retain: false, messageId: id });
            const answer = await until<number | "closed">(() => {
                const packet = find("puback", id);
                if (packet?.cmd === "puback") return packet.reasonCode ?? 0;
                return state === "closed" ? "closed" : undefined;
            }, wait);
            return answer ?? "nothing";
        },
        closed: async (wait = 3000) => {
            const ended = await until(() => (state === "closed" ? true : undefined), wait);
            const packet = find("disconnect");
            return ended ? { disconnect: packet?.cmd === "disconnect" ? packet.reasonCode : undefined } : "open";
        },
        next: (cmd, wait = 2000) => until(() => find(cmd), wait),
        end: () => socket.destroy(),
    };
}

function open(emulator: Emulator, { certificate, chain = [], plain, tls }: ClientOptions): Socket {
    if (plain) return connectTcp(emulator.mqttPort, "127.0.0.1");
    return connectTls({
        host: "localhost",
        port: emulator.mqttsPort,
        ca: emulator.caPem,
        ...(certificate ? { cert: [certificate, ...chain].map(({ pem }) => pem).join(""), key: certificate.key } : {}),
        ...tls,
    });
}

export const TELEMETRY = "v1/devices/me/telemetry";

/** Repeats a look until it shows what is wanted. */
export async function eventually<T>(look: () => Promise<T>, wanted: (value: T) => boolean, wait = 3000): Promise<T> {
    for (const end = Date.now() + wait; ; await new Promise((done) => setTimeout(done, 20))) {
        const value = await look();
        if (wanted(value) || Date.now() > end) return value;
    }
}

export const latest = async (rest: Rest, deviceId: string, key: string): Promise<unknown> =>
    (await rest("GET", `/api/plugins/telemetry/DEVICE/${deviceId}/values/timeseries?keys=${key}`)).body[key][0].value;
