// One connection: from the first byte to the last.
import type { X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import { generate, parser as createParser, type IConnectPacket, type IPublishPacket, type ISubscribePacket, type IUnsubscribePacket, type Packet } from "mqtt-packet";
import type { Device } from "../platform/entities";
import { limitsOf, type Platform } from "../platform/platform";
import type { RateLimits } from "../platform/rateLimits";
import type { MqttFault } from "../faults/faults";
import type { PaceState } from "../faults/pace";
import { CODES, connackCode } from "./codes";
import { identify } from "./connect";
import { createFrameGuard, MAX_PACKET } from "./frames";
import { objectOf, react } from "./publish";
import type { Session, Sessions } from "./sessions";
import { isAttributesTopic, isSubscribable, matches, PROVISION_RESPONSE, topicRules, type TopicRules } from "./topics";

export interface Transport {
    readonly platform: Platform;
    readonly sessions: Sessions;
    readonly pace: PaceState;
    readonly limits: RateLimits;
    wait(time: number): Promise<void>;
}

/** How long a client may be connected and say nothing. */
const CONNECT_TIMEOUT = 30_000;
/** How many messages may wait until CONNECT is decided about. */
const QUEUE = 100;

type State = "new" | "connecting" | "device" | "provisioning" | "closed";

export function serveConnection(transport: Transport, socket: Duplex & { setTimeout(time: number): unknown }, chain: readonly X509Certificate[], fault: MqttFault = {}): void {
    const { platform, sessions } = transport;
    const parser = createParser();
    const guard = createFrameGuard(MAX_PACKET);
    const inbox: Packet[] = [];
    const subscriptions = new Map<string, 0 | 1>();
    let state = "new" as State;
    let version = 4;
    let session: Session | undefined;
    let device: Device | undefined;
    let attributesTopic: string | undefined; // where the device last asked to hear of its attributes
    let sent = 0;

    const send = (packet: Packet): void => {
        if (socket.writable) socket.write(generate(packet, { protocolVersion: version }));
    };
    const sendHalf = (packet: Packet): void => {
        if (socket.writable) socket.write(generate(packet, { protocolVersion: version }).subarray(0, 1));
    };
    const close = (code?: number): void => {
        if (state === "closed") return;
        // A client that is not let in hears CONNACK and, in MQTT 5, DISCONNECT as well, with the same code: even with
        // codes that the standard knows in CONNACK only, on which strict clients stumble.
        if (version === 5 && code !== undefined && state !== "new") send({ cmd: "disconnect", reasonCode: code });
        state = "closed";
        if (session) sessions.closed(session);
        endSoftly(socket);
    };
    const later = (write: () => void): void => {
        if (fault.loseTelemetry) return;
        if (fault.storeDelay) void transport.wait(fault.storeDelay).then(write);
        else setImmediate(write);
    };

    async function connect(packet: IConnectPacket): Promise<void> {
        state = "connecting";
        version = packet.protocolVersion ?? 4;
        if (fault.connack === "withhold") return;
        if (fault.connack === "close") return close();
        if (fault.connack === "half") return sendHalf({ cmd: "connack", returnCode: 0, reasonCode: 0, sessionPresent: false });
        if (fault.delay) await transport.wait(fault.delay);
        await transport.pace.turn("connect");
        if (state !== "connecting") return;
        const identity = identify(platform, packet, chain[0]);
        let code: number = fault.connack ?? (identity.is === "refused" ? identity.code : CODES.success);
        const limited = code === CODES.success && identity.is === "device" && !withinLimit(identity.device, "transportDeviceMsgRateLimit");
        if (limited) code = CODES.connectionRateExceeded;
        // no session is ever kept, yet a client that asks for one is told that it was
        const sessionPresent = packet.clean === false;
        send(version === 5 ? { cmd: "connack", reasonCode: connackCode(code, 5), sessionPresent } : { cmd: "connack", returnCode: connackCode(code, 4), sessionPresent });
        if (code === CODES.serverUnavailable) return close(chain[0] ? CODES.implementationSpecific : CODES.serverBusy);
        if (code !== CODES.success) return close(limited ? CODES.messageRateTooHigh : connackCode(code, 5));
        if (fault.closeAfterConnect) return close();
        socket.setTimeout((packet.keepalive ?? 0) * 1500);
        if (identity.is !== "device") {
            state = "provisioning";
            return;
        }
        state = "device";
        device = identity.device;
        const deviceId = device.id;
        session = {
            deviceId,
            close,
            sharedAttributesChanged: (updated, removed) => {
                if (attributesTopic === undefined) return;
                if (updated.size > 0) publish(attributesTopic, objectOf(updated));
                if (removed.length > 0) publish(attributesTopic, JSON.stringify({ deleted: removed }));
            },
        };
        sessions.open(session);
    }

    const rules = (): TopicRules => topicRules(platform, (device && platform.store.devices.get(device.id)) ?? (device as Device));
    const publish = (topic: string, payload: string): void => {
        const qos = [...subscriptions].find(([filter]) => matches(filter, topic))?.[1];
        if (qos === undefined) return;
        sent = (sent % 65_535) + 1;
        send({ cmd: "publish", topic, payload, qos, dup: false, retain: false, ...(qos > 0 ? { messageId: sent } : {}) });
    };
    const withinLimit = (of: Device, name: "transportDeviceMsgRateLimit" | "transportDeviceTelemetryMsgRateLimit"): boolean =>
        transport.limits.take(`${name} ${of.id}`, limitsOf(platform, of.tenantId)[name], platform.now());

    const acknowledge = (packet: IPublishPacket, code: number): void => {
        // QoS 2 is answered with PUBACK as well, to the surprise of the client
        if (packet.qos === 0 || packet.messageId === undefined) return;
        const answer: Packet = { cmd: "puback", messageId: packet.messageId, ...(version === 5 ? { reasonCode: code } : {}) };
        if (fault.delay) void transport.wait(fault.delay).then(() => send(answer));
        else send(answer);
    };
    function published(packet: IPublishPacket, from: Device): void {
        if (fault.puback === "withhold") return;
        if (fault.puback === "close") return close();
        if (fault.puback === "half") return sendHalf({ cmd: "puback", messageId: packet.messageId ?? 0 });
        if (fault.puback !== undefined) return acknowledge(packet, fault.puback);
        const [all, telemetry] = [withinLimit(from, "transportDeviceMsgRateLimit"), withinLimit(from, "transportDeviceTelemetryMsgRateLimit")];
        if (!all || !telemetry) return close(CODES.implementationSpecific);
        const reaction = react(platform, from.id, rules(), version, packet, { later });
        if (reaction.is === "close") return close(reaction.code);
        if (reaction.is === "nothing") return;
        acknowledge(packet, reaction.is === "acknowledge" ? reaction.code : CODES.success);
        if (reaction.is === "respond") publish(reaction.topic, reaction.payload);
    }
    function subscribed(packet: ISubscribePacket): void {
        const granted = packet.subscriptions.map(({ topic, qos }) => {
            const known = state === "provisioning" ? topic === PROVISION_RESPONSE : isSubscribable(rules(), topic);
            if (!known) return version === 5 ? CODES.invalidTopicFilter : 0x80;
            if (state === "device" && isAttributesTopic(rules(), topic)) attributesTopic = topic;
            subscriptions.set(topic, qos === 0 ? 0 : 1);
            return Math.min(qos, 1);
        });
        send({ cmd: "suback", messageId: packet.messageId ?? 0, granted });
    }
    function unsubscribed(packet: IUnsubscribePacket): void {
        const results = packet.unsubscriptions.map((topic) => (subscriptions.delete(topic) ? CODES.success : CODES.noSubscription));
        send({ cmd: "unsuback", messageId: packet.messageId ?? 0, granted: results });
    }

    function handle(packet: Packet): void {
        if (state === "closed") return;
        if (packet.cmd === "connect") {
            if (state !== "new") return close();
            void connect(packet).then(drain);
            return;
        }
        if (state === "connecting" || state === "new") return void (inbox.length < QUEUE ? inbox.push(packet) : close(CODES.quotaExceeded));
        if (packet.cmd === "pingreq") return send({ cmd: "pingresp" });
        if (packet.cmd === "disconnect") return fault.disconnect === "withhold" ? undefined : close(CODES.success); // answered in kind
        if (packet.cmd === "subscribe") return subscribed(packet);
        if (packet.cmd === "unsubscribe") return unsubscribed(packet);
        if (state === "provisioning") {
            if (packet.cmd !== "publish") return;
            // acknowledged, lost, and the end
            acknowledge(packet, CODES.invalidTopicName);
            return close(CODES.invalidTopicName);
        }
        if (packet.cmd === "publish" && device) published(packet, device);
    }
    const drain = (): void => {
        while (state !== "connecting") {
            const packet = inbox.shift();
            if (!packet) return;
            handle(packet);
        }
    };

    socket.setTimeout(CONNECT_TIMEOUT);
    socket.on("timeout", () => close(CODES.keepAliveTimeout));
    socket.on("error", () => close());
    socket.on("end", () => close());
    socket.on("close", () => close());
    const parsed: Packet[] = [];
    let malformed = false;
    parser.on("packet", (packet) => parsed.push(packet));
    parser.on("error", () => (malformed = true));
    socket.on("data", (chunk: Buffer) => {
        if (state === "closed") return;
        if (guard(chunk) !== "fine") return close(CODES.malformedPacket);
        try {
            parser.parse(chunk);
        } catch {
            malformed = true; // what the codec can't take apart is as bad as what it refuses
        }
        for (const packet of parsed.splice(0)) handle(packet);
        if (malformed) close(CODES.malformedPacket);
    });
}

/** Lets what was written reach the client; a client that does not hang up is not waited for. */
function endSoftly(socket: Duplex): void {
    socket.end();
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), 1000);
    timer.unref();
    socket.once("close", () => clearTimeout(timer));
}
