import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ApiError, type ApiErrorKind } from "../../../sdk/thingsboard";
import { pauseBefore, triesAllowed } from "../../../sdk/thingsboard/retry";
import { client, device, deviceId, errorOf, refusal, serve, testClock } from "./support";

test("pauses grow, with a quarter of jitter, to half a minute; all of them stay below 80 seconds", () => {
    fc.assert(
        fc.property(fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 6, maxLength: 6 }), chances => {
            const pauses = chances.map((chance, i) => pauseBefore(i + 1, () => chance));
            pauses.forEach((pause, i) => {
                const middle = Math.min(30_000, 1_000 * 2 ** i);
                expect(pause).toBeGreaterThanOrEqual(middle * 0.75);
                expect(pause).toBeLessThanOrEqual(middle * 1.25);
            });
            expect(pauses.reduce((sum, pause) => sum + pause)).toBeLessThan(80_000);
        }),
    );
});

test("what may have happened is never repeated where that could do it twice", () => {
    const kinds: ApiErrorKind[] = ["rateLimited", "unreachable", "timeout", "server", "invalid", "notFound"];
    const error = fc.record({ kind: fc.constantFrom(...kinds), status: fc.constantFrom(undefined, 400, 429, 500, 502, 503, 504), mayHaveHappened: fc.constant(true) });
    fc.assert(fc.property(error, fc.boolean(), (details, hasAnswered) => triesAllowed(new ApiError("", details), "POST", "unsafe", hasAnswered) === 1));
});

describe("reads", () => {
    test.each([429, 502, 503, 504])("survive some %i", async status => {
        const server = await serve((_, n) => (n <= 4 ? { status, body: "<html>nginx</html>" } : { body: device("pump-1") }));
        const clock = testClock();
        expect(await client(server.url, {}, { clock }).deviceById(deviceId)).toBeDefined();
        expect(server.received).toHaveLength(5);
    });

    test("survive lost connections in the middle of a run", async () => {
        const server = await serve((_, n) => (n > 1 && n <= 5 ? { drop: true } : { body: device("pump-1") }));
        const thingsboard = client(server.url);
        await thingsboard.deviceById(deviceId);
        expect(await thingsboard.deviceById(deviceId)).toBeDefined();
    });

    test("give up after seven tries and about a minute", async () => {
        const server = await serve(() => refusal(429, 33, "Too many requests for current tenant!"));
        const clock = testClock();
        const began = clock.now();
        const error = await errorOf(client(server.url, {}, { clock }).deviceById(deviceId));
        expect(error).toMatchObject({ kind: "rateLimited", status: 429, errorCode: 33, message: expect.stringMatching(/not the limit of devices: wait, or lower rateLimit/) });
        expect(server.received).toHaveLength(7);
        expect(clock.now() - began).toBeGreaterThan(55_000);
        expect(clock.now() - began).toBeLessThan(95_000);
    });

    test("may stand in line for long before they begin: that costs no tries", async () => {
        const server = await serve((_, n) => (n > 300 && n % 2 ? { status: 503 } : { body: device("pump-1") }));
        const thingsboard = client(server.url, { rateLimit: 1 });
        expect(await Promise.all(Array.from({ length: 320 }, () => thingsboard.deviceById(deviceId)))).toHaveLength(320);
    });

    test("look three times at a server error", async () => {
        const server = await serve(() => refusal(500, 2, "NullPointerException"));
        expect(await errorOf(client(server.url).deviceById(deviceId))).toMatchObject({ kind: "server" });
        expect(server.received).toHaveLength(3);
    });

    test.each([
        [400, 31],
        [403, 20],
        [409, 35],
    ])("take %i for an answer", async (status, errorCode) => {
        const server = await serve(() => refusal(status, errorCode, "no"));
        await errorOf(client(server.url).deviceById(deviceId));
        expect(server.received).toHaveLength(1);
    });
});

