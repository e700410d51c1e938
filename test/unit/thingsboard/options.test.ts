import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { connect, type ConnectionOptions } from "../../../sdk/thingsboard";
import { checkOptions } from "../../../sdk/thingsboard/options";
import { UserError } from "../../../sdk/userError";
import { issue } from "../mqtt/certificates";

const credentials = { apiKey: "tb_key" };
const withUrl = (url: string, more: Partial<ConnectionOptions> = {}) => checkOptions({ url, credentials, ...more });

describe("the address", () => {
    test("may have a path and slashes at its end", () => {
        expect(withUrl("https://example.com/iot//").base).toBe("https://example.com/iot");
        expect(withUrl("https://example.com").base).toBe("https://example.com");
    });

    test.each(["http://127.0.0.1:8080", "http://127.1", "http://127.8.9.1", "http://[::1]:80", "http://localhost:8080"])("%s is loopback, where http is fine", url => {
        expect(withUrl(url).loopback).toBe(true);
    });

    test.each(["http://example.com", "http://10.0.0.1", "http://localhost.example.com", "http://127.0.0.1.example.com", "http://[::2]"])("%s would send the key unencrypted", url => {
        expect(() => withUrl(url)).toThrow(/use https:\/\/, or allowInsecureHttp/);
        expect(withUrl(url, { allowInsecureHttp: true }).loopback).toBe(false);
    });

    test.each(["https://joe:hunter22@example.com", "https://hunter22@example.com", "ftp://hunter22", "hunter22", "https://example.com/?key=hunter22", "https://x:hunter22@y:z"])(
        "%s is refused, without quoting it",
        url => {
            const refused = () => connect({ url, credentials });
            expect(refused).toThrow(UserError);
            expect(refused).not.toThrow(/hunter22/);
        },
    );
});

test("a key with a line break is refused, without quoting it", () => {
    const refused = () => checkOptions({ url: "https://example.com", credentials: { apiKey: "tb_secret\n" } });
    expect(refused).toThrow(/apiKey: .*line break/);
    expect(refused).not.toThrow(/tb_secret/);
});

test("an empty password is refused", () => {
    expect(() => checkOptions({ url: "https://example.com", credentials: { username: "a", password: "" } })).toThrow(/one of them is empty/);
});

test("caPem has to hold certificates", () => {
    const pem = issue("CA", { authority: true }).certificatePem;
    expect(withUrl("https://example.com", { caPem: `# our CA\n${pem}\n${pem}` }).caPem).toMatch(/BEGIN.*END.*BEGIN.*END/s);
    expect(() => withUrl("https://example.com", { caPem: "/etc/ca.pem" })).toThrow(/caPem: it holds no certificate/);
    expect(() => withUrl("https://example.com", { caPem: pem.replace(/\n[^-]/, "\n!") })).toThrow(/caPem/);
});

test("only Cloud is slowed down without being asked", () => {
    expect(withUrl("https://eu.thingsboard.cloud").rates).toEqual([
        { count: 25, period: 1_000 },
        { count: 900, period: 60_000 },
    ]);
    expect(withUrl("https://thingsboard.example.com").rates).toEqual([]);
    expect(withUrl("https://thingsboard.cloud", { rateLimit: 33 }).rates).toEqual([{ count: 33, period: 1_000 }]);
    expect(withUrl("https://example.com", { rateLimit: 0.5 }).rates).toEqual([{ count: 1, period: 2_000 }]);
    expect(withUrl("https://example.com", { rateLimit: 2.5 }).rates).toEqual([{ count: 2, period: 800 }]);
});

test.each([{ rateLimit: 0 }, { rateLimit: NaN }, { concurrency: 0 }, { concurrency: 1.5 }, { deleteConcurrency: -1 }, { timeout: 0 }, { timeout: 3601 }, { timeout: Infinity }])("%o is refused", more => {
    expect(() => withUrl("https://example.com", more)).toThrow(new RegExp(`^${Object.keys(more)[0]}: `));
});

/** Node ends a request at once, or refuses to begin it, where its time is not a whole number of milliseconds that a timer can hold. */
test("a time is what a timer can hold, whatever part of a second it is", () => {
    fc.assert(fc.property(fc.double({ min: 0.0001, max: 3600, noNaN: true }), timeout => {
        expect(withUrl("https://example.com", { timeout }).timeout).toSatisfy((ms: number) => Number.isInteger(ms) && ms >= 1 && ms <= 3_600_000);
    }));
});

test("a call a month is not one each millisecond", () => {
    expect(withUrl("https://example.com", { rateLimit: 1 / (31 * 86_400) }).rates[0]!.period).toBeLessThan(2 ** 31);
});
