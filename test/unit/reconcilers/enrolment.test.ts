// Enrolment checks and chain profiles against the emulator, without an engine.

import { afterAll, beforeAll, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../../sdk/emulator";
import { deviceCredential } from "../../../sdk/reconcilers/deviceCredential";
import { enrolmentCheck, type EnrolmentCheckInputs } from "../../../sdk/reconcilers/enrolmentCheck";
import { runEnrolment } from "../../../sdk/reconcilers/enrolmentRun";
import type { Server } from "../../../sdk/reconcilers/server";
import { connect } from "../../../sdk/thingsboard";
import { issueCanary } from "../../../sdk/x509/canary";
import { keyAndCertificate, openssl, type Pair, rootAuthority, selfSigned } from "../../support/openssl";

let emulator: Emulator;
let server: Server;
beforeAll(async () => {
    emulator = await startEmulator();
    server = {
        thingsboard: connect({ url: emulator.restUrl, credentials: { apiKey: emulator.apiKey } }),
        mqtt: { host: emulator.mqttsHost, port: emulator.mqttsPort, caPem: emulator.caPem },
        restHost: "127.0.0.1",
        restVerified: true,
    };
});
afterAll(() => emulator.stop());

const now = () => new Date();

let count = 0;
async function chainProfile(authority: Pair, more: { createDevices?: boolean } = {}) {
    const name = `profile-${++count}`;
    const profile = await server.thingsboard.createDeviceProfile(
        {
            name, type: "DEFAULT", transportType: "DEFAULT", provisionType: "X509_CERTIFICATE_CHAIN",
            profileData: {
                configuration: { type: "DEFAULT" },
                transportConfiguration: { type: "DEFAULT" },
                provisionConfiguration: { type: "X509_CERTIFICATE_CHAIN", provisionDeviceSecret: authority.certificatePem, certificateRegExPattern: "(.*)\\.example", allowCreateNewDevicesByX509Certificate: more.createDevices ?? true },
            },
        },
        () => false,
    );
    const inputs: EnrolmentCheckInputs = {
        deviceProfileId: profile.id.id, profileName: name, commonNamePattern: "(.*)\\.example", createDevices: true, anchorPem: authority.certificatePem,
        commonName: `canary-${count}.example`, authorityPem: authority.certificatePem, issuersPem: "", authorityKeyPem: authority.privateKeyPem, timeout: 10, onFailure: "fail",
    };
    return { profile, inputs };
}

test.each(["EC", "RSA"] as const)("a canary that an %s authority signs enrols, and nothing of it stays", async kind => {
    const { inputs } = await chainProfile(keyAndCertificate(kind, `${kind} root`));
    const made = await enrolmentCheck(() => server, () => undefined, now).create(inputs);
    expect(made.outs).toMatchObject({ outcome: "accepted", connackCode: 0 });
    expect(JSON.stringify(made)).not.toContain("PRIVATE KEY");
    expect(await server.thingsboard.deviceByName(`canary-${count}`)).toBeUndefined();
});

test("a canary that a crash left behind is recognised by its certificate and removed, a device is not", async () => {
    const authority = rootAuthority("Root");
    const { inputs, profile } = await chainProfile(authority);
    const name = `canary-${count}`;
    const device = { name, deviceProfileId: profile.id };
    const { certificatePem } = await issueCanary(authority.certificatePem, authority.privateKeyPem, inputs.commonName, now());
    await server.thingsboard.createDeviceWithCredentials(device, { credentialsType: "X509_CERTIFICATE", credentialsValue: certificatePem }, () => false);
    expect(await runEnrolment(server, inputs, now)).toMatchObject({ outcome: "accepted" });

    await server.thingsboard.createDeviceWithCredentials(device, { credentialsType: "X509_CERTIFICATE", credentialsValue: selfSigned(name) }, () => false);
    await expect(runEnrolment(server, inputs, now)).rejects.toThrow(`device "${name}" exists already, and a canary would replace its certificate`);
    // ThingsBoard stores any text as a certificate.
    const { id } = (await server.thingsboard.deviceByName(name))!;
    await server.thingsboard.saveCredentials({ ...(await server.thingsboard.credentials(id.id))!, credentialsValue: "hello" });
    await expect(runEnrolment(server, inputs, now)).rejects.toThrow(`device "${name}" exists already`);
});

test("a kind of key that can't sign a canary is told, by profile", async () => {
    const { inputs } = await chainProfile(keyAndCertificate("EC", "Root"));
    const authorityKeyPem = openssl(["genpkey", "-algorithm", "ed448"]);
    await expect(runEnrolment(server, { ...inputs, authorityKeyPem }, now)).rejects.toThrow(`enrolment check of device profile "${inputs.profileName}": a canary can't be signed with the authority's key, which is of type ed448: use one of EC P-256`);
});

test("a profile that changed on the server is told, and so is a server that is not trusted", async () => {
    const { inputs } = await chainProfile(rootAuthority("Root"), { createDevices: false });
    await expect(runEnrolment(server, inputs, now)).rejects.toThrow("it creates no devices (createDevices: false), so no canary can enrol");
    const { inputs: other } = await chainProfile(rootAuthority("Root"));
    const refused = await runEnrolment(server, { ...other, caPem: rootAuthority("Somebody").certificatePem }, now);
    expect(refused).toMatchObject({ outcome: "refused", message: expect.stringContaining("is not trusted") as string });
});

test("a canary's certificate is an end entity's, for two hours, and says what it is", async () => {
    const authority = rootAuthority("Root");
    const { certificatePem } = await issueCanary(authority.certificatePem, authority.privateKeyPem, "canary.example", now());
    const text = openssl(["x509", "-noout", "-subject", "-issuer", "-ext", "basicConstraints,extendedKeyUsage"], certificatePem);
    for (const shown of ["OU = pulumi-thingsboard enrolment check", "issuer=CN = Root", "CA:FALSE", "TLS Web Client Authentication"]) expect(text).toContain(shown);
});

test("binding directly in a profile with the chain strategy warns, and names the profile", async () => {
    const { profile } = await chainProfile(rootAuthority("Root"));
    await server.thingsboard.createDevice({ name: "direct", deviceProfileId: profile.id }, () => false);
    const warnings: string[] = [];
    await deviceCredential(() => server, now, text => warnings.push(text)).create({ deviceName: "direct", certificatePem: selfSigned("direct"), declaredBy: "fleet/dev/direct" });
    expect(warnings).toEqual([expect.stringContaining(`device profile "${profile.name}" has the X.509 chain strategy`)]);
});
