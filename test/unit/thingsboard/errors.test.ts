import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ApiError, isApiError } from "../../../sdk/thingsboard";
import { explainAnswer } from "../../../sdk/thingsboard/explain";
import { explainFailure } from "../../../sdk/thingsboard/failure";
import type { Answer } from "../../../sdk/thingsboard/http";
import type { Purpose } from "../../../sdk/thingsboard/purpose";
import { clean, secretsIn } from "../../../sdk/thingsboard/text";
import { UserError } from "../../../sdk/userError";
import { apiKey, client, deviceId, errorOf, refusal, serve } from "./support";

const purpose: Purpose = {
    subject: 'device "pump-1"',
    complaint: "cannot bind the certificate",
    base: "https://tb.example.com",
    credentials: "password",
    secrets: ["correct-horse-battery"],
};

function answered(status: number, body: unknown, more: Partial<Answer> = {}): Answer {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return { type: "answer", status, contentType: "application/json", text, location: undefined, retryAfter: undefined, ...more };
}

describe("what ThingsBoard says", () => {
    test.each([
        [401, 10, "Invalid username or password", "unauthorized", /correct username and password; they are not tried again/],
        [401, 10, "User account is locked due to security policy", "unauthorized", /an administrator has to unlock it/],
        [401, 15, "User password expired!", "unauthorized", /password has expired: set a new one/],
        [403, 20, "You don't have permission to perform this operation!", "forbidden", /rights of a tenant administrator/],
        [403, 41, "Devices limit reached", "deviceLimit", /as many devices as it may have \(27\)/],
        [403, 40, "Subscription", "deviceLimit", /subscription/],
        [404, 32, "Device with id [x] is not found", "notFound", /it was deleted, or it belongs to another tenant/],
        [404, 32, "No static resource api/owner.", "unsupported", /has no such call: it is too old, or another edition/],
        [405, 2, "Request method 'POST' is not supported", "unsupported", /no such call/],
        [409, 35, "Entity was already changed by someone else", "versionConflict", /at the same time/],
        [413, 31, "Payload too large", "invalid", /less at a time/],
        [429, 33, "Too many requests for current tenant!", "rateLimited", /not the limit of devices/],
        [400, 31, "Device with such name already exists!", "nameTaken", /another name, or adopt/],
        [400, 31, "Device profile with such name already exists!", "nameTaken", /another name/],
        [400, 31, "Device credentials are already assigned to another device!", "credentialsTaken", /perhaps of another tenant/],
        [400, 31, "Specified credentials are already registered!", "credentialsTaken", /perhaps of another tenant/],
        [400, 31, "Credentials for this device are already specified!", "invalid", /correct what was declared/],
        [400, 31, "The device profile referenced by the devices cannot be deleted!", "invalid", /referenced by the devices/],
        [500, 2, "JSON parse error", "server", /server's log/],
    ])("%i/%i %s", (status, errorCode, message, kind, remedy) => {
        const error = explainAnswer(purpose, answered(status, { status, errorCode, message, timestamp: 1, limit: 27 }));
        expect(error).toMatchObject({ kind, status, errorCode, serverMessage: message, mayHaveHappened: status >= 500 });
        expect(error.message).toMatch(remedy);
        expect(error.message).toMatch(/^device "pump-1": cannot bind the certificate: ThingsBoard says "/);
    });
});

test("any answer becomes an ApiError of one line, and none holds a secret", () => {
    const secret = fc.string({ minLength: 8, maxLength: 40, unit: "grapheme" }).filter(text => text.trim() === text && !/^\*+$/.test(text));
    const body = fc.oneof(
        fc.string({ unit: "binary" }),
        fc.json(),
        fc.record({ status: fc.anything(), message: fc.anything(), errorCode: fc.anything() }).map(value => JSON.stringify(value, (_, v) => (typeof v === "bigint" ? `${v}` : v))),
    );
    fc.assert(
        fc.property(secret, body, fc.string({ unit: "binary" }), fc.integer({ min: 100, max: 599 }), fc.option(fc.string(), { nil: undefined }), (hidden, text, around, status, location) => {
            const told = JSON.stringify({ message: around + hidden + around, errorCode: 31 });
            for (const content of [text, told, hidden, `<html>${hidden}`]) {
                const error = explainAnswer({ ...purpose, secrets: [hidden] }, answered(status, content, { location }));
                expect(error).toBeInstanceOf(UserError);
                expect(error.message).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
                if (content !== text) expect(error.message).not.toContain(hidden);
            }
        }),
    );
});

test("any failure becomes an ApiError that names host, reason and remedy", () => {
    const reasons = ["unknownHost", "refused", "noRoute", "timeout", "reset", "unknownCa", "otherHost", "outOfDate", "notTls", "tls", "notHttp", "tooLarge", "proxy"] as const;
    const messages = reasons.map(reason => explainFailure(purpose, { type: "failure", reason, code: "CODE", sent: false }).message);
    expect(new Set(messages).size).toBe(reasons.length);
    for (const message of messages) expect(message).toMatch(/^device "pump-1": cannot bind the certificate: .*tb\.example\.com.*: .+/);
});

test("whatever arrives over the wire, a call ends in an ApiError or an answer of the right shape", async () => {
    let next: { status: number; body: string } = { status: 200, body: "" };
    const server = await serve(() => next);
    const thingsboard = client(server.url);
    const calls = [
        () => thingsboard.deviceById(deviceId),
        () => thingsboard.devicesByIds([deviceId]),
        () => thingsboard.deviceProfileByName("p"),
        () => thingsboard.attributes(deviceId, "SERVER_SCOPE"),
        () => thingsboard.latestTelemetry(deviceId, ["t"]),
        () => thingsboard.systemInfo(),
        () => thingsboard.deleteDevice(deviceId),
    ];
    const json = fc.oneof(fc.json(), fc.constantFrom('{"data":[null],"hasNext":true}', '{"data":{}}', '{"t":[]}', '{"t":null}', "[null]", '{"id":{}}', '{"id":null}'));
    await fc.assert(
        fc.asyncProperty(fc.constantFrom(...calls), fc.constantFrom(200, 204, 400, 401, 403, 404, 409, 418), fc.oneof(json, fc.string()), async (call, status, body) => {
            next = { status, body };
            const outcome = await call().then(
                () => "answer",
                (error: unknown) => error,
            );
            if (outcome !== "answer") expect(outcome).toBeInstanceOf(ApiError);
        }),
        { numRuns: 150 },
    );
});

test("an error carries no request: printing it shows no key", async () => {
    const server = await serve(({ authorization }) => refusal(400, 31, `You sent ${authorization}`));
    const errors = [
        await errorOf(client(server.url).saveAttributes(deviceId, { password: "open-sesame" })),
        await errorOf(client(server.url.replace("http:", "https:")).deviceById(deviceId)),
    ];
    for (const error of errors) {
        const printed = inspect(error, { depth: 20, showHidden: true });
        expect(printed).not.toContain(apiKey);
        expect(printed).not.toContain("open-sesame");
    }
    expect(errors[0]).toMatchObject({ serverMessage: "You sent ApiKey ***" });
});

describe("text of the server", () => {
    test("is cut to 300 characters, without half a surrogate pair", () => {
        expect(clean("x".repeat(301), [])).toHaveLength(300);
        fc.assert(fc.property(fc.string({ unit: "grapheme", minLength: 280, maxLength: 400 }), text => clean(text, []).length <= 300 && !/\p{Cs}/u.test(clean(text, []))));
    });

    test("loses what a terminal would obey", () => {
        expect(clean("a\u001b[31mb\r\nc\u202ed\u0000\u2028e", [])).toBe("a [31mb c d e");
    });

    test("is rid of secrets before it is cut", () => {
        expect(clean(`${"x".repeat(295)}correct-horse`, ["correct-horse"])).toBe(`${"x".repeat(295)}***`);
    });

    test("the request's own secrets are found by their names", () => {
        const body = { device: { name: "pump-1" }, credentials: { credentialsId: "a", credentialsValue: "b" }, list: [{ provisionDeviceSecret: "c" }], password: "d" };
        expect(secretsIn(body)).toEqual(["a", "b", "c", "d"]);
    });
});

test("isApiError asks for kinds", () => {
    const error = new ApiError("", { kind: "nameTaken", mayHaveHappened: false });
    expect([isApiError(error), isApiError(error, "nameTaken"), isApiError(error, "notFound", "server"), isApiError(new Error())]).toEqual([true, true, false, false]);
});
