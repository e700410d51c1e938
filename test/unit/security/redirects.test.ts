// A server that sends the caller elsewhere: neither key nor password nor anything else goes along.

import { describe, expect, test } from "vitest";
import type { ApiError } from "../../../sdk/thingsboard";
import { issue } from "../mqtt/certificates";
import { apiKey, client, deviceId, errorOf, serve, type TestServer } from "../thingsboard/support";

const ca = issue("Test CA", { authority: true });
const own = issue("127.0.0.1", { issuer: ca, names: ["127.0.0.1", "localhost"] });
const password = "a-password-that-is-long";

const start = (scheme: "http" | "https", behaviour: Parameters<typeof serve>[0]): Promise<TestServer> =>
    serve(behaviour, scheme === "https" ? { cert: own.certificatePem, key: own.privateKeyPem } : undefined);

const statuses = [301, 302, 303, 307, 308];
const ways = [["http", "http"], ["http", "https"], ["https", "http"], ["https", "https"]] as const;

describe.each(ways)("from %s to %s", (from, to) => {
    test.each(statuses)("%i", async status => {
        // Were it followed, the other server would be glad to answer.
        const other = await start(to, ({ path }) => ({ body: path.endsWith("login") ? { token: "a.b.c", refreshToken: "d.e.f" } : { id: { entityType: "DEVICE", id: deviceId }, name: "pump-1" } }));
        const server = await start(from, ({ path }) => ({ status, headers: { Location: `${other.url}${path}?key=secret-path` } }));
        const withKey = client(server.url, { caPem: ca.certificatePem });
        const withPassword = client(server.url, { caPem: ca.certificatePem, credentials: { username: "tenant@example.com", password } });
        const calls = [
            () => withKey.deviceById(deviceId),
            () => withKey.createDevice({ name: "pump-1" }, () => false),
            () => withKey.deleteDevice(deviceId),
            () => withPassword.deviceById(deviceId),
        ];
        for (const call of calls) {
            const error = (await errorOf(call())) as ApiError;
            expect(error).toMatchObject({ kind: "notThingsBoard", status });
            expect(error.message).toContain(`${new URL(server.url).host} redirects to ${new URL(other.url).origin} (${status})`);
            expect(error.message).not.toMatch(/secret-path/);
            expect(error.message).not.toContain(apiKey);
            expect(error.message).not.toContain(password);
        }
        expect(server.received.map(({ method, path }) => `${method} ${path}`)).toEqual([`GET /api/device/${deviceId}`, "POST /api/device", `DELETE /api/device/${deviceId}`, "POST /api/auth/login"]);
        expect(other.connections()).toBe(0);
        expect(other.received).toEqual([]);
    });
});

test.each(["//evil.example/x", "https://joe:pw@evil.example", "javascript:alert(1)", "ldap://evil.example/x", "http://[::1", "\\\\evil.example", "https://evil.example\\.tb.example"])("the address %s in a redirect is told in one line, at most by its origin", async location => {
    const server = await serve(() => ({ status: 302, headers: { Location: location } }));
    const { message } = (await errorOf(client(server.url).deviceById(deviceId))) as ApiError;
    expect(message).toMatch(/^device [\w-]+: .* redirects to (another page of its own|https?:\/\/evil\.example|ldap:\/\/evil\.example|javascript:\/\/) \(302\): /);
    expect(message).not.toMatch(/pw@|alert/);
});

test("another port of the same host is another origin", async () => {
    const other = await serve(() => ({ body: {} }));
    const server = await serve(() => ({ status: 307, headers: { Location: `${other.url}/api/auth/login` } }));
    await errorOf(client(server.url, { credentials: { username: "u", password } }).deviceById(deviceId));
    expect(other.connections()).toBe(0);
});
