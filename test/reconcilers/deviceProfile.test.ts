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