describe("a Retry-After", () => {
    const serveBusy = (status: number, retryAfter: string) => serve((_, n) => (n === 1 ? { status, headers: { "retry-after": retryAfter }, body: "" } : { body: device("pump-1") }));

    test.each([429, 503])("of %i is kept, by those who had not called yet too, and told", async status => {
        const server = await serveBusy(status, "20");
        const clock = testClock();
        const began = clock.now();
        const said: string[] = [];
        const thingsboard = client(server.url, {}, { clock, log: line => said.push(line) });
        expect(await thingsboard.deviceById(deviceId)).toBeDefined();
        expect(await thingsboard.deviceById(deviceId)).toBeDefined();
        expect(clock.now() - began).toBeGreaterThanOrEqual(20_000);
        expect(clock.now() - began).toBeLessThan(23_000);
        expect(said).toEqual([expect.stringMatching(/\(trying again in 20\.0 s\)$/)]);
    });

    test("of other answers means nothing", async () => {
        const server = await serveBusy(502, "20");
        const clock = testClock();
        const began = clock.now();
        await client(server.url, {}, { clock }).deviceById(deviceId);
        expect(clock.now() - began).toBeLessThan(2_000);
    });

    test.each([
        [undefined, 90_000],
        [5_000, 5_000],
    ])("is kept for no longer than the client is patient (%s)", async (patience, longest) => {
        const server = await serveBusy(503, "86400");
        const clock = testClock();
        const began = clock.now();
        await client(server.url, {}, { clock, ...(patience === undefined ? {} : { patience }) }).deviceById(deviceId);
        expect(clock.now() - began).toBeGreaterThanOrEqual(longest);
        expect(clock.now() - began).toBeLessThan(longest + 3_000);
    });
});

test("deletes survive what a stalled server says, and then find nothing left to delete", async () => {
    const server = await serve((_, n) => (n <= 2 ? refusal(500, 2, "Could not open JPA EntityManager for transaction") : refusal(404, 32, "Device with id [x] is not found")));
    await client(server.url).deleteDevice(deviceId);
    expect(server.received).toHaveLength(3);
});

test("other server errors end a delete", async () => {
    const server = await serve(() => refusal(500, 2, "null"));
    await errorOf(client(server.url).deleteDevice(deviceId));
    expect(server.received).toHaveLength(1);
});

test("a write that was turned away by the rate limit is repeated", async () => {
    const server = await serve((_, n) => (n <= 2 ? refusal(429, 33, "Too many requests for current tenant!") : { body: device("pump-1") }));
    await client(server.url).createDevice({ name: "pump-1" }, () => false);
    expect(server.received.map(one => one.method)).toEqual(["POST", "POST", "POST"]);
});

test("a storm of 429 slows everybody down, and everybody arrives", async () => {
    // ThingsBoard's bucket: ten, and ten more each second, by the test's own time.
    const clock = testClock();
    let tokens = 10;
    let filled = clock.now();
    let breaches = 0;
    const server = await serve(() => {
        tokens = Math.min(10, tokens + ((clock.now() - filled) / 1_000) * 10);
        filled = clock.now();
        if (tokens < 1) return breaches++, refusal(429, 33, "Too many requests for current tenant!");
        tokens--;
        return { body: device("pump-1") };
    });
    const thingsboard = client(server.url, {}, { clock });
    const found = await Promise.all(Array.from({ length: 200 }, () => thingsboard.deviceById(deviceId)));
    expect(found.every(Boolean)).toBe(true);
    expect(breaches).toBeLessThan(100);
});

test("no more than eight in flight, four of them deletes, counted over all clients of a server", async () => {
    let inFlight = 0;
    let deletes = 0;
    let most = 0;
    let mostDeletes = 0;
    const server = await serve(async ({ method }) => {
        most = Math.max(most, ++inFlight);
        if (method === "DELETE") mostDeletes = Math.max(mostDeletes, ++deletes);
        await new Promise(resolve => setImmediate(resolve));
        inFlight--;
        if (method === "DELETE") deletes--;
        return method === "DELETE" ? {} : { body: device("pump-1") };
    });
    const clients = [client(server.url), client(server.url), client(server.url)];
    await Promise.all(Array.from({ length: 90 }, (_, i) => (i % 2 ? clients[i % 3]!.deviceById(deviceId) : clients[i % 3]!.deleteDevice(deviceId))));
    expect(most).toBeLessThanOrEqual(8);
    expect(most).toBeGreaterThan(4);
    expect(mostDeletes).toBeLessThanOrEqual(4);
    expect(server.connections()).toBeLessThanOrEqual(24);
});
