// The publish check: a connection as the device itself would make it, told apart step by step.

import { randomBytes } from "node:crypto";
import { lookup } from "node:dns/promises";
import type { TLSSocket } from "node:tls";
import { deadline, Stopped } from "./deadline";
import { dial, type Lookup, type Seen } from "./dial";
import { type Clock, systemClock } from "./observe";
import type { Accepted, Evidence, MqttVersion, PublishCheckOutcome, PublishCheckRequest, Refused, Step } from "./outcome";
import { type Prepared, prepare } from "./prepare";
import { openSession } from "./session";

export interface PublishCheckDeps extends Clock {
    random(size: number): Buffer;
    lookup: Lookup;
    /** Hears of each connection as it is made; of a second one again. */
    watch: PublishCheckWatch;
}

/** For whoever tells of a connection while it is made. */
export interface PublishCheckWatch {
    began(): void;
    /** When the step is done. */
    reached(step: Step): void;
    ended(outcome: PublishCheckOutcome): void;
}

export const nobodyWatches: PublishCheckWatch = { began: () => undefined, reached: () => undefined, ended: () => undefined };

const system: PublishCheckDeps = { ...systemClock, random: randomBytes, lookup: host => lookup(host, { all: true }), watch: nobodyWatches };

/** A server may block an address for a while after some refusals (ThingsBoard: ten, when that is switched on). */
const maxConnections = 3;
const maxWaitMs = 30_000;

/**
 * Connects with the device's certificate and key, publishes where asked to, and leaves. Accepted means CONNACK 0 and
 * PUBACK, never a finished handshake: in TLS 1.3 the client sees that before the server has judged its certificate,
 * and ThingsBoard lets any certificate through TLS.
 *
 * The device's own session, if it has one, is closed by the server: it keeps one per device.
 *
 * @throws UserError for input that can't work, before anything is sent.
 */
export async function publishCheck(request: PublishCheckRequest, deps: Partial<PublishCheckDeps> = {}): Promise<PublishCheckOutcome> {
    const known = { ...system, ...deps };
    const { sleep, watch } = known;
    const prepared = prepare(request, known.random);
    const { protocolVersion = "auto" } = request;
    let version: MqttVersion = protocolVersion === "auto" ? "5" : protocolVersion;
    let waitedMs = 0;

    for (let connections = 1; ; connections++) {
        watch.began();
        const outcome = await connectOnce(prepared, version, connections, known);
        watch.ended(outcome);
        if (outcome.ok || connections === maxConnections) return outcome;
        if (protocolVersion === "auto" && version === "5" && refusesMqtt5(outcome)) {
            version = "3.1.1";
            continue;
        }
        const waitMs = untilValid(outcome, request.clockSkewMs, connections);
        if (waitMs === undefined || waitedMs + waitMs > maxWaitMs) return outcome;
        waitedMs += waitMs;
        await sleep(waitMs);
    }
}

async function connectOnce(prepared: Prepared, version: MqttVersion, connections: number, { now, lookup, watch: { reached } }: PublishCheckDeps): Promise<PublishCheckOutcome> {
    const { host, port, presented, clientId, message, timeoutSeconds } = prepared;
    const seen: Seen = {};
    let opened: TLSSocket | undefined;
    const time = deadline(timeoutSeconds);
    const evidence = (): Evidence => ({
        host,
        port,
        at: new Date(now()).toISOString(),
        presented,
        clientId,
        mqttVersion: version,
        ...(message && { topic: message.topic, payloadBytes: Buffer.byteLength(message.payload) }),
        ...seen,
        connections,
    });
    try {
        const reason = await converse();
        return { ...evidence(), ok: true, ...reason, reached: message ? "puback" : "connack" } satisfies Accepted;
    } catch (error) {
        if (!(error instanceof Stopped)) throw error;
        return { ...evidence(), ok: false, ...error.refusal } satisfies Refused;
    } finally {
        time.clear();
        opened?.destroy();
    }

    async function converse() {
        const begin = performance.now();
        const socket = await dial(prepared, lookup, time, seen, { opened: socket => (opened = socket), reached });
        const session = openSession(socket, version, clientId);
        try {
            const connack = await time.within("connack", session.connected);
            Object.assign(seen, { reached: "connack", connectMs: since(begin) });
            reached("connack");
            if (!message) return connack;
            const published = performance.now();
            const puback = await time.within("puback", session.publish(message));
            Object.assign(seen, { reached: "puback", publishMs: since(published) });
            reached("puback");
            return puback;
        } finally {
            await session.leave();
        }
    }
}

const since = (begin: number): number => Math.round((performance.now() - begin) * 10) / 10;

/** Code 1 is how a server before MQTT 5 answers a CONNECT of version 5; some just close. */
function refusesMqtt5(outcome: Refused): boolean {
    if (outcome.stage === "connack") return outcome.reasonCode === 0x84 || outcome.reasonCode === 0x01;
    return outcome.stage === "closed" && outcome.waitedFor === "connack" && (outcome.reasonCode === undefined || outcome.reasonCode === 0x84);
}

/**
 * How long to wait for the certificate to become valid, where that may be why it was refused. ThingsBoard answers "not
 * authorized" to any certificate that it does not take, so unless its clock is known only a certificate made in the
 * last minute is worth waiting for.
 */
function untilValid(outcome: Refused, clockSkewMs: number | undefined, connections: number): number | undefined {
    if (outcome.stage !== "connack" || (outcome.reasonCode !== 0x87 && outcome.reasonCode !== 0x05)) return undefined;
    const ageMs = Date.parse(outcome.at) + (clockSkewMs ?? 0) - Date.parse(outcome.presented.notBefore);
    if (clockSkewMs === undefined) return ageMs < 60_000 ? connections * 10_000 : undefined;
    // A Date header has whole seconds.
    const uncertainMs = 2000;
    return ageMs < uncertainMs ? Math.max(0, -ageMs) + uncertainMs : undefined;
}
