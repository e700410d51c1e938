// `pulumi-thingsboard explain`: one thing is wrong with a device at a time, and the first reason is that one. Faults of the
// server are in faults/.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Emulator, startEmulator } from "../../sdk/emulator";
import { bind, type Certificate, connect, makeCert, type Rest, restOf } from "../emulator/support";
import { command, environmentOf, folder, json, type Environment, type Ran } from "./support";

interface Explained {
    readonly refused: boolean;
    readonly reasons: readonly { readonly cause: string; readonly weight: string; readonly sentence: string; readonly remedy?: string }[];
    readonly facts: Readonly<Record<string, string>>;
}

let emulator: Emulator;
let rest: Rest;
let environment: Environment;
beforeAll(async () => {
    emulator = await startEmulator();
    rest = restOf(emulator);
    environment = environmentOf(emulator);
});
afterAll(() => emulator.stop());

const explain = (device: string, ...args: string[]): Promise<Ran> => command(environment, ["explain", device, "--json", ...args]);
async function explained(device: string, ...args: string[]): Promise<Explained & { code: number; first: Explained["reasons"][number] }> {
    const ran = await explain(device, ...args);
    const found = json<Explained>(ran);
    expect(ran.code).toBe(found.refused ? 1 : 0);
    return { ...found, code: ran.code, first: found.reasons[0]! };
}
const certOf = (certificate: Certificate, ...above: readonly Certificate[]) => ["--cert", folder().write("cert.pem", [certificate, ...above].map(({ pem }) => pem).join(""))];

describe("nothing speaks against", () => {
    test("a device that is connected", async () => {
        const certificate = makeCert({ cn: "well" });
        const id = await bind(rest, "well", certificate);
        const device = await connect(emulator, { certificate });
        await expect.poll(async () => (await rest("GET", `/api/plugins/telemetry/DEVICE/${id}/values/attributes/SERVER_SCOPE?keys=lastConnectTime`)).body).toHaveLength(1);
        const ran = await command(environment, ["explain", "well", ...certOf(certificate)]);
        device.end();
        expect(ran).toMatchObject({ code: 0, stderr: "" });
        expect(ran.stdout).toContain(`device "well" (${id}) on ${emulator.restUrl}\n\nnothing speaks against it: it is connected, since `);
        expect(ran.stdout).toMatch(/^certificate +the same, from --cert$/m);
    });

    test("one that has never come, asked for by its id", async () => {
        const id = await bind(rest, "idle", makeCert({ cn: "idle" }));
        const ran = await command(environment, ["explain", id]);
        expect(ran.code).toBe(0);
        expect(ran.stdout).toContain("nothing speaks against it: it has never connected. See that it has key and certificate");
    });
});

describe("the credential", () => {
    test("is another certificate than the device's", async () => {
        const bound = makeCert({ cn: "other" });
        await bind(rest, "other", bound);
        const { first, facts } = await explained("other", ...certOf(makeCert({ cn: "other" })));
        expect(first).toMatchObject({ cause: "other-certificate-bound", weight: "certain", remedy: expect.stringContaining("bind this one with DeviceCredential") as string });
        expect(facts["certificate"]).toMatch(/^"CN=other" \([0-9a-f]{12}…\), valid .* from --cert$/);
    });

    test("is an access token", async () => {
        await rest("POST", "/api/device", { name: "token" });
        expect((await explained("token")).first).toMatchObject({ cause: "token-bound", sentence: 'device "token": ThingsBoard holds an access token for it, so it lets in no certificate' });
        expect((await explained("token", ...certOf(makeCert({ cn: "token" })))).first).toMatchObject({ cause: "token-bound" });
    });

    test.each([
        ["text that is none", "hello"],
        ["a chain", () => makeCert({ cn: "chained" }).pem + makeCert({ cn: "Root", ca: true }).pem],
        ["a certificate with blanks before it", () => `   ${makeCert({ cn: "blank" }).pem}`],
    ])("is %s, which ThingsBoard has stored without a word", async (what, value) => {
        const text = typeof value === "function" ? value() : value;
        await rest("POST", "/api/device-with-credentials", { device: { name: what }, credentials: { credentialsType: "X509_CERTIFICATE", credentialsValue: text } });
        const { first } = await explained(what);
        expect(first).toMatchObject({ cause: "credential-unreadable", weight: "certain" });
        expect(first.sentence).toContain("holds something else than one certificate");
    });

    test("is bound to the device that the certificate is named after", async () => {
        const certificate = makeCert({ cn: "owner" });
        await bind(rest, "owner", certificate);
        await bind(rest, "thief", makeCert({ cn: "thief" }));
        const { first } = await explained("thief", ...certOf(certificate));
        expect(first).toMatchObject({ cause: "bound-to-another-device", sentence: expect.stringContaining('is bound to device "owner"') as string, remedy: "issue a certificate for each device" });
    });
});

