// The bytes between a socket and its TLS layer. They are looked at on the way, because node:tls has no means to refuse a
// client's certificate with an alert, and ThingsBoard does.
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { plainAlert, sealedAlert, type TrafficSecret } from "./alert";

const CHANGE_CIPHER_SPEC = 20;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;
const CERTIFICATE = 11;

export interface Wire extends Duplex {
    /** Ends the connection with a fatal alert. Nothing that the TLS layer writes afterwards gets through. */
    refuse(description: number, secret: TrafficSecret | undefined): void;
}

/**
 * `certificates` is called with the client's chain in TLS 1.2, where it comes in the clear, and answers with the alert to
 * refuse it with. In TLS 1.3 it is encrypted, and judged when the handshake is done.
 */
export function createWire(socket: Socket, certificates: (chain: readonly Buffer[]) => number | undefined): Wire {
    let cut = false;
    let sealed = false; // the client's side is encrypted from here on
    let serverRecords = 0; // records of the server under its application key
    const handshake: Buffer[] = [];

    const fromClient = createRecordReader((type, fragment) => {
        if (type === APPLICATION_DATA || type === CHANGE_CIPHER_SPEC) sealed = true;
        if (type !== HANDSHAKE || sealed) return;
        handshake.push(fragment());
        const chain = certificateMessage(Buffer.concat(handshake));
        const alert = chain && certificates(chain);
        if (alert !== undefined) refuse(alert, undefined);
    });
    let applicationData = false;
    const fromServer = createRecordReader((type) => {
        if (type === APPLICATION_DATA && applicationData) serverRecords++;
    });

    const wire = new Duplex({
        read: () => socket.resume(),
        write: (chunk: Buffer, _encoding, done) => {
            if (cut || !socket.writable) return done();
            fromServer(chunk);
            if (socket.write(chunk)) done();
            else socket.once("drain", done);
        },
        final: (done) => {
            if (!cut) socket.end();
            done();
        },
        destroy: (error, done) => {
            if (!cut) socket.destroy();
            done(error);
        },
    });
    const refuse = (description: number, secret: TrafficSecret | undefined): void => {
        if (cut) return;
        cut = true;
        socket.end(secret ? sealedAlert(description, secret, serverRecords) : plainAlert(description));
        setTimeout(() => socket.destroy(), 1000).unref();
        socket.resume();
        wire.destroy();
    };
    socket.on("data", (chunk: Buffer) => {
        if (cut) return;
        fromClient(chunk);
        if (cut) return;
        // the server's own flight came before the client's first encrypted record
        if (sealed) applicationData = true;
        if (!wire.push(chunk)) socket.pause();
    });
    socket.on("end", () => wire.push(null));
    socket.on("close", () => wire.destroy());
    return Object.assign(wire, { refuse });
}

/** Calls `record` for each whole record, however the bytes were cut. Stops reading at what is no TLS. */
function createRecordReader(record: (type: number, fragment: () => Buffer) => void): (chunk: Buffer) => void {
    let rest: Buffer = Buffer.alloc(0);
    return (chunk) => {
        rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
        let at = 0;
        while (rest.length - at >= 5) {
            const [type, from, to] = [rest[at] ?? 0, at + 5, at + 5 + rest.readUInt16BE(at + 3)];
            if (rest.length < to) break;
            const whole = rest;
            record(type, () => whole.subarray(from, to));
            at = to;
        }
        rest = rest.subarray(at);
    };
}

/** The certificates in the client's handshake messages so far, leaf first; undefined until the message is whole. */
function certificateMessage(messages: Buffer): Buffer[] | undefined {
    for (let at = 0; messages.length - at >= 4; ) {
        const end = at + 4 + messages.readUIntBE(at + 1, 3);
        if (messages.length < end) return undefined;
        if (messages[at] === CERTIFICATE && end - at >= 7) {
            const chain: Buffer[] = [];
            for (let next = at + 7; next + 3 <= end; ) {
                const length = messages.readUIntBE(next, 3);
                chain.push(messages.subarray(next + 3, next + 3 + length));
                next += 3 + length;
            }
            return chain;
        }
        at = end;
    }
    return undefined;
}
