// Patterns for common names: what they make of a name, and which are refused.

import { expect, test } from "vitest";
import { deviceNameOf, patternFault } from "../../../sdk/x509/commonNamePattern";

test.each([
    ["(.*)\\.factory\\.example", "pump-1.factory.example", "pump-1"],
    ["^([^.]+)\\.", "pump-1.factory.example", "pump-1"],
    ["(.+)", "pump-1", "pump-1"],
    ["(?i)device-(\\d+)", "DEVICE-17", "17"],
    ["(?:pump|valve)-([0-9]{1,4})", "valve-12", "12"],
    ["^(?:site-\\d+\\.)?([a-z]+-\\d{1,6})(?:\\.example)?$", "site-3.pump-12.example", "pump-12"],
    ["(.*?)\\.(?:eu|us)\\.example", "pump-1.eu.example", "pump-1"],
    ["(.*-.*-.*-.*)", "a-b-c-d", "a-b-c-d"],
    ["([a-z]{2,99})[0-9]*", "pump1", "pump"],
    ["(ab)*c", "ababc", "ab"],
    ["((?:[0-9a-f]{2}){6})", "00a1b2c3d4e5.example", "00a1b2c3d4e5"],
    ["(pump|valve)[|*+]*", "valve", "valve"],
    ["\\(((?:a|b)c)\\)*", "(ac)", "ac"],
    ["([\\]*+]x)+", "]x", "]x"],
    ["([a-z][0-9]+)[{x}]", "a12{", "a12"],
    ["(a\\{b)", "a{b", "a{b"],
    ["(\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}:\\d{1,5})", "at 10.0.0.7:8883", "10.0.0.7:8883"],
    ["([a-z]{8,10}-[0-9]{8,10}-[0-9]{8,10})", "serialno-12345678-87654321", "serialno-12345678-87654321"],
    ["(.*?)-.*?-.*?-.*?x", "pump-a-b-x", "pump"],
    ["(.*)\\.factory\\.example", "pump-1.elsewhere", undefined],
    ["(.*)\\.factory\\.example", ".factory.example", undefined],
])("%s on %s: %s", (pattern, commonName, deviceName) => {
    expect(patternFault(pattern)).toBeUndefined();
    expect(deviceNameOf(pattern, commonName)).toBe(deviceName);
});

test.each([
    ["", "is empty"],
    [".*", "has no group"],
    ["(?:.*)\\.example", "has no group"],
    ["\\(.*\\)", "has no group"],
    ["[(](.*", "can't be read"],
    ["([", "can't be read"],
    ["(a+)+", "repeats a group that itself repeats"],
    ["((a|aa)*)x", "repeats a group that itself repeats"],
    ["(([a-z]{2,})*)", "repeats a group that itself repeats"],
    ["((a*)b)*", "repeats a group that itself repeats"],
    ["(?:(a)|b)+", "repeats a group that itself repeats"],
    ["([)]|a)*", "repeats a group that itself repeats"],
    ["(a{1,100})*", "repeats a group that itself repeats"],
    ["(a+)a{7,}a{7,999}a*a*", "has 5 parts of any length"],
    ["(.*.*.*.*.*)", "has 5 parts of any length"],
    [`(${"a{1,30}".repeat(5)})`, "has so many parts that vary in length"],
    // Text to JavaScript, an error to Java.
    ["(.*)\\.{site}", 'has a "{" that begins no number of repeats'],
    ["(.*){site}{2}", 'has a "{" that begins no number of repeats'],
    ["([a-z]+){,5}", 'has a "{" that begins no number of repeats'],
    // Parentheses that fit only with something around them.
    [" ?i)device-(", "can't be read"],
    ["(a?a?)+x", "repeats a group that itself repeats"],
    ["((a{1,2})+)x", "repeats a group that itself repeats"],
    // Enough to be busy for ever on the empty text.
    ["((?<n>^\\w*(?!\\1{1,2}){0,9}){30}-|\\1|){30}(?=a)", "repeats a group that itself repeats"],
    ["(((((){30}){30}){30}){30})", "repeats a group that itself repeats"],
    ["((a+){30})x", "repeats a group that itself repeats"],
    [`(${"a?".repeat(30)}${"a".repeat(30)})`, "has so many parts that vary in length"],
    [`(${"(?:a|aa)".repeat(20)})x`, "has so many parts that vary in length"],
    [`(${"a".repeat(260)})`, "has 262 characters"],
])("%s is refused: %s", (pattern, reason) => {
    expect(patternFault(pattern)).toContain(reason);
    expect(() => deviceNameOf(pattern, "pump-1")).toThrow("the pattern");
});

test("the longest pattern has 255 characters, and no text is no pattern", () => {
    expect(patternFault(`(${"a".repeat(253)})`)).toBeUndefined();
    expect(patternFault(`(${"a".repeat(254)})`)).toContain("has 256 characters");
    expect(patternFault(7 as never)).toContain("is empty");
});

test("what is not refused is fast, also on a name that is made for it", () => {
    for (const pattern of ["(.*).*.*.*x", "([a-z]*)[a-z]*[a-z]*!", "(a*)a*a*a*b"]) {
        expect(patternFault(pattern)).toBeUndefined();
        const began = performance.now();
        deviceNameOf(pattern, "a".repeat(64));
        expect(performance.now() - began).toBeLessThan(1000);
    }
});
