// The stages of a publish, with the time each took: from the look-up of the name to the value that is stored.
import type { Step } from "../../mqtt/outcome";
import type { Paint } from "../frame/terminal";

export type StageName = Step | "stored";

export interface Stage {
    readonly stage: StageName;
    readonly reached: boolean;
    /** Milliseconds since the stage before. */
    readonly ms: number;
}

export interface Stages {
    /** A connection: of a second one, in another version of MQTT or after a wait, the stages are told anew. */
    began(): void;
    reached(stage: StageName): void;
    /** It went no further: the stage that comes next failed. */
    failed(): void;
    list(): readonly Stage[];
}

const titles: Readonly<Record<StageName, string>> = { dns: "DNS", tcp: "TCP", tls: "TLS", connack: "CONNECT", puback: "PUBLISH", stored: "stored" };
const meaning: Readonly<Record<StageName, string>> = {
    dns: "the name has an address",
    tcp: "the port takes connections",
    tls: "the server's certificate is trusted",
    connack: "CONNACK: the device's certificate is accepted",
    puback: "PUBACK: ThingsBoard has queued the message",
    stored: "the value is in ThingsBoard's latest telemetry",
};

export function stagesOf(mode: "connect" | "publish", rest: boolean, tell: { done(stage: Stage): void; waiting(name: string): void }): Stages {
    const order: readonly StageName[] = ["dns", "tcp", "tls", "connack", ...(mode === "publish" ? (["puback", ...(rest ? (["stored"] as const) : [])] as const) : [])];
    let list: Stage[] = [];
    let last = performance.now();
    const note = (stage: StageName, reached: boolean) => {
        const now = performance.now();
        const noted = { stage, reached, ms: Math.round((now - last) * 10) / 10 };
        last = now;
        list.push(noted);
        tell.done(noted);
        const next = order[order.indexOf(stage) + 1];
        if (reached && next !== undefined) tell.waiting(titles[next]);
    };
    return {
        began() {
            list = [];
            last = performance.now();
            tell.waiting(titles.dns);
        },
        reached: stage => note(stage, true),
        failed() {
            const next = order.find(stage => !list.some(noted => noted.stage === stage));
            if (next !== undefined) note(next, false);
        },
        list: () => list,
    };
}

export const stageLine = ({ stage, reached, ms }: Stage, paint: Paint): string =>
    `${reached ? paint("green", "ok    ") : paint("red", "failed")}  ${titles[stage].padEnd(7)}  ${`${ms} ms`.padStart(10)}${reached ? `  ${meaning[stage]}` : ""}`;
