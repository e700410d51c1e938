// Stands between the plugin and ThingsBoard, knows which lane a call belongs to, and interrupts each lane at a call of
// its own: the number of calls, not time, says where.

import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Cut {
    /** Such as `POST /api/device`. */
    readonly call: string;
    /** Which one of the lane's calls that look so, counted from 1. */
    readonly nth: number;
    /** Whether the server has done what the call asks for when its answer gets lost. */
    readonly when: "before" | "after";
}

/**
 * - `hold`: the answer never comes; whoever waits for it can be killed meanwhile;
 * - `drop`: the connection ends, once;
 * - `outage`: the connection ends, and from then on the server fails in each call of the lane.
 */
export type Manner = "hold" | "drop" | "outage";

export interface Interrupter {
    readonly url: string;
    /** Counts anew, and cuts from now on as told. */
    plan(cuts: ReadonlyMap<string, Cut>, manner: Manner): void;
    /** The calls of each lane since then: `POST /api/device`. */
    readonly calls: ReadonlyMap<string, readonly string[]>;
    /** The lanes that were cut since then. */
    readonly cut: ReadonlySet<string>;
    /**
     * Resolves when every lane of the plan is cut, or when nothing has moved for a while: one may have to wait for another.
     * @param sinceElsewhere milliseconds since something moved that is no call, such as the state of a busy engine
     */
    settled(isOver: () => boolean, sinceElsewhere: () => number): Promise<void>;
    /** Lets go of what hangs: those who waited for it are dead. Lanes that were not cut yet still will be. */
    release(): void;
    stop(): Promise<void>;
}

const stillness = 3_000;

/** @param laneOf which lane a device or a profile belongs to, by its name */
export async function startInterrupter(target: string, laneOf: (name: string) => string | undefined): Promise<Interrupter> {
    let cuts: ReadonlyMap<string, Cut> = new Map();
    let manner: Manner = "drop";
    let lastMove: number | undefined;
    const calls = new Map<string, string[]>();
    const cut = new Set<string>();
    const laneOfId = new Map<string, string>();
    const held = new Set<ServerResponse>();

    const server = createServer((request, response) => {
        void handle(request, response).catch(() => response.destroy());
    });

    async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
        lastMove = performance.now();
        const method = request.method ?? "GET";
        const address = new URL(request.url ?? "/", target);
        const body = await bodyOf(request);
        const lane = findLane(address, body);
        const call = `${method} ${address.pathname.replace(uuid, ":id")}`;
        const made = [...(calls.get(lane ?? "") ?? []), call];
        if (lane !== undefined) calls.set(lane, made);
        const mine = lane === undefined ? undefined : cuts.get(lane);
        if (manner === "outage" && lane !== undefined && cut.has(lane)) return answerOutage(response);
        const hit = mine?.call === call && made.filter(other => other === call).length === mine.nth;
        if (hit) cut.add(lane!);
        if (hit && mine.when === "before") return interrupt(response);
        const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !["host", "connection", "content-length", "transfer-encoding"].includes(name)));
        const answer = await fetch(address, { method, headers: headers as Record<string, string>, ...(body === "" ? {} : { body }) });
        const text = await answer.text();
        learn(text);
        if (hit) return interrupt(response);
        const type = answer.headers.get("content-type");
        response.writeHead(answer.status, { date: answer.headers.get("date") ?? "", ...(type === null ? {} : { "content-type": type }) });
        response.end(text);
    }

    function interrupt(response: ServerResponse): void {
        if (manner === "hold") held.add(response);
        else response.destroy();
    }

    function findLane(address: URL, body: string): string | undefined {
        const sent = json<{ name?: string; device?: { name?: string }; deviceId?: { id?: string } }>(body);
        const named = address.searchParams.get("deviceName") ?? address.searchParams.get("textSearch") ?? sent?.name ?? sent?.device?.name;
        if (named !== undefined) return laneOf(named);
        const id = uuid.exec(address.pathname)?.[0] ?? uuid.exec(address.searchParams.get("deviceIds") ?? "")?.[0] ?? sent?.deviceId?.id;
        return id === undefined ? undefined : laneOfId.get(id);
    }

    function learn(text: string): void {
        const found = json<{ id?: { id?: string }; name?: string }>(text);
        const lane = found?.name === undefined ? undefined : laneOf(found.name);
        if (lane !== undefined && found?.id?.id !== undefined) laneOfId.set(found.id.id, lane);
    }

    function release(): void {
        for (const response of held) response.destroy();
        held.clear();
    }

    await new Promise<void>(listening => server.listen(0, "127.0.0.1", listening));
    return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        plan(wanted, how) {
            [cuts, manner] = [wanted, how];
            calls.clear();
            cut.clear();
            release();
        },
        release,
        calls,
        cut,
        async settled(isOver, sinceElsewhere) {
            lastMove = undefined;
            const moves = () => lastMove === undefined || Math.min(performance.now() - lastMove, sinceElsewhere()) < stillness;
            while (cut.size < cuts.size && !isOver() && moves()) await new Promise(later => setTimeout(later, 50));
        },
        stop: () => close(server),
    };
}

const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;

function json<Shape>(text: string): Shape | undefined {
    try {
        return (JSON.parse(text) as Shape | null) ?? undefined;
    } catch {
        return undefined;
    }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("utf8");
}

function answerOutage(response: ServerResponse): void {
    response.writeHead(500, { "content-type": "application/json" });
    response.end(JSON.stringify({ status: 500, message: "Internal server error", errorCode: 2, timestamp: Date.now() }));
}

function close(server: Server): Promise<void> {
    return new Promise(closed => {
        server.close(() => closed());
        server.closeAllConnections();
    });
}
