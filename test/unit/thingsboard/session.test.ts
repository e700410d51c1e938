import { describe, expect, test } from "vitest";
import type { ApiError } from "../../../sdk/thingsboard";
import { renewalTime } from "../../../sdk/thingsboard/session";
import { type Behaviour, client, device, deviceId, errorOf, refusal, type Reply, serve, testClock } from "./support";

const password = "correct-horse-battery";
const user = { credentials: { username: "tenant@thingsboard.org", password } };
const path = `/api/device/${deviceId}`;

/** ThingsBoard with log-in number n giving token n, and one device. */
function withLogin(logIn: (n: number) => Reply, read: Behaviour = () => ({ body: device("pump-1") })): Behaviour {
    let logins = 0;
    let reads = 0;
    return request => (request.path === "/api/auth/login" ? logIn(++logins) : read(request, ++reads));
}

function token(name: string, lifetime = 9_000): string {
    const claims = { sub: name, iat: 1_000, exp: 1_000 + lifetime };
    return ["{}", JSON.stringify(claims), "signature"].map(text => Buffer.from(text).toString("base64url")).join(".");
}

const good = (n: number, lifetime?: number): Reply => ({ body: { token: token(`${n}`, lifetime), refreshToken: "r" } });

test("an API key goes along with each call, and nothing else is asked", async () => {
    const server = await serve(() => ({ body: device("pump-1") }));
    await client(server.url).deviceById(deviceId);
    expect(server.received).toMatchObject([{ method: "GET", path, authorization: "ApiKey tb_this-is-the-api-key-of-the-tests" }]);
});

describe("user and password", () => {
    test("nothing is sent before the first call; then many calls share one log-in", async () => {
        const server = await serve(withLogin(n => good(n)));
        const thingsboard = client(server.url, user);
        expect(server.received).toEqual([]);
        await Promise.all(Array.from({ length: 20 }, () => thingsboard.deviceById(deviceId)));
        expect(server.received.filter(one => one.path === "/api/auth/login")).toHaveLength(1);
        expect(JSON.parse(server.received[0]?.body ?? "")).toEqual({ username: "tenant@thingsboard.org", password });
        expect(server.received[1]?.authorization).toBe(`Bearer ${token("1")}`);
    });

    test("a refused log-in is said to each call and never repeated, also not by another client", async () => {
        const server = await serve(() => refusal(401, 10, "Invalid username or password"));
        const attempts = [client(server.url, user), client(server.url, user)].flatMap(one => [one.deviceById(deviceId), one.credentials(deviceId)]);
        for (const attempt of await Promise.allSettled(attempts)) {
            expect(attempt).toMatchObject({ status: "rejected", reason: { kind: "unauthorized", status: 401 } });
        }
        const error = (await errorOf(client(server.url, user).about('device "pump-1"').deviceById(deviceId))) as ApiError;
        expect(server.received.length).toBeLessThanOrEqual(2);
        expect(error.message).toBe(
            `device "pump-1": cannot read the device: ThingsBoard ${server.url}: cannot log in: ThingsBoard says "Invalid username or password" (401): ` +
                "correct username and password; they are not tried again, since ThingsBoard may lock the user",
        );
    });

    test("another password is another log-in", async () => {
        const server = await serve(withLogin(n => (n === 1 ? refusal(401, 10, "Invalid username or password") : good(n))));
        await errorOf(client(server.url, user).deviceById(deviceId));
        const corrected = client(server.url, { credentials: { username: "tenant@thingsboard.org", password: "another" } });
        expect(await corrected.deviceById(deviceId)).toBeDefined();
    });

    test("a log-in that got lost is made again by the calls that wait for it", async () => {
        const server = await serve(withLogin(n => (n === 1 ? { drop: true } : n === 2 ? { status: 503 } : good(n))));
        const thingsboard = client(server.url, user);
        const created = thingsboard.saveDevice(device("pump-1") as never);
        expect((await Promise.all([created, thingsboard.deviceById(deviceId)])).map(found => found?.name)).toEqual(["pump-1", "pump-1"]);
    });

    test("an expired token is renewed once for all calls in flight", async () => {
        const server = await serve(
            withLogin(good, ({ authorization }) => (authorization === `Bearer ${token("1")}` ? refusal(401, 11, "Token has expired") : { body: device("pump-1") })),
        );
        const thingsboard = client(server.url, user);
        const found = await Promise.all(Array.from({ length: 20 }, () => thingsboard.deviceById(deviceId)));
        expect(found).toHaveLength(20);
        expect(server.received.filter(one => one.path === "/api/auth/login")).toHaveLength(2);
    });

    test("a token that is expired at once is no endless loop", async () => {
        const server = await serve(withLogin(good, () => refusal(401, 11, "Token has expired")));
        expect(await errorOf(client(server.url, user).deviceById(deviceId))).toMatchObject({ kind: "unauthorized", errorCode: 11 });
        expect(server.received).toHaveLength(4);
    });

    test("a token is renewed before it expires", async () => {
        const server = await serve(withLogin(n => good(n, 100)));
        const clock = testClock();
        const thingsboard = client(server.url, user, { clock });
        await thingsboard.deviceById(deviceId);
        clock.advance(89_000);
        await thingsboard.deviceById(deviceId);
        clock.advance(1_500);
        await thingsboard.deviceById(deviceId);
        expect(server.received.map(one => one.path)).toEqual(["/api/auth/login", path, path, "/api/auth/login", path]);
    });

    test.each([
        ["PRE_VERIFICATION_TOKEN", /the user has two-factor authentication: give an API key/],
        ["MFA_CONFIGURATION_TOKEN", /has to set up two-factor authentication first: give an API key/],
    ])("%s is not taken for a token", async (scope, message) => {
        const server = await serve(() => ({ body: { token: token("half"), refreshToken: null, scope } }));
        const thingsboard = client(server.url, user);
        await errorOf(thingsboard.deviceById(deviceId));
        expect(await errorOf(thingsboard.deviceById(deviceId))).toMatchObject({ kind: "unauthorized", message: expect.stringMatching(message) });
        expect(server.received).toHaveLength(1);
    });

    test("an expired password: the answer holds a secret, which is not told", async () => {
        const server = await serve(() => refusal(401, 15, "User password expired!", { resetToken: "the-reset-token" }));
        const error = (await errorOf(client(server.url, user).deviceById(deviceId))) as ApiError;
        expect(error.message).toMatch(/password has expired/);
        expect(JSON.stringify(error) + error.stack).not.toMatch(/the-reset-token/);
    });

    test("no log-in at this address", async () => {
        const server = await serve(() => refusal(404, 32, "No static resource foo/api/auth/login."));
        expect(await errorOf(client(`${server.url}/foo`, user).deviceById(deviceId))).toMatchObject({ kind: "unsupported", message: expect.stringContaining("/foo is not its address") });
    });
});

