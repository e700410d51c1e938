import { expect, test } from "vitest";
import { proxyFor, unusedProxy } from "../../../sdk/thingsboard/proxy";

const https = new URL("https://tb.example.com");

test.each([
    [{}, undefined],
    [{ HTTPS_PROXY: "http://proxy:3128" }, "http://proxy:3128/"],
    [{ HTTPS_PROXY: "proxy:3128" }, "http://proxy:3128/"],
    [{ HTTPS_PROXY: "http://upper:1", https_proxy: "http://lower:1" }, "http://lower:1/"],
    [{ HTTP_PROXY: "http://plain:1" }, undefined],
    [{ ALL_PROXY: "https://proxy" }, "https://proxy/"],
    [{ ALL_PROXY: "socks5://proxy" }, undefined],
    [{ HTTPS_PROXY: "http://[" }, undefined],
])("%o gives %s", (environment, proxy) => {
    expect(proxyFor(https, environment)?.href).toBe(proxy);
});

test.each([
    ["*", true],
    ["example.com", true],
    [".example.com", true],
    ["*.example.com", true],
    ["other.com, TB.example.com.", true],
    ["tb.example.com:443", true],
    ["tb.example.com:8443", false],
    ["b.example.com", false],
    ["ample.com", false],
    [",", false],
    [".", false],
])("NO_PROXY=%s", (no_proxy, direct) => {
    expect(proxyFor(https, { HTTPS_PROXY: "http://proxy", no_proxy }) === undefined).toBe(direct);
});

test.each(["fd00::1", "[fd00::1]", "[fd00::1]:443"])("NO_PROXY=%s for an IPv6 address", no_proxy => {
    expect(proxyFor(new URL("https://[fd00::1]"), { HTTPS_PROXY: "http://proxy", no_proxy })).toBeUndefined();
});

test("a proxy that can't be used is told of, without its address; one that can, or that is excepted, is not", () => {
    const remedy = "so tb.example.com is called directly: give a proxy that begins with http:// or https:// as HTTPS_PROXY, or except the host by NO_PROXY";
    expect(unusedProxy(https, { ALL_PROXY: "socks5h://joe:password@127.0.0.1:1080" })).toBe(`ALL_PROXY names a proxy of kind socks5h, which can't be used here, ${remedy}`);
    expect(unusedProxy(https, { https_proxy: "http://[" })).toBe(`https_proxy holds no address of a proxy, ${remedy}`);
    for (const environment of [{}, { ALL_PROXY: "socks5://proxy", HTTPS_PROXY: "http://proxy" }, { ALL_PROXY: "socks5://proxy", NO_PROXY: "example.com" }]) expect(unusedProxy(https, environment)).toBeUndefined();
});
