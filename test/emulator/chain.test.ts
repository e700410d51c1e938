// The X.509 chain strategy, with its weakness.
import { afterAll, beforeEach, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../sdk/emulator";
import { connect, makeCert, restOf, type Certificate, type Rest } from "./support";

let emulator: Emulator | undefined;
let rest: Rest;
const root = makeCert({ cn: "root", ca: true });
const intermediate = makeCert({ cn: "intermediate", ca: true, issuer: root });
const leafOf = (name: string, more: object = {}): Certificate => makeCert({ cn: `${name}.factory.example`, issuer: intermediate, ...more });

beforeEach(async () => {
    await emulator?.stop();
    emulator = await startEmulator();
    rest = restOf(emulator);
    const { status } = await rest("POST", "/api/deviceProfile", {
        name: "factory",
        type: "DEFAULT",
        transportType: "DEFAULT",
        provisionType: "X509_CERTIFICATE_CHAIN",
        profileData: {
            configuration: { type: "DEFAULT" },
            transportConfiguration: { type: "DEFAULT" },
            provisionConfiguration: {
                type: "X509_CERTIFICATE_CHAIN",
                provisionDeviceSecret: intermediate.pem,
                certificateRegExPattern: "(.*)\\.factory\\.example",
                allowCreateNewDevicesByX509Certificate: true,
            },
        },
    });
    expect(status).toBe(200);
});
afterAll(() => emulator?.stop());

const arrive = async (certificate: Certificate, ...chain: Certificate[]): Promise<unknown> => {
    const client = await connect(emulator as Emulator, { certificate, chain });
    client.end();
    return client.connack;
};
const bound = async (name: string): Promise<string | undefined> => {
    const device = await rest("GET", `/api/tenant/devices?deviceName=${name}`);
    return device.status === 200 ? (await rest("GET", `/api/device/${device.body.id.id}/credentials`)).body.credentialsId : undefined;
};

test("an expired leaf is refused, and its device is created all the same", async () => {
    const leaf = leafOf("old", { from: -30, to: -1 });
    expect(await arrive(leaf, intermediate)).toBe(5);
    expect(await bound("old")).toBe(leaf.id);
});

test("an old leaf with its chain registers itself again", async () => {
    const [first, second] = [leafOf("pump"), leafOf("pump")];
    expect(await arrive(first, intermediate)).toBe(0);
    expect(await arrive(second, intermediate)).toBe(0);
    expect(await arrive(first)).toBe(5);
    expect(await arrive(first, intermediate)).toBe(0);
    expect(await bound("pump")).toBe(first.id);
});

test("a leaf key that is not bound signs for any name and takes that device over", async () => {
    const victim = leafOf("victim");
    expect(await arrive(victim, intermediate)).toBe(0);
    const thief = leafOf("thief", { ca: false });
    const forged = makeCert({ cn: "victim.factory.example", issuer: thief });
    expect(await arrive(forged, thief, intermediate)).toBe(0);
    expect(await bound("victim")).toBe(forged.id);
    expect(await arrive(victim)).toBe(5);
});

test("a leaf that is bound at that moment can't sign", async () => {
    const victim = leafOf("victim");
    const thief = leafOf("thief", { ca: false });
    for (const leaf of [victim, thief]) expect(await arrive(leaf, intermediate)).toBe(0);
    expect(await arrive(makeCert({ cn: "victim.factory.example", issuer: thief }), thief, intermediate)).toBe(5);
    expect(await bound("victim")).toBe(victim.id);
});

test("a profile that was switched off keeps its key and lets nobody in", async () => {
    const profile = (await rest("GET", "/api/deviceProfiles?pageSize=10&page=0&textSearch=factory")).body.data[0];
    await rest("POST", "/api/deviceProfile", { ...profile, provisionType: "DISABLED", profileData: { ...profile.profileData, provisionConfiguration: { type: "DISABLED" } } });
    expect(await arrive(leafOf("late"), intermediate)).toBe(5);
    expect(await bound("late")).toBeUndefined();
});

test("a certificate without a common name", async () => {
    expect(await arrive(makeCert({ subject: [["O", "x"]], issuer: intermediate }), intermediate)).toBe(5);
});

test("a pattern for any case, as Java writes it, takes a name in any case", async () => {
    const { id } = (await rest("GET", "/api/deviceProfileInfos?pageSize=10&page=0&textSearch=factory")).body.data[0];
    const profile = (await rest("GET", `/api/deviceProfile/${id.id}`)).body;
    profile.profileData.provisionConfiguration.certificateRegExPattern = "(?i)(.*)\\.factory\\.example";
    profile.profileData.provisionConfiguration.provisionDeviceSecret = intermediate.pem;
    expect((await rest("POST", "/api/deviceProfile", profile)).status).toBe(200);
    const leaf = makeCert({ cn: "Pump.FACTORY.Example", issuer: intermediate });
    expect(await arrive(leaf, intermediate)).toBe(0);
    expect(await bound("Pump")).toBe(leaf.id);
});
