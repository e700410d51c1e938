// Faults on demand. None is on by default.
import type { Milliseconds } from "../platform/entities";

/** What befalls REST calls that match. The first fault that matches a call is the one that counts. */
export interface RestFault {
    /** For example "POST"; any method if left out. */
    readonly method?: string;
    /** Path without query, `*` for any text in it: "/api/device*". Any path if left out. */
    readonly path?: string;
    /** How many matching calls pass unharmed first. */
    readonly skip?: number;
    /** How many matching calls are hit; all of them, until the faults are cleared, if left out. */
    readonly times?: number;
    /** For how long after it was set; until the faults are cleared, if left out. */
    readonly duration?: Milliseconds;
    /** Answers with this status. */
    readonly status?: number;
    /** The body that goes with `status`, instead of ThingsBoard's own error body. */
    readonly body?: string;
    /** Headers of the answer, besides its content type. */
    readonly headers?: Readonly<Record<string, string>>;
    /** "before", the default: answers with `status` and does nothing. "after": does what was asked for, and then answers so. */
    readonly when?: "before" | "after";
    /** Ends the connection in the middle of the answer's body. */
    readonly truncate?: boolean;
    /** The answer's body takes so long, piece by piece. */
    readonly drip?: Milliseconds;
    /** Ends the connection without an answer: before anything was done, or after all of it was done. */
    readonly drop?: "before" | "after";
    /** Waits before anything is done. */
    readonly latency?: Milliseconds;
}

/** What befalls MQTT connections. */
export interface MqttFault {
    /** How many connections are hit, counted when they are accepted; all of them if left out. */
    readonly times?: number;
    /** Ends the connection before the TLS handshake, never answers it, or does as a load balancer that ends TLS: the client's certificate is lost. */
    readonly tls?: "close" | "withhold" | "dropCertificate";
    /** Refuses CONNECT with this code (a code of one protocol version is translated to the other), never answers, answers with one byte and no more, or hangs up. */
    readonly connack?: number | "withhold" | "half" | "close";
    /** Answers every QoS 1 publish with this reason code (3.1.1 has none: 0 is sent), never, with one byte and no more, or hangs up. Nothing is stored. */
    readonly puback?: number | "withhold" | "half" | "close";
    /** Leaves the connection open after the client's DISCONNECT. */
    readonly disconnect?: "withhold";
    /** Waits so long with each step: before the TLS handshake, before CONNACK, before PUBACK. */
    readonly delay?: Milliseconds;
    /** Accepts CONNECT and hangs up. */
    readonly closeAfterConnect?: boolean;
    /** Acknowledges telemetry and does not store it, as a rule chain may do. */
    readonly loseTelemetry?: boolean;
    /** Answers PUBACK, and stores so much later. */
    readonly storeDelay?: Milliseconds;
}

/** What goes wrong on purpose. None of it by default. */
export interface Faults {
    /** Of REST calls; of several that fit the first one counts. */
    readonly rest?: readonly RestFault[];
    /** Of MQTT connections. */
    readonly mqtt?: MqttFault;
    /** The platform's clock is ahead by so much (behind, if negative). */
    readonly clockOffset?: Milliseconds;
    /**
     * The platform takes note of a session so much after its CONNACK, as a busy server does: until then `lastConnectTime`
     * and `active` are old, and the session outlives a change of its credentials.
     */
    readonly registrationDelay?: Milliseconds;
    /** Live sessions survive a change of credentials. */
    readonly keepSessions?: boolean;
}

/** Switches faults on and off while the emulator runs. */
export interface FaultControl {
    /** Replaces the faults that are named; the others stay. */
    set(faults: Faults): void;
    /** Ends all faults. */
    /** Ends all faults. */
    clear(): void;
    /** The faults that are on. */
    readonly current: Faults;
}

export interface FaultState extends FaultControl {
    takeRest(method: string, path: string): RestFault | undefined;
    takeMqtt(): MqttFault | undefined;
}

interface Counted {
    readonly fault: RestFault;
    readonly pattern: RegExp;
    readonly end: number;
    skip: number;
    left: number;
}

export function createFaults(): FaultState {
    let current: Faults = {};
    let rest: Counted[] = [];
    let mqttLeft = Infinity;
    const set = (faults: Faults): void => {
        current = { ...current, ...faults };
        if (faults.rest) {
            rest = faults.rest.map((fault) => ({ fault, pattern: toPattern(fault.path ?? "*"), end: performance.now() + (fault.duration ?? Infinity), skip: fault.skip ?? 0, left: fault.times ?? Infinity }));
        }
        if (faults.mqtt) mqttLeft = faults.mqtt.times ?? Infinity;
    };
    return {
        set,
        clear: () => {
            current = {};
            rest = [];
        },
        get current() {
            return current;
        },
        takeRest: (method, path) => {
            for (const counted of rest) {
                if (counted.left <= 0 || counted.end < performance.now() || (counted.fault.method ?? method) !== method || !counted.pattern.test(path)) continue;
                if (counted.skip > 0) {
                    counted.skip--;
                    continue;
                }
                counted.left--;
                return counted.fault;
            }
            return undefined;
        },
        takeMqtt: () => {
            if (!current.mqtt || mqttLeft <= 0) return undefined;
            mqttLeft--;
            return current.mqtt;
        },
    };
}

const toPattern = (path: string): RegExp => new RegExp(`^${path.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`);
