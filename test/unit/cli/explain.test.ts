// The parts of `pulumi-thingsboard explain` that are hard to bring about: what a state and a quota say.

import { expect, test } from "vitest";
import type { Facts } from "../../../sdk/cli/explain/facts";
import { reasonsOf } from "../../../sdk/cli/explain/reasons";
import { shownFacts } from "../../../sdk/cli/explain/shown";
import { heldInState } from "../../../sdk/cli/explain/state";
import type { StateResource } from "../../../sdk/cli/stack/state";
import { readLeaf } from "../../../sdk/x509/leaf";
import { issue } from "../mqtt/certificates";

const { certificatePem } = issue("pump-1");
const leaf = readLeaf(certificatePem);
const { certificatePem: madePem } = issue("pump-3");
const madeLeaf = readLeaf(madePem);
const secret = (value: unknown) => ({ "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", plaintext: JSON.stringify(value) });
const resource = (type: string, name: string, outputs: Record<string, unknown>): StateResource => ({ urn: `urn:pulumi:dev::fleet::pulumi-nodejs:dynamic/thingsboard:${type}::${name}`, type: `pulumi-nodejs:dynamic/thingsboard:${type}`, outputs });

test("a state: who holds which certificate, with the last check; secret or not, also after a refresh that has found something else", () => {
    const held = heldInState([
        resource("DeviceCredential", "one", { deviceId: "1", deviceName: "pump-1", certificatePem, credentialsId: leaf.credentialsId }),
        resource("DeviceCredential", "two", { deviceId: "2", deviceName: "pump-2", certificatePem: secret(certificatePem), credentialsId: leaf.credentialsId }),
        resource("DeviceCredential", "drifted", { deviceId: "3", deviceName: "pump-3", certificatePem: "(ACCESS_TOKEN)", credentialsId: madeLeaf.credentialsId }),
        resource("DeviceCredential", "given", { deviceId: "5", deviceName: "pump-5", certificatePem: "(ACCESS_TOKEN)", credentialsId: "of one from outside" }),
        { urn: "urn:pulumi:dev::fleet::tls:index/selfSignedCert:SelfSignedCert::drifted", type: "tls:index/selfSignedCert:SelfSignedCert", outputs: { certPem: madePem } },
        resource("PublishCheck", "one", { deviceId: "1", outcome: "refused", message: "publish check: no", checkedAt: "2027-01-01T00:00:00Z", certificatePem }),
        resource("FleetBatch", "pumps-0", { fleet: "fleet/dev/pumps", devices: { "pump-4": { id: "4", certificate: leaf.base64Der } } }),
    ]);
    const { credentialsId } = leaf;
    expect(held).toEqual([
        { deviceId: "1", deviceName: "pump-1", certificatePem, credentialsId, by: 'DeviceCredential "one"', check: { outcome: "refused", message: "publish check: no", checkedAt: "2027-01-01T00:00:00Z" } },
        { deviceId: "2", deviceName: "pump-2", certificatePem, credentialsId, by: 'DeviceCredential "two"' },
        { deviceId: "3", deviceName: "pump-3", certificatePem: madePem, credentialsId: madeLeaf.credentialsId, by: 'DeviceCredential "drifted"' },
        { deviceId: "4", deviceName: "pump-4", certificatePem, credentialsId, by: 'DeviceFleet "pumps"' },
    ]);
});

const healthy: Facts = {
    asked: "pump-1",
    now: Date.now(),
    device: { name: "pump-1", id: { entityType: "DEVICE", id: "1" }, createdTime: 1, tenantId: { entityType: "TENANT", id: "t" }, customerId: null },
    credential: { id: { id: "r" }, deviceId: { entityType: "DEVICE", id: "1" }, credentialsType: "X509_CERTIFICATE", credentialsId: leaf.credentialsId, credentialsValue: leaf.base64Der },
    bound: leaf,
    times: {},
    revoked: {},
    unread: [],
    context: { deviceName: "pump-1", restHost: "localhost", credential: { credentialsType: "X509_CERTIFICATE", credentialsId: leaf.credentialsId } },
    mqtt: { host: "localhost", port: 8883, seen: { evidence: {}, sent: [], chain: [], publicly: undefined, configured: undefined, rightHost: true, versions: ["TLSv1.3"] } },
};
const causes = (facts: Partial<Facts>) => reasonsOf({ ...healthy, ...facts }).map(({ cause, weight }) => `${weight}: ${cause}`);

test("one certificate for two devices of a state", () => {
    expect(causes({})).toEqual(["note: expires-soon"]);
    expect(causes({ sharedWith: { name: "pump-2", where: "state" } })).toEqual(["likely: bound-to-another-device", "note: expires-soon"]);
});

test("a month's messages that are used up", () => {
    expect(causes({ usage: { devices: 1, maxDevices: 0, transportMessages: 100, maxTransportMessages: 100 } })[0]).toBe("certain: quota");
    expect(causes({ usage: { devices: 1, maxDevices: 0, transportMessages: 99, maxTransportMessages: 100 } })).toEqual(["note: expires-soon"]);
});

test("an earlier revocation of another certificate is a note", () => {
    expect(causes({ revoked: { other: "2027-01-01T00:00:00Z" } })).toEqual(["note: revoked-before", "note: expires-soon"]);
    // Bound again by hand: ThingsBoard lets it in.
    expect(causes({ revoked: { [leaf.credentialsId]: "2027-01-01T00:00:00Z" } })).toEqual(["note: revoked-and-bound", "note: expires-soon"]);
});

test("an address of IPv6 is told from its port", () => {
    const mqtt = { host: "fd00::1", port: 8883, seen: { ...healthy.mqtt.seen, rightHost: false, configured: { stage: "tls-server" as const, fault: "untrusted" as const, code: "X" } } };
    expect(shownFacts({ ...healthy, mqtt })).toMatchObject({ "connects to": "[fd00::1]:8883" });
    expect(reasonsOf({ ...healthy, mqtt })[0]!.sentence).toContain("the MQTT server at [fd00::1]:8883");
    const refused = { host: "fd00::1", port: 8883, at: new Date().toISOString(), refusal: { stage: "tcp" as const, code: "ECONNREFUSED" }, evidence: {} };
    expect(reasonsOf({ ...healthy, mqtt: { ...mqtt, seen: refused } })[0]!.sentence).toContain("the MQTT port [fd00::1]:8883");
});
