import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { aliasOf } from "../../../sdk/reconcilers/bundleContent";
import { commonNameIn, commonNames } from "../../../sdk/x509/commonName";
import { readLeaf } from "../../../sdk/x509/leaf";
import { issue } from "../mqtt/certificates";
import { openssl, selfSigned } from "../../support/openssl";

test("is read as it was written, with commas, quotes and letters of any script", () => {
    fc.assert(
        fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter(name => !name.includes("\0")), name => {
            const { base64Der } = readLeaf(issue(name).certificatePem);
            expect(commonNameIn(base64Der)).toBe(name);
        }),
        { examples: [['pump, hall "7"'], ["a+b=c\\d"], [" pump "], ["Pümpe 泵"]], numRuns: 50 },
    );
});

test("all of several, and none where there is none", () => {
    expect(commonNames(new X509Certificate(selfSigned("one/CN=two")))).toEqual(["one", "two"]);
    const withoutName = openssl(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/null", "-days", "1", "-subj", "/O=Acme"]);
    expect(commonNames(new X509Certificate(withoutName))).toEqual([]);
});

test("names the entry of a key store", () => {
    const { certificatePem } = issue("pump, hall 7");
    expect(aliasOf({ certificatePem })).toBe("pump, hall 7");
    expect(aliasOf({ certificatePem, alias: "given" })).toBe("given");
});
