// Text that somebody else chose - a server, a certificate, a device - reaches no log and no terminal as it came.

import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { diagnose } from "../../../sdk/mqtt/diagnosis";
import { publishCheck } from "../../../sdk/mqtt/publishCheck";
import { fetchServerChain } from "../../../sdk/mqtt/serverChain";
import { excerpt, printable, shown } from "../../../sdk/printable";
import { changedElsewhere } from "../../../sdk/reconcilers/drift";
import { refuseRevoked } from "../../../sdk/reconcilers/revoked";
import type { ApiError } from "../../../sdk/thingsboard";
import { UserError } from "../../../sdk/userError";
import { subjectOf } from "../../../sdk/x509/chain";
import { certificateId, readLeaf } from "../../../sdk/x509/leaf";
import { issue } from "../mqtt/certificates";
import { mqttServer } from "../mqtt/scriptedServer";
import { apiKey, client, device, deviceId, errorOf, refusal, serve } from "../thingsboard/support";

/** Colours and a new title for the terminal, a line of one's own in the log, text that runs backwards, C1 and DEL. */
const hostile = "\u001b[31mred\u001b]0;title\u0007\r\nerror: all is well\u202Edlrow\u2066\u009b2J\u007f\u0000\u2028\uFEFFend";
const obeyed = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}\uFEFF]/u;
const expectTame = (text: string, longest = 2000): void => {
    expect(text).not.toMatch(obeyed);
    expect(text.length).toBeLessThan(longest);
};

test("printable: one line that no terminal obeys; what is ordinary stays as it is, and twice is once", { timeout: 60_000 }, () => {
    expect(printable("pump 1, Пума, 泵 👨‍👩‍👧")).toBe("pump 1, Пума, 泵 👨‍👩‍👧");
    expect(printable("a\r\nb\tc\u001b[0m\u202E")).toBe("a b c\\u001b[0m\\u202e");
    fc.assert(
        fc.property(fc.string({ unit: "binary" }), text => {
            const once = printable(text);
            return !obeyed.test(once) && printable(once) === once && excerpt(text, 50).length <= 50 * 6;
        }),
    );
    // As JSON it still says the same.
    fc.assert(fc.property(fc.string({ unit: "binary" }), text => JSON.parse(printable(JSON.stringify({ text }))).text === text));
});

test("a value in a sentence is short, on one line, and never a private key", () => {
    expect([shown("pump-1"), shown(7), shown(undefined), shown({ a: [1] })]).toEqual(['"pump-1"', "7", "undefined", '{"a":[1]}']);
    expect(shown("x".repeat(3000))).toBe(`"${"x".repeat(60)}…"`);
    expect(shown("-----BEGIN PRIVATE KEY-----\nMIIE")).toBe("a private key");
    fc.assert(
        fc.property(fc.oneof(fc.anything(), fc.string({ unit: "binary", maxLength: 300 })), value => {
            expectTame(shown(value), 63 * 6);
        }),
    );
});

test("every sentence for the user is printable, whatever is quoted in it", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), name => !obeyed.test(new UserError(`device "${name}": no`).message)));
    expect(() => refuseRevoked({ [certificateId("x")]: hostile }, hostile, "x")).toThrow(/^device "\\u001b\[31mred/);
});

describe("a hostile ThingsBoard", () => {
    test.each([400, 401, 403, 404, 409, 429, 500])("its message with %i", async status => {
        const server = await serve(() => refusal(status, 31, hostile + "x".repeat(5000)));
        const error = (await errorOf(client(server.url).deviceById(deviceId).then(found => found ?? Promise.reject(new UserError("gone"))))) as ApiError;
        expectTame(error.message);
    });

    test("its reason phrase, headers and pages are not quoted at all", async () => {
        const server = await serve(() => ({ status: 418, headers: { "Content-Type": "text/html", "X-Evil": "evil" }, body: `<html>${hostile}` }));
        const { message } = (await errorOf(client(server.url).deviceById(deviceId))) as ApiError;
        expectTame(message, 400);
        expect(message).not.toMatch(/red|evil/);
    });

    test("values that it holds for us, in the words for drift", () => {
        const { changedElsewhere: words } = changedElsewhere({ label: `"${hostile}${"x".repeat(100_000)}"` });
        expectTame(words!["label"]!);
    });

    test("what is tried again is told in a line", async () => {
        const server = await serve((_request, number) => (number < 2 ? refusal(503, 2, hostile) : { body: device("pump-1") }));
        const lines: string[] = [];
        await client(server.url, {}, { log: line => lines.push(line) }).about(`device "${hostile}"`).deviceById(deviceId);
        expect(lines).toHaveLength(1);
        expectTame(lines[0]!);
    });
});

