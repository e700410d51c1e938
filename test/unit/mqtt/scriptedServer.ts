// An MQTT server over TLS that plays one cause: what it answers to CONNECT and PUBLISH is given by the test.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import mqttPacket, { type IConnectPacket, type IPublishPacket, type Packet } from "mqtt-packet";
import type { Identity } from "./certificates";

/** One connection as the server sees it. */
export interface Peer {
    readonly socket: Socket;
    send(packet: Packet): void;
    /** Bytes as they are, where the packet writer would not go along. */
    raw(hex: string): void;
}

export interface Script {
    readonly connect?: (peer: Peer, packet: IConnectPacket) => void;
    readonly publish?: (peer: Peer, packet: IPublishPacket) => void;
    readonly disconnect?: () => void;
}

export interface Running {
    readonly host: "127.0.0.1";
    readonly port: number;
    /** Connections so far. */
    readonly connections: () => number;
    /** Resolves once every connection that was made is closed. */
    idle(): Promise<void>;
    close(): Promise<void>;
}

export const accept: Required<Pick<Script, "connect" | "publish">> = {
    connect: ({ send }, { protocolVersion }) => send({ cmd: "connack", sessionPresent: false, ...(protocolVersion === 5 ? { reasonCode: 0 } : { returnCode: 0 }) }),
    publish: ({ send }, { messageId }) => send({ cmd: "puback", messageId: messageId ?? 0 }),
};

export const refuse =
    (code: number): NonNullable<Script["connect"]> =>
    ({ send, socket }, { protocolVersion }) => {
        send({ cmd: "connack", sessionPresent: false, ...(protocolVersion === 5 ? { reasonCode: code } : { returnCode: code }) });
        socket.end();
    };

export const disconnect =
    (code: number) =>
    ({ send, socket }: Peer): void => {
        send({ cmd: "disconnect", reasonCode: code });
        socket.end();
    };

/** As ThingsBoard does, it asks for a client certificate and takes any, unless the options say otherwise. */
export function mqttServer(identity: Identity, script: Script = {}, options: TlsOptions = {}): Promise<Running> {
    const { connect, publish, disconnect } = { ...accept, ...script };
    const server = createTlsServer(
        { cert: identity.certificatePem, key: identity.privateKeyPem, requestCert: true, rejectUnauthorized: false, ...options },
        socket => {
            let protocolVersion = 4;
            const peer: Peer = {
                socket,
                send: packet => socket.write(mqttPacket.generate(packet, { protocolVersion })),
                raw: hex => socket.write(Buffer.from(hex, "hex")),
            };
            const parser = mqttPacket.parser();
            parser.on("packet", (packet: Packet) => {
                if (packet.cmd === "connect") {
                    protocolVersion = packet.protocolVersion ?? 4;
                    connect(peer, packet);
                }
                if (packet.cmd === "publish") publish(peer, packet);
                if (packet.cmd === "disconnect") disconnect?.();
            });
            parser.on("error", () => socket.destroy());
            socket.on("data", (bytes: Buffer) => parser.parse(bytes));
            socket.on("error", () => socket.destroy());
        },
    );
    server.on("tlsClientError", () => undefined);
    return listening(server);
}

/** A port that speaks something else, or nothing at all. */
export const tcpServer = (talk: (socket: Socket) => void): Promise<Running> =>
    listening(
        createTcpServer(socket => {
            socket.on("error", () => socket.destroy());
            talk(socket);
        }),
    );

/**
 * A server that judges the client's certificate in TLS. Node's own lets the handshake finish and then hangs up, so
 * this one is OpenSSL's.
 */
export async function strictServer(identity: Identity, ca: Identity, version: "TLSv1.2" | "TLSv1.3"): Promise<{ port: number; close(): Promise<void> }> {
    const folder = await mkdtemp(join(tmpdir(), "strict-server-"));
    const file = async (name: string, text: string) => {
        await writeFile(join(folder, name), text);
        return join(folder, name);
    };
    const openssl = spawn("openssl", [
        ...["s_server", "-accept", "127.0.0.1:0", "-Verify", "1", "-verify_return_error", version === "TLSv1.2" ? "-tls1_2" : "-tls1_3"],
        ...["-cert", await file("server.pem", identity.certificatePem), "-key", await file("server.key", identity.privateKeyPem)],
        ...["-CAfile", await file("ca.pem", ca.certificatePem)],
    ]);
    const port = await new Promise<number>((resolve, reject) => {
        let said = "";
        openssl.stdout.on("data", bytes => {
            const port = /^ACCEPT \S+:(\d+)$/m.exec((said += bytes))?.[1];
            if (port) resolve(Number(port));
        });
        openssl.on("exit", () => reject(new Error(`openssl s_server: ${said}`)));
    });
    return {
        port,
        async close() {
            openssl.kill();
            await rm(folder, { recursive: true });
        },
    };
}

async function listening(server: Server): Promise<Running> {
    const open = new Set<Socket>();
    let connections = 0;
    let waiting: (() => void)[] = [];
    server.on("connection", socket => {
        connections++;
        open.add(socket);
        socket.on("close", () => {
            open.delete(socket);
            if (open.size > 0) return;
            waiting.forEach(resolve => resolve());
            waiting = [];
        });
    });
    await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
    return {
        host: "127.0.0.1",
        port: (server.address() as AddressInfo).port,
        connections: () => connections,
        idle: () => (open.size === 0 ? Promise.resolve() : new Promise(resolve => waiting.push(resolve))),
        async close() {
            open.forEach(socket => socket.destroy());
            await new Promise(resolve => server.close(resolve));
        },
    };
}
