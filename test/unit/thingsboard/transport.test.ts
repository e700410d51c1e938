import { createServer, request as httpRequest } from "node:http";
import { connect as tcpConnect, createServer as createTcpServer } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { ApiError } from "../../../sdk/thingsboard";
import { daysFromNow, issue, type Wanted } from "../mqtt/certificates";
import { apiKey, type Behaviour, client, device, deviceId, errorOf, listen, serve, type TestServer } from "./support";

const ca = issue("Test CA", { authority: true });
const found: Behaviour = () => ({ body: device("pump-1") });

function serveTls(names: readonly string[], wanted: Wanted = {}, behaviour = found): Promise<TestServer> {
    const { certificatePem, privateKeyPem } = issue("server", { issuer: ca, names, ...wanted });
    return serve(behaviour, { cert: certificatePem, key: privateKeyPem });
}

describe("trust", () => {
    test("a private CA is trusted when given as caPem, over connections that are kept", async () => {
        const server = await serveTls(["127.0.0.1"]);
        const thingsboard = client(server.url, { caPem: ca.certificatePem });
        for (let i = 0; i < 5; i++) expect((await thingsboard.deviceById(deviceId))?.name).toBe("pump-1");
        expect(server.connections()).toBe(1);
    });

    test.each([
        ["a private CA", ["127.0.0.1"], {}, false, /of a CA that is not trusted here: give that CA's certificate as caPem/],
        ["another private CA", ["127.0.0.1"], { issuer: issue("Other CA", { authority: true }) }, true, /not trusted here: give that CA's/],
        ["another host", ["example.com"], {}, true, /is for another host: use the host name that stands in the certificate/],
        ["an expired certificate", ["127.0.0.1"], { notAfter: daysFromNow(-0.5) }, true, /has expired or is not valid yet/],
        ["a certificate of tomorrow", ["127.0.0.1"], { notBefore: daysFromNow(1) }, true, /has expired or is not valid yet/],
    ])("%s", async (_case, names, wanted, caGiven, message) => {
        const server = await serveTls(names, wanted);
        const error = await errorOf(client(server.url, caGiven ? { caPem: ca.certificatePem } : {}).deviceById(deviceId));
        expect(error).toMatchObject({ kind: "untrusted", mayHaveHappened: false, message: expect.stringMatching(message) });
        expect(server.received).toEqual([]);
    });

    test("can't be switched off by the environment", async () => {
        vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
        onTestFinished(() => void vi.unstubAllEnvs());
        const server = await serveTls(["127.0.0.1"]);
        expect(await errorOf(client(server.url).deviceById(deviceId))).toMatchObject({ kind: "untrusted" });
    });
});

describe("somebody else answers", () => {
    test.each([
        [302, "https://login.example.com/start?return=secret-path", /redirects to https:\/\/login\.example\.com \(302\): credentials don't follow/],
        [302, "/oauth2Login", /redirects to another page of its own \(302\)/],
        [301, "not a url at all://", /redirects to another page of its own/],
    ])("a redirect (%i to %s) is not followed", async (status, location, message) => {
        const target = await serve(found);
        const server = await serve(() => ({ status, headers: { Location: location.replace("HERE", target.url) } }));
        const error = (await errorOf(client(server.url).deviceById(deviceId))) as ApiError;
        expect(error).toMatchObject({ kind: "notThingsBoard", status, message: expect.stringMatching(message) });
        expect(error.message).not.toMatch(/secret-path/);
        expect(server.received).toHaveLength(1);
    });

    test("a redirect to https of the same host says which url to write", async () => {
        const server = await serve(() => ({ status: 301, headers: { Location: "https://127.0.0.1/api" } }));
        expect(await errorOf(client(server.url).deviceById(deviceId))).toMatchObject({ message: expect.stringContaining("write https://127.0.0.1 as the url") });
    });

    const page = "<!doctype html><title>Sign in</title>";
    test.each([
        ["a page with 200", 200, page, /with a web page: is .* the address of ThingsBoard's web interface/],
        ["a page with 404 is no missing device", 404, page, /answers 404 with a web page/],
        ["a page with 403", 403, page, /answers 403 with a web page/],
        ["an empty answer", 200, "", /something that isn't ThingsBoard's/],
        ["an empty 404", 404, "", /answers 404 and nothing else/],
        ["other JSON", 200, { hello: "world" }, /something that isn't ThingsBoard's/],
        ["other JSON with 404", 404, { error: "no" }, /something that isn't ThingsBoard's/],
        ["half an answer", 200, '{"id":{"id":"', /something that isn't ThingsBoard's/],
    ])("%s", async (_case, status, body, message) => {
        const server = await serve(() => ({ status, body }));
        const thingsboard = client(server.url);
        expect(await errorOf(thingsboard.deviceById(deviceId))).toMatchObject({ kind: "notThingsBoard", message: expect.stringMatching(message) });
        expect(server.received).toHaveLength(1);
    });

    test("a page that answers a delete is no success", async () => {
        const server = await serve(() => ({ body: page }));
        expect(await errorOf(client(server.url).deleteDevice(deviceId))).toMatchObject({ kind: "notThingsBoard", mayHaveHappened: true });
    });

    test("an answer without end is cut off", async () => {
        const server = await serve(() => ({ body: JSON.stringify({ name: "x".repeat(17 * 1024 * 1024) }) }));
        expect(await errorOf(client(server.url).deviceById(deviceId))).toMatchObject({ kind: "notThingsBoard", message: expect.stringContaining("larger than 16 MiB") });
    });

    test("the second of two equal keys counts, as ThingsBoard 4.3.1.2 and later send them", async () => {
        const server = await serve(() => ({ body: `{"id":{"id":"${deviceId}"},"name":"pump-1","deviceData":{"configuration":{"type":"DEFAULT","type":"DEFAULT"}}}` }));
        expect(await client(server.url).deviceById(deviceId)).toMatchObject({ name: "pump-1", deviceData: { configuration: { type: "DEFAULT" } } });
    });
});

describe("nobody answers", () => {
    test("a closed port: three tries, then the news", async () => {
        const port = await closedPort();
        const log: string[] = [];
        const error = await errorOf(client(`http://127.0.0.1:${port}`, {}, { log: line => log.push(line) }).deviceById(deviceId));
        expect(error).toMatchObject({ kind: "unreachable", mayHaveHappened: false, message: expect.stringContaining("refuses the connection: is ThingsBoard running") });
        expect(log).toHaveLength(2);
        expect(log[0]).toMatch(/\(trying again in 1\.0 s\)$/);
    });

    test("an unknown name", async () => {
        // Too long a label: the resolver says no without asking the network.
        const host = `${"a".repeat(64)}.example`;
        const error = await errorOf(client(`https://${host}`).deviceById(deviceId));
        expect(error).toMatchObject({ kind: "unreachable", message: expect.stringContaining(`the name ${host} can't be resolved (ENOTFOUND): correct the url`) });
    });

    test("silence", async () => {
        const server = await serve(() => ({ hang: true }));
        const error = await errorOf(client(server.url, { timeout: 0.05 }).deviceById(deviceId));
        expect(error).toMatchObject({ kind: "timeout", mayHaveHappened: true, message: expect.stringContaining("didn't answer in time") });
        expect(server.received).toHaveLength(3);
    });

    test("silence, for a time that is no whole number of milliseconds", async () => {
        const server = await serve(() => ({ hang: true }));
        expect(await errorOf(client(server.url, { timeout: 0.0501 }).deviceById(deviceId))).toMatchObject({ kind: "timeout" });
        expect(server.received).toHaveLength(3);
    });

    test("an answer that trickles is bounded by the same time", async () => {
        const server = createServer((_request, response) => {
            response.writeHead(200, { "Content-Type": "application/json" });
            const trickle = setInterval(() => response.write(" "), 5);
            response.on("close", () => clearInterval(trickle));
        });
        const port = await listen(server);
        onTestFinished(() => void server.close());
        expect(await errorOf(client(`http://127.0.0.1:${port}`, { timeout: 0.06 }).deviceById(deviceId))).toMatchObject({ kind: "timeout" });
    });

    test("TLS spoken to a server without", async () => {
        const server = await serve(found);
        const error = await errorOf(client(server.url.replace("http:", "https:")).deviceById(deviceId));
        expect(error).toMatchObject({ kind: "notThingsBoard", message: expect.stringContaining("doesn't speak TLS: correct the port, or write http://") });
    });

    test("no TLS spoken to a server that wants it", async () => {
        const server = await serveTls(["127.0.0.1"]);
        const error = await errorOf(client(server.url.replace("https:", "http:")).deviceById(deviceId));
        expect(error).toMatchObject({ message: expect.stringMatching(/write https:\/\//) });
    });

    test("no TLS spoken to nginx, which says so", async () => {
        const server = await serve(() => ({ status: 400, body: "<html>The plain HTTP request was sent to HTTPS port</html>" }));
        const error = await errorOf(client(server.url).deviceById(deviceId));
        expect(error).toMatchObject({ message: expect.stringMatching(/wants TLS: write https:\/\/127\.0\.0\.1:\d+ as the url/) });
    });

    test("something that isn't HTTP", async () => {
        const server = createTcpServer(socket => socket.end("220 smtp.example.com ESMTP\r\n"));
        const port = await listen(server);
        onTestFinished(() => void server.close());
        expect(await errorOf(client(`http://127.0.0.1:${port}`).deviceById(deviceId))).toMatchObject({ kind: "notThingsBoard", message: expect.stringContaining("doesn't speak HTTP") });
    });
});

describe("a proxy", () => {
    const tunnelTo = "thingsboard.test";

    test("tunnels to a server of a private CA; tunnels are kept", async () => {
        const server = await serveTls([tunnelTo]);
        const proxy = await connectProxy(server.port);
        const environment = { HTTPS_PROXY: `http://joe:p%40ss@127.0.0.1:${proxy.port}` };
        const thingsboard = client(`https://${tunnelTo}`, { caPem: ca.certificatePem }, { environment });
        for (let i = 0; i < 4; i++) expect((await thingsboard.deviceById(deviceId))?.name).toBe("pump-1");
        await Promise.all(Array.from({ length: 6 }, () => thingsboard.deviceById(deviceId)));
        expect(proxy.asked.length).toBeLessThanOrEqual(6);
        expect(new Set(proxy.asked)).toEqual(new Set([`thingsboard.test:443 Basic ${btoa("joe:p@ss")}`]));
        expect(server.received[0]?.authorization).toBe(`ApiKey ${apiKey}`);
    });

    test("the server's certificate is judged inside of the tunnel", async () => {
        const server = await serveTls(["elsewhere.test"]);
        const proxy = await connectProxy(server.port);
        const environment = { https_proxy: `http://127.0.0.1:${proxy.port}` };
        const ask = (options: { caPem?: string }) => errorOf(client(`https://${tunnelTo}`, options, { environment }).deviceById(deviceId));
        expect(await ask({})).toMatchObject({ kind: "untrusted", message: expect.stringContaining("give that CA's certificate as caPem") });
        expect(await ask({ caPem: ca.certificatePem })).toMatchObject({ kind: "untrusted", message: expect.stringContaining("for another host") });
    });

    test("a proxy that refuses is named, its password is not", async () => {
        const proxy = await connectProxy(0, 407);
        const environment = { HTTPS_PROXY: `http://joe:proxy-password@127.0.0.1:${proxy.port}` };
        const error = (await errorOf(client(`https://${tunnelTo}`, {}, { environment }).deviceById(deviceId))) as ApiError;
        expect(error.message).toMatch(/the proxy makes no connection to thingsboard\.test \(status 407\): correct HTTPS_PROXY/);
        expect(error.message + error.stack).not.toMatch(/proxy-password/);
    });

    test("a proxy that isn't there", async () => {
        const environment = { ALL_PROXY: `127.0.0.1:${await closedPort()}` };
        expect(await errorOf(client(`https://${tunnelTo}`, {}, { environment }).deviceById(deviceId))).toMatchObject({
            kind: "unreachable",
            mayHaveHappened: false,
            message: expect.stringMatching(/the proxy makes no connection to thingsboard\.test \(ECONNREFUSED\)/),
        });
    });

    test("one of a kind that can't be used is said at once, and again where the server is not reached directly", async () => {
        const said: string[] = [];
        const thingsboard = client(`https://${tunnelTo}`, {}, { environment: { ALL_PROXY: "socks5://joe:proxy-password@127.0.0.1:1080" }, log: line => said.push(line) });
        const aside = "ALL_PROXY names a proxy of kind socks5, which can't be used here, so thingsboard.test is called directly";
        expect(said).toEqual([expect.stringContaining(`warning: ${aside}`)]);
        expect(await errorOf(thingsboard.deviceById(deviceId))).toMatchObject({ kind: "unreachable", message: expect.stringMatching(/the name thingsboard\.test can't be resolved .*; ALL_PROXY names a proxy of kind socks5/) });
        expect(said.join()).not.toContain("proxy-password");
    });

    test("without TLS the proxy is asked for the whole address", async () => {
        const server = await serve(found);
        const asked: string[] = [];
        const proxy = createServer((request, response) => {
            asked.push(request.url ?? "");
            const onward = httpRequest(server.url + new URL(request.url ?? "").pathname, { headers: request.headers }, answer => {
                response.writeHead(answer.statusCode ?? 0, answer.headers);
                answer.pipe(response);
            });
            onward.end();
        });
        const port = await listen(proxy);
        onTestFinished(() => void (proxy.closeAllConnections(), proxy.close()));
        const thingsboard = client("http://thingsboard.test", { allowInsecureHttp: true }, { environment: { HTTP_PROXY: `http://127.0.0.1:${port}` } });
        expect((await thingsboard.deviceById(deviceId))?.name).toBe("pump-1");
        expect(asked).toEqual([`http://thingsboard.test/api/device/${deviceId}`]);
    });

    test("is not asked for loopback", async () => {
        const server = await serve(found);
        const environment = { HTTP_PROXY: `http://127.0.0.1:${await closedPort()}` };
        expect((await client(server.url, {}, { environment }).deviceById(deviceId))?.name).toBe("pump-1");
    });
});

/** A proxy that connects to `target` on loopback, whatever host it is asked for. */
async function connectProxy(target: number, refuseWith?: number) {
    const asked: string[] = [];
    const proxy = createServer();
    proxy.on("connect", (request, socket) => {
        asked.push(`${request.url} ${request.headers["proxy-authorization"]}`);
        if (refuseWith) return socket.end(`HTTP/1.1 ${refuseWith} No\r\n\r\n`);
        const onward = tcpConnect(target, "127.0.0.1", () => {
            socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
            onward.pipe(socket).pipe(onward);
        });
        onward.on("error", () => socket.destroy());
        socket.on("error", () => onward.destroy());
        socket.on("close", () => onward.destroy());
    });
    const port = await listen(proxy);
    onTestFinished(() => void proxy.close());
    return { asked, port };
}

async function closedPort(): Promise<number> {
    const server = createTcpServer();
    const port = await listen(server);
    await new Promise(resolve => server.close(resolve));
    return port;
}
