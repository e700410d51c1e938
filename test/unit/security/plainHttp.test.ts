// Where keys and passwords may go unencrypted: to this machine, and elsewhere only where the user said so.

import fc from "fast-check";
import { expect, test } from "vitest";
import { readSettings } from "../../../sdk/settings";
import { checkOptions } from "../../../sdk/thingsboard/options";
import { connect } from "../../../sdk/thingsboard";

const credentials = { apiKey: "tb_this-is-the-api-key" };
const open = (url: string, allowInsecureHttp?: boolean) => checkOptions({ url, credentials, ...(allowInsecureHttp === undefined ? {} : { allowInsecureHttp }) });

const here = [
    "http://localhost",
    "http://LOCALHOST:8080/tb",
    "http://127.0.0.1:8080",
    "http://127.255.255.254",
    "http://127.1",
    "http://2130706433",
    "http://0x7f.0.0.1",
    "http://0177.0.0.1",
    "http://[::1]:8080",
    "http://[0:0:0:0:0:0:0:1]",
];
test.each(here)("%s is this machine", url => {
    expect(open(url).loopback).toBe(true);
});

const elsewhere = [
    "http://localhost.evil.example",
    "http://evil.example/localhost",
    "http://evil.example#localhost",
    "http://evil.example?localhost",
    "http://127.0.0.1.nip.io",
    "http://127.0.0.1.evil.example:8080",
    "http://localhost.",
    "http://localhost%2eevil.example",
    "http://xn--localhost-9za.example",
    "http://0.0.0.0",
    "http://128.0.0.1",
    "http://10.0.0.1",
    "http://2130706434.evil.example",
    "http://3232235521",
    "http://[::]",
    "http://[::2]",
    "http://[::ffff:10.0.0.1]",
    "http://[fe80::1]",
    "http://127.0.0.1@evil.example",
    "http://localhost@evil.example",
    "http://localhost:8080@evil.example",
    "http://evil.example\\@localhost",
    "ftp://localhost",
    "ws://localhost",
];
test.each(elsewhere)("%s is refused, and nothing is sent there", url => {
    expect(() => connect({ url, credentials })).toThrow(/^url: /);
});

test.each(["http://tb.example", "http://10.0.0.1:8080"])("%s is taken where the user says so", url => {
    expect(() => open(url)).toThrow("would send the key or password unencrypted: use https://, or allowInsecureHttp: true on a network you trust");
    expect(() => open(url, false)).toThrow("unencrypted");
    expect(open(url, true)).toMatchObject({ loopback: false });
});

test("a user name in the address is refused, whatever the host, and the address is not quoted", () => {
    for (const url of ["http://joe:hunter2-hunter2@localhost", "https://hunter2-hunter2@tb.example"]) {
        for (const look of [() => open(url, true), () => readSettings({ url, ...credentials }, {})]) {
            expect(look).toThrow(/user/);
            expect(look).not.toThrow(/hunter2/);
        }
    }
});

test("whatever is accepted without asking is an address of this machine", () => {
    const host = fc.oneof(
        fc.ipV4(),
        fc.ipV6().map(address => `[${address}]`),
        fc.domain(),
        fc.tuple(fc.constantFrom("127.0.0.1", "localhost", "[::1]", "127"), fc.constantFrom("", ".", "@", "#", "?", "\\", "%2e", ".nip.io", ":80"), fc.domain()).map(parts => parts.join("")),
    );
    fc.assert(
        fc.property(host, text => {
            const url = `http://${text}`;
            let base: string;
            try {
                ({ base } = open(url));
            } catch {
                return;
            }
            // What the requests go to is what was looked at.
            expect(new URL(`${base}/api/device`).hostname).toMatch(/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/);
        }),
        { numRuns: 500 },
    );
});