describe("dates, by ThingsBoard's own clock", () => {
    test("expired", async () => {
        await bind(rest, "old", makeCert({ cn: "old", from: -20, to: -2 }));
        const ran = await command(environment, ["explain", "old"]);
        expect(ran.code).toBe(1);
        expect(ran.stdout).toMatch(/\n\nlikeliest reason {2}device "old": its certificate expired on .* UTC\nwhat to do {8}issue a new one, bind it with DeviceCredential and bring it to the device\n/);
    });

    test("expiring soon is a note, and no reason", async () => {
        await bind(rest, "soon", makeCert({ cn: "soon", to: 9 }));
        expect(await explained("soon")).toMatchObject({ refused: false, reasons: [{ cause: "expires-soon", weight: "note" }] });
    });
});

test("revoked: by the command, and remembered", async () => {
    const certificate = makeCert({ cn: "stolen" });
    await bind(rest, "stolen", certificate);
    expect((await command(environment, ["revoke", "stolen"])).code).toBe(0);
    const { first, reasons, facts } = await explained("stolen", ...certOf(certificate));
    expect(first).toMatchObject({ cause: "revoked", weight: "certain", remedy: "issue a new key and certificate" });
    expect(reasons[1]).toMatchObject({ cause: "token-bound" });
    expect(facts["revoked"]).toMatch(new RegExp(`^${certificate.id.slice(0, 12)}… on \\d{4}-`));
});

describe("its key was revoked, under an earlier certificate", () => {
    const revokedWith = async (name: string) => {
        const first = makeCert({ cn: name });
        const id = await bind(rest, name, first);
        expect((await command(environment, ["revoke", name])).code).toBe(0);
        return { id, next: makeCert({ cn: name, key: first.pair }) };
    };

    test("no deployment binds a new certificate for it, but one for another key; and what was revoked is one certificate", async () => {
        const { next } = await revokedWith("same key");
        const { first, facts, reasons } = await explained("same key", ...certOf(next));
        expect(first).toMatchObject({ cause: "key-revoked", weight: "certain", remedy: "issue a certificate for a new key" });
        expect(first.sentence).toMatch(/^device "same key": the key of this certificate was revoked on \d{4}-.*, with an earlier certificate, and is never bound again$/);
        expect(facts["revoked"]).toMatch(/^[0-9a-f]{12}… on [^,]+$/);
        expect(reasons.map(({ cause }) => cause)).not.toContain("revoked-before");
        const other = await explained("same key", ...certOf(makeCert({ cn: "same key" })));
        expect(other.reasons.find(({ cause }) => cause === "revoked-before")?.sentence).toBe("1 other certificate of this device was revoked before");
    });

    test("bound by hand it is let in, which is said", async () => {
        const { id, next } = await revokedWith("by hand");
        const { body: row } = await rest("GET", `/api/device/${id}/credentials`);
        await rest("POST", "/api/device/credentials", { ...row, credentialsType: "X509_CERTIFICATE", credentialsId: next.id, credentialsValue: next.b64 });
        const device = await connect(emulator, { certificate: next });
        expect(device.connack).toBe(0);
        device.end();
        const { refused, reasons } = await explained("by hand");
        expect({ refused, reasons }).toMatchObject({ refused: false, reasons: [{ cause: "revoked-and-bound", weight: "note", sentence: expect.stringMatching(/^the key of its certificate was revoked on \d{4}-.* so ThingsBoard lets it in$/) as string }] });
    });
});

