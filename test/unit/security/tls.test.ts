// NODE_TLS_REJECT_UNAUTHORIZED=0 in the plugin's environment: Node then takes any certificate, and this package does not.

import { createServer as createTlsServer } from "node:https";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { publishCheck } from "../../../sdk/mqtt/publishCheck";
import { fetchServerChain } from "../../../sdk/mqtt/serverChain";
import type { ApiError } from "../../../sdk/thingsboard";
import { issue } from "../mqtt/certificates";
import { mqttServer } from "../mqtt/scriptedServer";
import { client, deviceId, errorOf, listen, serve } from "../thingsboard/support";

const stranger = issue("Stranger", { authority: true });
const { certificatePem: cert, privateKeyPem: key } = issue("127.0.0.1", { issuer: stranger, names: ["127.0.0.1", "thingsboard.test"] });
const otherHost = issue("elsewhere.test", { issuer: stranger, names: ["elsewhere.test"] });
const device = issue("pump-1");

beforeEach(() => void vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0"));
afterEach(() => void vi.unstubAllEnvs());

/** Takes whoever comes, and remembers what it was told. */
async function nosyProxy() {
    const heard: string[] = [];
    const proxy = createTlsServer({ cert, key }, (request, response) => {
        heard.push(`${request.method} ${JSON.stringify(request.headers)}`);
        response.end();
    });
    proxy.on("connect", (request, socket) => {
        heard.push(`CONNECT ${JSON.stringify(request.headers)}`);
        socket.end("HTTP/1.1 502 No\r\n\r\n");
    });
    const port = await listen(proxy);
    onTestFinished(() => void (proxy.closeAllConnections(), proxy.close()));
    return { heard, url: `https://joe:proxy-password@127.0.0.1:${port}` };
}

describe("REST", () => {
    test("an untrusted server hears nothing", async () => {
        const server = await serve(() => ({ body: {} }), { cert, key });
        expect(await errorOf(client(server.url).deviceById(deviceId))).toMatchObject({ kind: "untrusted" });
        expect(await errorOf(client(server.url, { credentials: { username: "u", password: "a-long-password" } }).deviceById(deviceId))).toMatchObject({ kind: "untrusted" });
        expect(server.received).toEqual([]);
    });

    test("nor does one that is trusted for another host", async () => {
        const server = await serve(() => ({ body: {} }), { cert: otherHost.certificatePem, key: otherHost.privateKeyPem });
        expect(await errorOf(client(server.url, { caPem: stranger.certificatePem }).deviceById(deviceId))).toMatchObject({ kind: "untrusted", message: expect.stringContaining("for another host") as string });
        expect(server.received).toEqual([]);
    });

    test.each(["https://thingsboard.test", "http://thingsboard.test"])("an untrusted proxy on the way to %s gets neither its password nor ours", async url => {
        const proxy = await nosyProxy();
        const environment = { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url };
        const error = (await errorOf(client(url, { allowInsecureHttp: true }, { environment }).deviceById(deviceId))) as ApiError;
        expect(error.kind).toMatch(/^(unreachable|untrusted)$/);
        expect(proxy.heard).toEqual([]);
        expect(error.message + error.stack).not.toMatch(/proxy-password/);
    });
});

describe("MQTT", () => {
    const target = { certificatePem: device.certificatePem, privateKeyPem: device.privateKeyPem, timeoutSeconds: 5 } as const;

    test("the publish check refuses an untrusted server before it presents anything", async () => {
        let connects = 0;
        const server = await mqttServer({ ...stranger, certificatePem: cert, privateKeyPem: key }, { connect: () => connects++ });
        onTestFinished(() => server.close());
        const other = issue("Other", { authority: true });
        expect(await publishCheck({ ...target, mode: "publish", host: server.host, port: server.port, payload: "{}", caPem: other.certificatePem })).toMatchObject({ ok: false, stage: "tls-server", fault: "untrusted" });
        await server.idle();
        expect(connects).toBe(0);
    });

    test("and one that is trusted for another host", async () => {
        let connects = 0;
        const server = await mqttServer(otherHost, { connect: () => connects++ });
        onTestFinished(() => server.close());
        expect(await publishCheck({ ...target, mode: "publish", host: server.host, port: server.port, payload: "{}", caPem: stranger.certificatePem })).toMatchObject({ ok: false, stage: "tls-server", fault: "wrong-host" });
        await server.idle();
        expect(connects).toBe(0);
    });

    test("a chain is fetched only if it is trusted or pinned", async () => {
        const server = await mqttServer({ ...stranger, certificatePem: cert, privateKeyPem: key });
        onTestFinished(() => server.close());
        await expect(fetchServerChain({ host: server.host, port: server.port })).rejects.toThrow("is not trusted");
        await expect(fetchServerChain({ host: server.host, port: server.port, fingerprint: "00".repeat(32) })).rejects.toThrow("and not the pinned");
    });
});

test("a percent sign in a proxy's password is no reason to break", async () => {
    vi.unstubAllEnvs();
    const environment = { HTTPS_PROXY: "http://joe:100%25%zz@127.0.0.1:1" };
    const error = (await errorOf(client("https://thingsboard.test", {}, { environment }).deviceById(deviceId))) as ApiError;
    expect(error.message).toContain("the proxy makes no connection to thingsboard.test (ECONNREFUSED)");
});
