// One MQTT session over a socket that is there already: CONNECT, perhaps one PUBLISH, DISCONNECT.

import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { MqttClient } from "mqtt";
import * as mqttPacket from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { reason } from "./codes";
import { Stopped } from "./deadline";
import type { MqttVersion, Reason, Refusal } from "./outcome";
import type { Publication } from "./prepare";
import { alertRefusal, errorCode } from "./tlsFault";

export interface Session {
    /** CONNACK 0. @throws Stopped */
    readonly connected: Promise<Reason>;
    /** PUBACK with a code below 0x80. @throws Stopped */
    publish(message: Publication): Promise<Reason>;
    /** Says goodbye where there is somebody left to hear it. */
    leave(): Promise<void>;
}

type Acknowledgement = "connack" | "puback";

const goodbyeMs = 500;

export function openSession(socket: Socket, version: MqttVersion, clientId: string): Session {
    let waitedFor: Acknowledgement = "connack";
    let ended: Refusal | undefined;
    let unanswered = false;
    const arrived = { connack: signal<Reason>(), puback: signal<Reason>() };

    // The first reason counts: what follows a refusal is the connection falling apart.
    const stop = (refusal: Refusal) => {
        ended ??= refusal;
        arrived[waitedFor].reject(new Stopped(ended));
    };
    // Here and not of mqtt.js, which turns both into an `error` of its own.
    socket.on("error", error => {
        const code = errorCode(error);
        stop(alertRefusal(code) ?? { stage: "closed", waitedFor, code });
    });
    socket.on("close", () => stop({ stage: "closed", waitedFor }));

    // Heard before mqtt.js, which takes apart all that has arrived before it tells of the first packet: of a CONNACK that
    // refuses and a DISCONNECT with the same code behind it, as ThingsBoard sends them, it would tell that the second is none.
    const parser = mqttPacket.parser({ protocolVersion: version === "5" ? 5 : 4 });
    let broken = false;
    const give = (refusal: Refusal) => {
        broken = true;
        stop(refusal);
    };
    parser.on("packet", (packet: Packet) => (isWhole(packet) ? hear(packet) : give(unreadable(new Error(`${packet.cmd.toUpperCase()} without its packet identifier`)))));
    parser.on("error", (error: Error) => give(unreadable(error)));
    const stream = passedOn(socket, bytes => {
        parser.parse(bytes);
        return !broken;
    });

    const client = new MqttClient(() => stream, {
        protocolId: "MQTT",
        protocolVersion: version === "5" ? 5 : 4,
        clientId,
        clean: true,
        reconnectPeriod: 0,
        // The deadline of the whole connection is kept elsewhere, and tells which step was late.
        connectTimeout: 24 * 3600 * 1000,
    });
    client.on("error", error => stop(unreadable(error)));

    function hear(packet: Packet): void {
        switch (packet.cmd) {
            case "connack":
                return answer("connack", (version === "5" ? packet.reasonCode : packet.returnCode) ?? 0);
            case "puback":
                if (packet.messageId !== client.getLastMessageId()) return give(unreadable(new Error("PUBACK for another message")));
                return answer("puback", packet.reasonCode ?? 0);
            case "disconnect":
                return stop({ stage: "closed", waitedFor, ...reason("disconnect", version, packet.reasonCode ?? 0) });
            default: // Nothing else is waited for.
        }
    }

    /** Bytes that are no MQTT, or MQTT with a reason code that its packet may not carry: as good as none. */
    function unreadable({ message }: Error): Refusal {
        return /^Invalid \w+ reason code/.test(message) ? { stage: "closed", waitedFor, code: message } : { stage: "not-mqtt", waitedFor, code: message };
    }

    function answer(stage: Acknowledgement, code: number): void {
        // A server before MQTT 5 answers in its own form, whose code 1 says that it does not know this version.
        const spoken = stage === "connack" && code > 0 && code < 0x10 ? "3.1.1" : version;
        const why = reason(stage, spoken, code);
        unanswered = false;
        const accepted = code === 0 || (stage === "puback" && code < 0x80);
        if (accepted) arrived[stage].resolve(why);
        else stop({ stage, ...why });
    }

    return {
        connected: arrived.connack.promise,
        publish({ topic, payload }) {
            waitedFor = "puback";
            // A server over its limits sends CONNACK 0 and its DISCONNECT in one go.
            if (ended) arrived.puback.reject(new Stopped(ended.stage === "closed" ? { ...ended, waitedFor } : ended));
            else {
                unanswered = true;
                client.publish(topic, payload, { qos: 1 }, () => undefined);
            }
            return arrived.puback.promise;
        },
        async leave() {
            // mqtt.js holds its DISCONNECT back until the last message is acknowledged, which may be never.
            if (!ended && !unanswered && client.connected) {
                const gone = new Promise<void>(resolve => socket.once("close", () => resolve()));
                const tooLong = setTimeout(() => socket.destroy(), goodbyeMs);
                client.end();
                await gone;
                clearTimeout(tooLong);
            }
            client.end(true);
        },
    };
}

/**
 * What the other side sends goes on only as long as it is MQTT: to answer a packet whose identifier is missing, mqtt.js
 * writes what is no bytes, which ends the process.
 *
 * @param isGood asked of each piece that arrives, before it goes on
 */
function passedOn(socket: Socket, isGood: (bytes: Buffer) => boolean): Duplex {
    const stream = new Duplex({
        read: () => void socket.resume(),
        write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
        // A packet in one piece, however many it was made of.
        writev: (chunks, done) => void socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)), done),
        final: done => void socket.end(done),
        destroy: (error, done) => {
            socket.destroy();
            done(error);
        },
    });
    socket.on("data", (bytes: Buffer) => {
        if (isGood(bytes) && !stream.push(bytes)) socket.pause();
    });
    socket.on("end", () => stream.push(null));
    socket.on("close", () => stream.destroy());
    return stream;
}

/** MQTT 5, 2.2.1: these have a packet identifier, which is not 0; the parser gives -1 where a packet ends before it. */
const isWhole = (packet: Packet): boolean => packet.messageId === undefined || packet.messageId > 0;

function signal<T>() {
    let resolve: (value: T) => void = () => undefined;
    let reject: (error: Stopped) => void = () => undefined;
    const promise = new Promise<T>((...settle) => ([resolve, reject] = settle));
    // Nobody may be waiting for it yet, or any more.
    promise.catch(() => undefined);
    return { promise, resolve, reject };
}
