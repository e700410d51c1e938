import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { aliasOf } from "../../../sdk/reconcilers/bundleContent";
import { issue } from "../../../sdk/x509/issue";
import { toPem } from "../../../sdk/x509/leaf";
import { commonNamesOf } from "../../../sdk/x509/names";
import { openssl } from "../../support/openssl";

const named = async (commonName: string) => toPem((await issue({ commonName, algorithm: "EC_P256", validityDays: 1 }, new Date())).certificate);

test("a common name is read as it was given, whatever stands in it", async () => {
    const name = fc.string({ unit: fc.oneof(fc.constantFrom(...',+="\\<>;#/ \n'), fc.string({ unit: "binary", minLength: 1, maxLength: 1 })), minLength: 1, maxLength: 20 }).filter(text => !text.includes("\0"));
    await fc.assert(
        fc.asyncProperty(name, async commonName => {
            const certificatePem = await named(commonName);
            expect(commonNamesOf(new X509Certificate(certificatePem))).toEqual([commonName]);
            expect(aliasOf({ certificatePem })).toBe(commonName);
        }),
    );
});

test("several, and none", () => {
    const subject = (text: string) => new X509Certificate(openssl(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/null", "-subj", text]));
    expect(commonNamesOf(subject("/CN=a/O=x, CN=b/CN=c"))).toEqual(["a", "c"]);
    expect(commonNamesOf(subject("/O=x"))).toEqual([]);
    expect(commonNamesOf(subject("/"))).toEqual([]);
});
