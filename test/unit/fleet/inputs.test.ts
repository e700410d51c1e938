// What a program declares a fleet with: refused at once where it can't work, and as short as it can be stored.

import { expect, test } from "vitest";
import type { DeviceFleetArgs, FleetDevice } from "../../../sdk/resources/deviceFleet";
import { checkArgs, declared, settingsOf } from "../../../sdk/resources/deviceFleetInputs";
import { certificateRequest, selfSigned } from "../../support/openssl";

const authority = {} as NonNullable<NonNullable<DeviceFleetArgs["certificate"]>["authority"]>;
const { csrPem, privateKeyPem } = certificateRequest("/CN=pump-1");

test.each([
    [{ csrPem }, undefined, "csrPem is given, and the fleet has no certificate.authority"],
    [{ csrPem, certificatePem: "…" }, authority, "csrPem and certificatePem exclude each other"],
    [{ certificatePem: "…", generation: 2 }, undefined, "generation and certificatePem exclude each other"],
    [{ generation: 0 }, undefined, "generation is 0: expected a whole number above 0"],
    [{ generation: 1.5 }, undefined, "generation is 1.5"],
])("%#: a device that can't be", (rest: Omit<FleetDevice, "name">, signing, reason) => {
    const args = { devices: [{ name: "pump-1", ...rest }], ...(signing ? { certificate: { authority: signing } } : {}) };
    expect(() => checkArgs("pumps", args, 32, undefined)).toThrow(`DeviceFleet "pumps": device "pump-1": ${reason}`);
});

test.each([
    [{ devices: ["a", "b", "a"] }, 'devices has "a" twice'],
    // What a list that was read from JSON may hold.
    [{ devices: ["a", null as never] }, 'DeviceFleet "pumps": devices has an entry whose name is null: expected text'],
    [{ devices: [{} as never] }, 'DeviceFleet "pumps": devices has an entry whose name is undefined: expected text'],
    [{ devices: ["__proto__"] }, "declare it as a Device"],
    [{ devices: [], certificate: { keyAlgorithm: "DSA" as never } }, 'certificate.keyAlgorithm is "DSA": expected one of EC_P256, EC_P384, RSA_2048, RSA_3072, RSA_4096'],
    [{ devices: [], certificate: { rotationPolicy: "never" as never } }, 'certificate.rotationPolicy is "never": expected "newKey" or "keepKey"'],
    [{ devices: [], concurrency: 0 }, "concurrency is 0: expected a whole number, 1 to 1000"],
    [{ devices: [], maxRemovals: -1 }, "maxRemovals is -1"],
])("%#: a fleet that can't be", (args: DeviceFleetArgs, reason) => {
    expect(() => checkArgs("pumps", args, 32, undefined)).toThrow(reason);
});

const details = (device: Omit<FleetDevice, "name">) => (declared([{ name: "pump-1", ...device }])["details"] as Record<string, Record<string, unknown>> | undefined)?.["pump-1"];

test("requests and certificates become one line, and a generation of 1 is not written down", () => {
    expect(details({ csrPem, generation: 1 })).toEqual({ csr: csrPem.replace(/-----[^-]+-----|\s/g, "") });
    const certificatePem = selfSigned("pump-1");
    expect(details({ certificatePem })).toEqual({ certificate: certificatePem.replace(/-----[^-]+-----|\s/g, "") });
    expect(details({ generation: 1 })).toBeUndefined();
    expect(details({ generation: 2 })).toEqual({ generation: 2 });
});

test("a private key that was given by mistake goes no further than this, and can still be complained about", () => {
    const encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0A\n\nc2VjcmV0\n-----END RSA PRIVATE KEY-----\n";
    for (const text of [csrPem + privateKeyPem, privateKeyPem, encrypted, privateKeyPem.split("-----END")[0]!]) {
        for (const field of ["csrPem", "certificatePem"] as const) {
            const left = Object.values(details({ [field]: text })!).join();
            expect(left).toContain("PRIVATE KEY");
            expect(left).not.toContain(privateKeyPem.split("\n")[1]);
            expect(left).not.toMatch(/c2VjcmV0|Proc-Type/);
        }
    }
});

test("a publish check by its devices alone, or with a mode", () => {
    expect(settingsOf({ devices: [] })).toMatchObject({ publishCheck: "sample" });
    expect(settingsOf({ devices: [] })).not.toHaveProperty("checkMode");
    expect(settingsOf({ devices: [], publishCheck: { devices: "all", mode: "publish" } })).toEqual(settingsOf({ devices: [], publishCheck: "all" }));
    expect(settingsOf({ devices: [], publishCheck: { devices: "all", mode: "connect" } })).toMatchObject({ publishCheck: "all", checkMode: "connect" });
});

test("keys and their rotation are called as for a single DeviceCertificate; state has words of its own", () => {
    expect(settingsOf({ devices: [] })).toMatchObject({ algorithm: "EC_P256", rotationPolicy: "always" });
    expect(settingsOf({ devices: [], certificate: { keyAlgorithm: "EC_P384", rotationPolicy: "keepKey" } })).toMatchObject({ algorithm: "EC_P384", rotationPolicy: "never" });
    expect(settingsOf({ devices: [], certificate: { rotationPolicy: "newKey" } })).toMatchObject({ rotationPolicy: "always" });
});