test("gone: no device of this name", async () => {
    const { first } = await explained("pump 1");
    expect(first).toMatchObject({ cause: "device-gone", sentence: 'ThingsBoard has no device "pump 1"', remedy: expect.stringContaining("compare the name") as string });
});

describe("the device profile", () => {
    const profile = (name: string, more: object) =>
        rest("POST", "/api/deviceProfile", { name, type: "DEFAULT", transportType: "DEFAULT", provisionType: "DISABLED", profileData: { configuration: { type: "DEFAULT" }, transportConfiguration: { type: "DEFAULT" }, provisionConfiguration: { type: "DISABLED" } }, ...more });

    test("is for another transport", async () => {
        const made = await profile("lwm2m", { transportType: "LWM2M", profileData: { configuration: { type: "DEFAULT" }, transportConfiguration: { type: "LWM2M" }, provisionConfiguration: { type: "DISABLED" } } });
        expect(made.status).toBe(200);
        const certificate = makeCert({ cn: "coap" });
        await rest("POST", "/api/device-with-credentials", { device: { name: "coap", deviceProfileId: made.body.id }, credentials: { credentialsType: "X509_CERTIFICATE", credentialsValue: certificate.pem } });
        expect((await explained("coap")).first).toMatchObject({ cause: "other-transport", remedy: "give the device a profile with transport DEFAULT or MQTT" });
    });

    test("has the chain strategy, and the new leaf comes alone", async () => {
        const authority = makeCert({ cn: "Root", ca: true });
        const made = await profile("enrolling", {
            provisionType: "X509_CERTIFICATE_CHAIN",
            profileData: {
                configuration: { type: "DEFAULT" },
                transportConfiguration: { type: "DEFAULT" },
                provisionConfiguration: { type: "X509_CERTIFICATE_CHAIN", provisionDeviceSecret: authority.pem, certificateRegExPattern: "(.*)", allowCreateNewDevicesByX509Certificate: true },
            },
        });
        const first = makeCert({ cn: "enrolled", issuer: authority });
        await rest("POST", "/api/device-with-credentials", { device: { name: "enrolled", deviceProfileId: made.body.id }, credentials: { credentialsType: "X509_CERTIFICATE", credentialsValue: first.pem } });
        const next = makeCert({ cn: "enrolled", issuer: authority });
        const { reasons } = await explained("enrolled", ...certOf(next));
        expect(reasons.map(({ cause }) => cause)).toEqual(["other-certificate-bound", "chain-profile"]);
        expect(reasons[0]!.remedy).toBe("present leaf and chain in one PEM");
    });
});

describe("the server that the device meets", () => {
    test("does not take connections", async () => {
        await bind(rest, "cut-off", makeCert({ cn: "cut-off" }));
        const ran = await command({ ...environment, THINGSBOARD_MQTT_PORT: "9" }, ["explain", "cut-off", "--json"]);
        expect(json<Explained>(ran).reasons[0]).toMatchObject({ cause: "mqtt-port", weight: "likely", sentence: expect.stringContaining("nothing listens there") as string });
    });

    test("is not trusted here, which says nothing of the device", async () => {
        await bind(rest, "private", makeCert({ cn: "private" }));
        const ran = await command({ ...environment, THINGSBOARD_MQTT_CA_PEM: "" }, ["explain", "private", "--json"]);
        expect(ran.code).toBe(0);
        expect(json<Explained>(ran)).toMatchObject({ refused: false, reasons: [{ cause: "server-certificate", weight: "note" }] });
    });
});
