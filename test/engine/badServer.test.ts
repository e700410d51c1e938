// Which ThingsBoard, and as whom: each mistake has a sentence, and nothing is made on the server.

import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { daysFromNow, issue } from "../unit/mqtt/certificates";
import { emulated, own } from "./support/live";
import { type ProxyOptions, type ReverseProxy, reverseProxy } from "./support/reverseProxy";
import { expectNoStackOfOurs, failure, tb, testStack } from "./support/stack";
import { type ThingsBoardUnderTest, emulatedThingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await emulatedThingsBoard();
});
afterAll(() => server.stop());

const devicesOf = async (thingsBoard: ThingsBoardUnderTest) =>
    (await thingsBoard.call<{ data: { name: string }[] }>("GET", "/api/tenant/devices?pageSize=100&page=0")).data.map(({ name }) => name);

const oneDevice = async () => void new tb.Device("d", { name: own("never-made") });

/** What is wrong with the environment alone is known before anything is sent. */
test.each([
    [{}, "no ThingsBoard is configured: give a Provider with url and apiKey (or username and password), or set them in stack config"],
    [{ THINGSBOARD_URL: "https://tb.example.com", THINGSBOARD_API_KEY: "tb_x", THINGSBOARD_PASSWORD: "the-password" }, "the environment has both apiKey and username or password: give one of the two"],
    [{ THINGSBOARD_URL: "https://tb.example.com", THINGSBOARD_API_KEY: "tb_x", THINGSBOARD_MQTT_HOST: "mqtts://tb.example.com:8883" }, 'mqttHost is "mqtts://tb.example.com:8883": expected a name or an address alone'],
    [{ THINGSBOARD_URL: "https://tb.example.com", THINGSBOARD_API_KEY: "tb_x", THINGSBOARD_MQTT_CA_PEM: "ca.pem" }, 'mqttCaPem holds no PEM certificate: it must begin with "-----BEGIN CERTIFICATE-----"'],
])("preview says what the environment lacks (%#)", async (environment, sentence) => {
    const stack = await testStack({ environment }, oneDevice);
    const text = await failure(stack.preview());
    expect(text).toContain(sentence);
    expect(text).not.toContain("the-password");
    expect(text).not.toMatch(/^\s+at /m);
});

test("a key in stack config does not travel to the server of the environment", async () => {
    const stack = await testStack({ environment: { THINGSBOARD_URL: "https://production.example.com", THINGSBOARD_API_KEY: "tb_production" } }, oneDevice);
    await stack.setConfig("thingsboard:apiKey", { value: "tb_staging", secret: true });
    const text = await failure(stack.preview());
    expect(text).toContain("url is missing: the Provider or stack config has credentials for ThingsBoard but does not say which server they are for (URL and credentials come from the same source)");
    expect(text).not.toContain("tb_staging");
});

test("a Provider says in the program what it lacks", async () => {
    const stack = await testStack({ environment: {} }, async () => void new tb.Provider("eu", { apiKey: "tb_secret" }));
    const text = await failure(stack.preview());
    expect(text).toContain('Provider "eu": url is missing');
    expect(text).not.toContain("tb_secret");
    expect(text).not.toMatch(/^\s+at /m);
});