describe("an API key is refused", () => {
    const refuse = (version: string | undefined): Behaviour =>
        ({ path }) => {
            if (path !== "/actuator/info") return refusal(401, 10, "Invalid username or password");
            return version === undefined ? { status: 404, body: "<html></html>" } : { body: { build: { version } } };
        };

    test.each([
        ["4.2.1", /this is ThingsBoard 4\.2\.1, and API keys need 4\.3 or later: give username and password/],
        ["3.9.1", /this is ThingsBoard 3\.9\.1, and API keys need 4\.3/],
        ["4.3.1.3", /the API key is wrong, was deleted or is of another server/],
        ["4.10.0", /the API key is wrong/],
        [undefined, /the API key is wrong.*API keys need ThingsBoard 4\.3 or later/],
    ])("by version %s", async (version, message) => {
        const server = await serve(refuse(version));
        expect(await errorOf(client(server.url).deviceById(deviceId))).toMatchObject({ kind: "unauthorized", message: expect.stringMatching(message) });
        expect(server.received.find(one => one.path === "/actuator/info")?.authorization).toBeUndefined();
    });

    test.each([
        ["API key is expired", /make a new API key/],
        ["User account is not active", /disabled, or was never activated/],
    ])("%s", async (text, message) => {
        const server = await serve(() => refusal(401, 10, text));
        expect(await errorOf(client(server.url).deviceById(deviceId))).toMatchObject({ message: expect.stringMatching(message) });
    });
});

test("how long a token lives is read from the token", () => {
    expect(renewalTime(token("a", 9_000), 0)).toBe(8_940_000);
    expect(renewalTime(token("a", 100), 5)).toBe(90_005);
    for (const odd of ["", "a.b.c", "..", `a.${Buffer.from("null").toString("base64url")}.c`, token("a", -5)]) expect(renewalTime(odd, 0)).toBe(Infinity);
});
