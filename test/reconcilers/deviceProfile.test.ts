import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DeviceProfileInputs, deviceProfile } from "../../sdk/reconcilers/deviceProfile";
import { issue } from "../unit/mqtt/certificates";
import { type UnderTest, expectLawful, expectPatient, maybe, underTest, fresh, someName } from "./support";

let under: UnderTest;
beforeAll(async () => {
    under = await underTest();
});
afterAll(() => under.stop());

const reconciler = () => deviceProfile(() => under.server, () => new Date());
const text = fc.string({ unit: "grapheme", maxLength: 30 }).filter(value => value.trim() !== "" && !value.includes("<") && !value.includes("\0"));
const x509Chain = fc.record({
    commonNamePattern: fc.constantFrom("(.*)", "(.*)\\.factory\\.example", "(pump-\\d+)"),
    createDevices: fc.boolean(),
});
/** An authority goes into one profile only. */
const withAuthority = <Declared extends { readonly x509Chain?: object | undefined }>(declared: Declared): Declared => (declared.x509Chain ? { ...declared, x509Chain: { ...declared.x509Chain, certificatePem: issue("authority", { authority: true }).certificatePem } } : declared);
const mqtt = fc.record({ telemetryTopic: maybe(fc.constant("t/telemetry")), attributesTopic: maybe(fc.constant("t/attributes")), payloadType: maybe(fc.constant("JSON")), acknowledgeInvalid: maybe(fc.boolean()) });

const inputs = fc.oneof(
    fc.record({ name: someName, description: maybe(text), transport: maybe(fc.constant("DEFAULT")), x509Chain: maybe(x509Chain), default: maybe(fc.boolean()) }),
    fc.record({ name: someName, description: maybe(text), transport: fc.constant("MQTT"), mqtt: maybe(mqtt), x509Chain: maybe(x509Chain) }),
);

test("whatever is declared is unchanged right afterwards, after a read, and after an update", async () => {
    const before = under.emulator.status().deviceProfiles;
    await fc.assert(fc.asyncProperty(inputs, declared => expectLawful(reconciler(), withAuthority(fresh(declared)) as DeviceProfileInputs)), { numRuns: 40 });
    expect(under.emulator.status().deviceProfiles).toBe(before);
});

test("what is not known yet is no failure and no replacement, at any depth", async () => {
    const declared: DeviceProfileInputs = {
        name: "patient", description: "d", transport: "MQTT", mqtt: { telemetryTopic: "a", attributesTopic: "b", payloadType: "JSON", acknowledgeInvalid: true },
        x509Chain: { certificatePem: issue("authority", { authority: true }).certificatePem, commonNamePattern: "(.*)", createDevices: true }, declaredBy: "project/stack/patient",
    };
    const { outs } = await reconciler().create(declared);
    await expectPatient(reconciler(), outs!, declared);
});

test("what another stack has adopted is neither changed nor deleted, and this stack's update says whose it is", async () => {
    const first: DeviceProfileInputs = { name: "disputed", description: "ours", declaredBy: "project/one/ours" };
    const ours = await reconciler().create(first);
    const theirs = await reconciler().create({ name: "disputed", description: "theirs", adopt: true, declaredBy: "project/other/theirs" });
    await expect(reconciler().update(ours.id, ours.outs!, { ...first, description: "ours again" })).rejects.toThrow('device profile "disputed" was adopted by project/other/theirs (project/stack/resource) meanwhile: take it out of one of the two programs');
    await reconciler().delete(ours.id, ours.outs!);
    expect((await under.server.thingsboard.deviceProfile(theirs.id))?.description).toMatch(/^theirs\n\nAdopted by Pulumi: project\/other\/theirs /);
    // The mark is this stack's all the same where a resource of it was renamed.
    await reconciler().update(theirs.id, theirs.outs!, { name: "disputed", declaredBy: "project/other/renamed" });
});