/** A deployment to many servers at once, each wrong in its own way; every error is read. */
emulated.test("what only the server can tell is said once, for the device that needed it", async () => {
    const proxies: ReverseProxy[] = [];
    const proxy = async (options?: ProxyOptions) => {
        const made = await reverseProxy(server.provider.url, options);
        proxies.push(made);
        return made;
    };
    onTestFinished(async () => void (await Promise.all(proxies.map(made => made.stop()))));
    const old = await emulatedThingsBoard({ version: "3.8" });
    const full = await emulatedThingsBoard({ limits: { maxDevices: 1 } });
    await full.call("POST", "/api/device", { name: own("the-only-one") });
    onTestFinished(async () => void (await Promise.all([old.stop(), full.stop()])));
    const ca = issue("CA", { authority: true });
    const { apiKey } = server.provider as { apiKey: string };
    const json = { "Content-Type": "application/json" };
    const page: ProxyOptions = { plain: true, answer: (_request, response) => void response.writeHead(200, { "Content-Type": "text/html" }).end("<html>Welcome</html>") === undefined };
    const login: ProxyOptions = { plain: true, answer: (_request, response) => void response.writeHead(302, { Location: "https://login.example.com/" }).end() === undefined };
    const secondFactor: ProxyOptions = {
        plain: true,
        answer: ({ url }, response) => url === "/api/auth/login" && void response.writeHead(200, json).end('{"token":"a.b.c","refreshToken":null,"scope":"PRE_VERIFICATION_TOKEN"}') === undefined,
    };
    let refusals = 2;
    const busy: ProxyOptions = {
        plain: true,
        answer: (_request, response) => refusals-- > 0 && void response.writeHead(429, json).end('{"status":429,"message":"Too many requests for current tenant!","errorCode":33,"timestamp":1}') === undefined,
    };
    const counted = await proxy({ plain: true });
    const trusted = await proxy();
    const password = "wrong-and-secret";
    const providers: Record<string, ConstructorParameters<typeof tb.Provider>[1]> = {
        password: { url: counted.url, username: "tenant@thingsboard.org", password },
        secondFactor: { url: (await proxy(secondFactor)).url, username: "tenant@thingsboard.org", password: "tenant" },
        oldServer: { url: old.provider.url, apiKey: "tb_key_of_another_server" },
        wrongKey: { url: server.provider.url, apiKey: "tb_key_that_was_deleted" },
        customerUser: { url: server.provider.url, username: "customer@thingsboard.org", password: "customer" },
        limit: { url: full.provider.url, apiKey: full.emulator.apiKey },
        nobody: { url: "http://127.0.0.1:1", apiKey },
        noName: { url: "https://thingsboard.invalid", apiKey },
        privateCa: { url: (await proxy()).url, apiKey },
        otherHost: { url: (await proxy({ identity: issue("proxy", { issuer: ca, names: ["thingsboard.example.com"] }) })).url, apiKey, caPem: ca.certificatePem },
        expired: { url: (await proxy({ identity: issue("proxy", { issuer: ca, names: ["127.0.0.1"], notAfter: daysFromNow(-0.1) }) })).url, apiKey, caPem: ca.certificatePem },
        wantsTls: { url: (await proxy()).url.replace("https:", "http:"), apiKey },
        noTls: { url: server.provider.url.replace("http:", "https:"), apiKey },
        page: { url: (await proxy(page)).url, apiKey },
        login: { url: (await proxy(login)).url, apiKey },
        path: { url: `${server.provider.url}/api`, apiKey },
        // These two work.
        trusted: { url: trusted.url, apiKey, caPem: trusted.caPem },
        busy: { url: (await proxy(busy)).url, apiKey },
    };
    const stack = await testStack({ environment: {} }, async () => {
        for (const [name, args] of Object.entries(providers)) {
            const provider = new tb.Provider(name, args);
            for (const number of name === "password" ? [1, 2, 3] : [1]) new tb.Device(`${name}-${number}`, { name: own(`${name}-${number}`) }, { provider });
        }
    });
    const text = await failure(stack.up({ continueOnError: true }));

    const said = (name: string, sentence: string | RegExp) => {
        const start = `device "${own(`${name}-1`)}": `;
        const line = text.split("\n").find(line => line.includes(`error: ${start}`));
        expect(line, `what is said of ${name}:\n${text}`).toBeDefined();
        if (typeof sentence === "string") expect(line).toContain(start + sentence);
        else expect(line!.slice(line!.indexOf(start) + start.length)).toMatch(sentence);
    };
    said("password", /ThingsBoard says "Invalid username or password" \(401\): correct username and password; they are not tried again/);
    said("secondFactor", /the user has two-factor authentication: give an API key \(ThingsBoard 4\.3 and later\), or a user for automation that has no second factor/);
    said("oldServer", /this is ThingsBoard 3\.8\.1, and API keys need 4\.3 or later: give username and password/);
    said("wrongKey", /the API key is wrong, was deleted or is of another server/);
    said("customerUser", /You don't have permission to perform this operation!" \(403\): the user needs the rights of a tenant administrator/);
    said("limit", /ThingsBoard says "Devices limit reached" \(403\): the tenant has as many devices as it may have \(1\): remove some, or have the limit raised/);
    said("nobody", "cannot read the device: 127.0.0.1:1 refuses the connection: is ThingsBoard running, and is the port right?");
    said("noName", /the name thingsboard\.invalid can't be resolved \(\w+\): correct the url, or the DNS of this machine/);
    said("privateCa", /the certificate of 127\.0\.0\.1:\d+ is of a CA that is not trusted here: give that CA's certificate as caPem/);
    said("otherHost", /the certificate of 127\.0\.0\.1:\d+ is for another host: use the host name that stands in the certificate/);
    said("expired", /the certificate of 127\.0\.0\.1:\d+ has expired or is not valid yet: renew it, or correct this machine's clock/);
    said("wantsTls", /the connection to 127\.0\.0\.1:\d+ broke off \(\w+\): if the server wants TLS, write https:\/\//);
    said("noTls", /127\.0\.0\.1:\d+ doesn't speak TLS: correct the port, or write http:\/\//);
    said("page", /127\.0\.0\.1:\d+ answers with a web page: is http:\/\/127\.0\.0\.1:\d+ the address of ThingsBoard's web interface/);
    said("login", /redirects to https:\/\/login\.example\.com \(302\): credentials don't follow redirects/);
    said("path", /is too old, or another edition, or http:\/\/127\.0\.0\.1:\d+\/api is not its address/);
    // Waited for, and told while waiting.
    expect(text).toMatch(/device "\S+busy-1": cannot read the device: ThingsBoard says "Too many requests for current tenant!" \(429\): the tenant's limit of requests is used up, which is not the limit of devices: wait, or lower rateLimit \(trying again in \d/);

    // Three devices, one attempt: ThingsBoard may lock a user after some wrong passwords.
    expect(counted.requests.filter(request => request === "POST /api/auth/login")).toHaveLength(1);
    for (const secret of [password, apiKey, "tb_key_that_was_deleted"]) expect(text).not.toContain(secret);
    expectNoStackOfOurs(text);
    expect((await devicesOf(server)).sort()).toEqual([own("busy-1"), own("trusted-1")]);
    expect([...(await devicesOf(old)), ...(await devicesOf(full))]).toEqual([own("the-only-one")]);
});
