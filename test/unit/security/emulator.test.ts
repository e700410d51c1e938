// The emulator on a developer's machine: other machines don't reach it, web pages don't use it, and only who has the token
// changes how it behaves.

import { once } from "node:events";
import { request } from "node:http";
import { createConnection } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Emulator, startEmulator } from "../../../sdk/emulator";

let emulator: Emulator;
beforeAll(async () => {
    emulator = await startEmulator();
});
afterAll(() => emulator.stop());

interface Answer {
    readonly status: number | undefined;
    readonly headers: Readonly<Record<string, unknown>>;
    readonly body: string;
}

/** `fetch` has its own mind about the Host header. */
async function ask(base: string, method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
    const sent = request(new URL(path, base), { method, headers });
    sent.end(body);
    const [response] = (await once(sent, "response")) as [import("node:http").IncomingMessage];
    let text = "";
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode, headers: response.headers, body: text };
}

const bearer = () => ({ authorization: `Bearer ${emulator.adminToken}` });
const everyCall = [["GET", "/"], ["GET", "/faults"], ["PUT", "/faults"], ["DELETE", "/faults"], ["GET", "/pace"], ["PUT", "/pace"], ["PUT", "/limits"], ["POST", "/expire-tokens"], ["POST", "/rotate-server-certificate"], ["OPTIONS", "/faults"], ["GET", "/nowhere"]] as const;

describe("the admin port", () => {
    test.each(everyCall)("%s %s needs the token", async (method, path) => {
        const { adminUrl, adminToken, caPem } = emulator;
        const wrong = ["", "Bearer ", `Bearer ${adminToken.slice(0, -1)}`, `Bearer ${adminToken}x`, `Bearer ${adminToken.toLowerCase() === adminToken ? adminToken.toUpperCase() : adminToken.toLowerCase()}`, adminToken, `Basic ${adminToken}`, `ApiKey ${emulator.apiKey}`];
        for (const authorization of wrong) {
            const answer = await ask(adminUrl, method, path, authorization === "" ? {} : { authorization }, method === "PUT" ? "{}" : undefined);
            expect([authorization.length, answer.status]).toEqual([authorization.length, 401]);
            expect(answer.body).not.toContain(adminToken);
        }
        expect((await ask(adminUrl, method, `${path}?token=${adminToken}`)).status).toBe(401);
        expect(emulator.faults.current).toEqual({});
        expect(emulator.caPem).toBe(caPem);
    });

    test("the token is long, and another one each time", async () => {
        const other = await startEmulator();
        expect(emulator.adminToken).toMatch(/^[\w-]{32}$/);
        expect(other.adminToken).not.toBe(emulator.adminToken);
        await other.stop();
    });

    test("a name of a web page's own, which points to this machine, is refused even with the token", async () => {
        const { port } = new URL(emulator.adminUrl);
        for (const host of [`evil.example:${port}`, "evil.example", `localhost.evil.example:${port}`, `127.0.0.1.nip.io:${port}`]) {
            expect([host, (await ask(emulator.adminUrl, "GET", "/", { ...bearer(), host })).status]).toEqual([host, 421]);
        }
        for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`, "localhost"]) expect((await ask(emulator.adminUrl, "GET", "/", { ...bearer(), host })).status).toBe(200);
    });
});

test("no page of another origin may read an answer, of either port", async () => {
    const origin = { origin: "https://evil.example", "access-control-request-method": "PUT", "access-control-request-headers": "authorization,x-authorization,content-type" };
    for (const [base, path, own] of [[emulator.adminUrl, "/faults", bearer()], [emulator.restUrl, "/api/auth/user", { "x-authorization": `ApiKey ${emulator.apiKey}` }]] as const) {
        for (const method of ["OPTIONS", "GET"]) {
            const { headers } = await ask(base, method, path, { ...origin, ...own });
            expect(Object.keys(headers).filter(name => name.startsWith("access-control"))).toEqual([]);
        }
    }
});

test("no port is open to other machines", async () => {
    const ports = [emulator.restUrl, emulator.adminUrl].map(url => Number(new URL(url).port)).concat(emulator.mqttPort, emulator.mqttsPort);
    const outside = Object.values(networkInterfaces()).flatMap(all => all ?? []).filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address);
    // 127.0.0.2 is an address of this machine too, on which only who listens on all of them would answer.
    for (const address of [...outside, "127.0.0.2"]) {
        for (const port of ports) {
            const socket = createConnection(port, address);
            const event = await Promise.race([once(socket, "error").then(([error]) => (error as NodeJS.ErrnoException).code), once(socket, "connect").then(() => "connected")]);
            socket.destroy();
            expect([address, port, event]).toEqual([address, port, "ECONNREFUSED"]);
        }
    }
});
