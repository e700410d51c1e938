// The two MQTT listeners: plain, and over TLS with the client's certificate wanted but not needed.
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { presentChain } from "../platform/chain";
import type { FaultState, MqttFault } from "../faults/faults";
import type { ServerCertificate } from "../pki";
import { serveConnection, type Transport } from "./connection";
import { acceptTls, contextOf } from "./tls";

export interface MqttServers {
    readonly mqttPort: number;
    readonly mqttsPort: number;
    use(certificate: ServerCertificate): void;
    stop(): Promise<void>;
}

export interface MqttOptions {
    readonly mqttPort: number;
    readonly mqttsPort: number;
    readonly certificate: ServerCertificate;
}

export async function startMqtt(transport: Transport, faults: FaultState, options: MqttOptions): Promise<MqttServers> {
    const sockets = new Set<Socket>();
    let secureContext = contextOf(options.certificate);

    const accept = (serve: (socket: Socket, fault: MqttFault | undefined) => void) => (socket: Socket) => {
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
        socket.on("error", () => socket.destroy());
        serve(socket, faults.takeMqtt());
    };
    const plain = accept((socket, fault) => serveConnection(transport, socket, [], fault));
    const tls = accept((socket, fault) => {
        if (fault?.tls === "close") return void socket.destroy();
        if (fault?.tls === "withhold") return void socket.resume();
        const begin = (): void =>
            acceptTls(socket, secureContext, (secured, received) => {
                const chain = fault?.tls === "dropCertificate" ? [] : received;
                presentChain(transport.platform, chain);
                serveConnection(transport, secured, chain, fault);
            });
        if (fault?.delay) void transport.wait(fault.delay).then(() => void (socket.destroyed || begin()));
        else begin();
    });

    const mqtt = await listenOnLoopback(plain, options.mqttPort);
    const mqtts = await listenOnLoopback(tls, options.mqttsPort).catch((error: unknown) => {
        for (const server of mqtt.servers) server.close();
        throw error;
    });
    return {
        mqttPort: mqtt.port,
        mqttsPort: mqtts.port,
        use: (certificate) => {
            secureContext = contextOf(certificate);
        },
        stop: async () => {
            for (const socket of sockets) socket.destroy();
            await Promise.all([...mqtt.servers, ...mqtts.servers].map((server) => new Promise((done) => server.close(done))));
        },
    };
}

/** "localhost" is ::1 to some clients and 127.0.0.1 to others. A machine without IPv6 has the latter only. */
async function listenOnLoopback(accept: (socket: Socket) => void, wanted: number): Promise<{ port: number; servers: Server[] }> {
    for (let attempt = 1; ; attempt++) {
        const v4 = createServer({ noDelay: true }, accept);
        await listen(v4, wanted, "127.0.0.1");
        const { port } = v4.address() as AddressInfo;
        const v6 = createServer({ noDelay: true }, accept);
        try {
            await listen(v6, port, "::1");
            return { port, servers: [v4, v6] };
        } catch (error) {
            const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
            if (!taken) return { port, servers: [v4] };
            v4.close(); // a free port of one family may be taken in the other
            if (wanted !== 0 || attempt >= 10) throw error;
        }
    }
}

const listen = (server: Server, port: number, host: string): Promise<void> =>
    new Promise((done, fail) => {
        server.once("error", fail);
        server.listen(port, host, () => {
            server.off("error", fail);
            done();
        });
    });
