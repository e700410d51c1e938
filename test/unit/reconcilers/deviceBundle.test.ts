// What can be wrong with a bundle is said in preview, as far as it is known there.

import { runtime } from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { type DeviceBundleInputs, deviceBundle } from "../../../sdk/reconcilers/deviceBundle";
import { openssl } from "../../support/openssl";
import { issue } from "../mqtt/certificates";

const check = async (inputs: Partial<DeviceBundleInputs>) => {
    const reconciler = deviceBundle(() => expect.unreachable(), () => undefined);
    const declared = { topic: "v1/devices/me/telemetry", declaredBy: "project/stack/pump-1", ...own, ...inputs };
    const { failures = [] } = await reconciler.check(declared, declared);
    return failures.map(({ reason }) => reason);
};

const [own, other] = [issue("pump-1"), issue("other")];
const encrypted = openssl(["pkcs8", "-topk8", "-passout", "pass:secret"], own.privateKeyPem);

test("a pair that belongs together is in order, and so is one that is not known yet", async () => {
    expect(await check({})).toEqual([]);
    expect(await check({ privateKeyPem: other.privateKeyPem, certificatePem: runtime.unknownValue, serverChainPem: runtime.unknownValue })).toEqual([]);
    // The engine hands over a secret that is not there as null.
    expect(await check({ nextCertificatePem: null, nextPrivateKeyPem: null })).toEqual([]);
});

test.each<[string, Partial<DeviceBundleInputs>, string]>([
    ["no certificate", { certificatePem: "hello" }, "certificatePem holds no PEM certificate"],
    ["another's key", { privateKeyPem: other.privateKeyPem }, 'privateKeyPem does not belong to the certificate "CN=pump-1": give the pair that was made together'],
    ["an encrypted key", { privateKeyPem: encrypted }, "privateKeyPem is encrypted: give it without a passphrase"],
    ["another's chain", { chainPem: other.certificatePem }, 'chainPem: "CN=other" did not sign "CN=pump-1"'],
    ["another's next key", { nextCertificatePem: own.certificatePem, nextPrivateKeyPem: other.privateKeyPem }, "nextPrivateKeyPem does not belong"],
    ["a key in the place of the server's chain", { serverChainPem: own.privateKeyPem }, "serverChainPem holds a PRIVATE KEY: only certificates belong there"],
])("%s", async (_what, inputs, reason) => {
    const found = await check(inputs);
    expect(found).toEqual([expect.stringContaining(reason)]);
    expect(found[0]).not.toContain("BEGIN PRIVATE KEY");
});