describe("a hostile MQTT server", () => {
    const ca = issue("Test CA", { authority: true });
    const evil = issue(hostile.replace("\0", ""), { issuer: ca, names: ["127.0.0.1"] });
    const own = issue("pump-1");
    const request = { mode: "publish", payload: "{}", certificatePem: own.certificatePem, privateKeyPem: own.privateKeyPem, timeoutSeconds: 5 } as const;

    async function told(identity: typeof evil, script: Parameters<typeof mqttServer>[1], caPem: string): Promise<string> {
        const server = await mqttServer(identity, script);
        onTestFinished(() => server.close());
        const outcome = await publishCheck({ ...request, host: server.host, port: server.port, caPem });
        await server.idle();
        return JSON.stringify(outcome) + diagnose(outcome, { deviceName: hostile, restHost: "tb.example" }).sentence;
    }

    test("the subject of its certificate", async () => {
        const text = await told(evil, {}, issue("Other", { authority: true }).certificatePem);
        expect(text).toContain('"fault":"untrusted"');
        expectTame(text, 6000);
    });

    test("its certificate's names", async () => {
        const text = await told(issue(hostile.replace("\0", ""), { issuer: ca, names: [`a${"b".repeat(3000)}.example`, "x\u001b[2J.example"] }), {}, ca.certificatePem);
        expectTame(text, 6000);
    });

    test("its reason strings, with a code and without", async () => {
        const properties = { reasonString: hostile.replace("\0", "") + "x".repeat(1000), userProperties: { evil: "evil" } };
        for (const cmd of ["connack", "disconnect", "puback"] as const) {
            const text = await told(issue("127.0.0.1", { issuer: ca, names: ["127.0.0.1"] }), {
                ...(cmd === "connack" ? { connect: ({ send, socket }) => (send({ cmd, sessionPresent: false, reasonCode: 0x87, properties }), socket.end()) } : {}),
                ...(cmd === "disconnect" ? { publish: ({ send, socket }) => (send({ cmd, reasonCode: 0x97, properties }), socket.end()) } : {}),
                ...(cmd === "puback" ? { publish: ({ send }, { messageId }) => send({ cmd, messageId: messageId ?? 0, reasonCode: 0x80, properties }) } : {}),
            }, ca.certificatePem);
            expect(text).toContain('"ok":false');
            expectTame(text, 6000);
        }
    });

    test("bytes that are no MQTT", async () => {
        const text = await told(issue("127.0.0.1", { issuer: ca, names: ["127.0.0.1"] }), { connect: ({ raw, socket }) => (raw(Buffer.from(`HTTP/1.1 400 ${hostile}`).toString("hex")), socket.end()) }, ca.certificatePem);
        expectTame(text, 6000);
    });

    test("the chain that is fetched from it, and the error where it isn't", async () => {
        const server = await mqttServer(evil);
        onTestFinished(() => server.close());
        const error = await errorOf(fetchServerChain({ host: server.host, port: server.port }));
        expectTame((error as UserError).message);
        const pin = new X509Certificate(evil.certificatePem).fingerprint256;
        const { subject, issuer } = await fetchServerChain({ host: server.host, port: server.port, fingerprint: pin });
        expectTame(subject, 400);
        expectTame(issuer, 400);
    });

    test("a certificate's subject in a sentence", () => {
        expectTame(subjectOf(new X509Certificate(evil.certificatePem)), 500);
        expect(readLeaf(evil.certificatePem).credentialsId).toMatch(/^[0-9a-f]{64}$/);
    });
});

describe("answers that hold secrets", () => {
    const token = "eyJhbGciOiJIUzUxMiJ9.secret-of-the-answer.signature";

    test.each([
        ["a log-in that is refused with tokens", 401, { token, refreshToken: token, message: "no", errorCode: 10 }],
        ["a password that has expired", 401, { message: "User password expired!", errorCode: 15, resetToken: token }],
        ["a log-in without a token", 200, { accessToken: token }],
        ["a log-in that fails in a page", 500, `<html>${token}</html>`],
        ["a log-in that is half an answer", 200, `{"token":${JSON.stringify(token).slice(0, -1)}`],
    ])("%s", async (_case, status, body) => {
        const server = await serve(() => ({ status, body }));
        const lines: string[] = [];
        const error = (await errorOf(client(server.url, { credentials: { username: `u-${status}-${_case.length}`, password: "a-long-password" } }, { log: line => lines.push(line) }).deviceById(deviceId))) as ApiError;
        expect([error.message, error.stack, JSON.stringify(error), ...lines].join()).not.toContain("secret-of-the-answer");
    });

    test("a row of credentials in an answer that is no good one", async () => {
        const row = { credentialsType: "ACCESS_TOKEN", credentialsId: token, credentialsValue: token };
        for (const status of [200, 400, 403, 500]) {
            const server = await serve(() => ({ status, body: status === 200 ? { ...row, wrong: true } : { ...row, error: token } }));
            const error = (await errorOf(client(server.url).deviceByName("pump-1"))) as ApiError;
            expect(error.message + error.stack + JSON.stringify(error)).not.toContain("secret-of-the-answer");
        }
    });

    test("an answer that repeats our own key", async () => {
        const server = await serve(({ authorization }) => refusal(400, 31, `bad request from ${authorization}`));
        const { message } = (await errorOf(client(server.url).deviceById(deviceId))) as ApiError;
        expect(message).toContain('"bad request from ApiKey ***"');
        expect(message).not.toContain(apiKey);
    });
});
