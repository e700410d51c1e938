// An authority's own renewal on the real engine and the real TLS provider: its key stays, and so does all that it signed.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { RunError } from "@pulumi/pulumi";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openssl, renewedRoot, rootAuthority } from "../support/openssl";
import { own } from "./support/live";
import { type Program, failure, tb, testStack } from "./support/stack";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
let folder: string;
beforeAll(async () => {
    server = await thingsBoard();
    folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-authority-"));
});
afterEach(() => {
    delete process.env["THINGSBOARD_CLOCK_OFFSET_DAYS"];
});
afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await server.stop();
});

type Authority = import("pulumi-thingsboard").CertificateAuthorityArgs;

const file = (name: string, text: string): string => {
    const at = path.join(folder, name);
    writeFileSync(at, text, { mode: 0o600 });
    return at;
};
const blocks = (pem: unknown): string[] => (pem as string).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];

/** What OpenSSL says of a leaf below these, the root last. */
function verified(leafPem: unknown, authorities: readonly string[]): string {
    const [leaf, root, between] = [file("leaf.pem", leafPem as string), file("root.pem", authorities.at(-1)!), file("between.pem", authorities.join(""))];
    return openssl(["verify", "-purpose", "sslclient", "-x509_strict", "-CAfile", root, "-untrusted", between, leaf]);
}

/** An identifier of a key, of the certificate's own or of its issuer's. */
const keyId = (pem: string, extension: "subjectKeyIdentifier" | "authorityKeyIdentifier"): string =>
    /(?:[0-9A-F]{2}:)+[0-9A-F]{2}/.exec(openssl(["x509", "-noout", "-ext", extension], pem))![0];

/** Connects as a device does: standard error of mosquitto_pub, empty when it was let in. */
async function publish(keyPem: unknown, chainPem: string): Promise<string> {
    const trust = server.mqtts.caPem === "" ? ["--capath", "/etc/ssl/certs"] : ["--cafile", file("server.pem", server.mqtts.caPem)];
    const args = [...trust, "-q", "1", "-h", server.mqtts.host, "-p", String(server.mqtts.port), "-t", "v1/devices/me/telemetry", "--key", file("key.pem", keyPem as string), "--cert", file("chain.pem", chainPem), "-m", "{}"];
    return promisify(execFile)("mosquitto_pub", args).then(() => "", (error: unknown) => (error as { stderr: string }).stderr);
}

test("root and intermediate are issued anew for their keys: no device's certificate changes, and a profile is updated in place", async () => {
    const declare = (root: Partial<Authority>, intermediate: Partial<Authority["intermediate"]>, ...more: string[]): Program => async () => {
        const authority = new tb.CertificateAuthority("factory", {
            commonName: "Factory root", organization: "Acme", validityDays: 200, ...root,
            intermediate: { commonName: "Factory devices", validityDays: 150, ...intermediate },
        });
        new tb.DeviceProfile("pumps", { name: own("renewed"), x509Chain: { authority, commonNamePattern: "(.*)\\.example" } });
        const certificate = new tb.DeviceCertificate("direct", { commonName: own("direct"), authority });
        const credential = new tb.DeviceCredential("direct", { device: new tb.Device("direct", { name: own("direct") }), certificate });
        const fleet = new tb.DeviceFleet("fleet", { devices: [own("member")], batches: 1, certificate: { authority } });
        const enrolling = ["first", ...more].map(name => new tb.DeviceCertificate(name, { commonName: `${own(name)}.example`, authority }));
        return {
            authorities: authority.chainPem,
            certificates: [certificate, ...enrolling].map(({ certificatePem }) => certificatePem),
            keys: enrolling.map(({ privateKeyPem }) => privateKeyPem),
            fleet: fleet.deviceOutput(own("member")).certificatePem,
            revision: credential.bindingRevision,
        };
    };
    const stack = await testStack(server, declare({}, {}));
    const before = (await stack.up()).outputs;
    const [oldIntermediate, oldRoot] = blocks(before["authorities"]) as [string, string];
    const [direct, first] = before["certificates"] as [string, string];
    const [firstKey] = before["keys"] as [string];
    expect(await publish(firstKey, first + oldIntermediate + oldRoot)).toBe("");

    // Due, and reported alone: a third of the validity before the end.
    process.env["THINGSBOARD_CLOCK_OFFSET_DAYS"] = "140";
    stack.setEnvironment("THINGSBOARD_CLOCK_OFFSET_DAYS", "140");
    const reported = await stack.preview({ expectNoChanges: true });
    expect(reported.output).toMatch(/the authority "O=Acme, CN=Factory root" expires on \S+, in 59 days: set renewal: "immediate"/);
    expect(reported.output).toMatch(/the authority "O=Acme, CN=Factory devices" expires on \S+, in 9 days: set intermediate\.renewal: "immediate"/);

    // Leaves are valid for a year, and all of them outlast the intermediate.
    const outlasting = ({ output }: { readonly output: string }) => [...new Set(output.match(/warning: (DeviceCertificate|fleet) .*refuses .*/g))].sort();
    expect(outlasting(reported)).toEqual([
        expect.stringMatching(/^warning: DeviceCertificate "(direct|first)", and perhaps others of its authority: it is valid until \S+, and the authority "O=Acme, CN=Factory devices" until \S+ only, from when on whoever verifies its chain refuses it; set intermediate\.renewal: "immediate" on the authority, which .*, or issue for fewer days \(validityDays\)$/),
        expect.stringMatching(new RegExp(`^warning: fleet "fleet": 1 of its certificates \\("${own("member")}"\\) is valid for longer than the authority "O=Acme, CN=Factory devices", which ends on .*; set intermediate\\.renewal: .*certificate\\.validityDays\\)$`)),
    ]);

    // The root: the profile holds the intermediate, so it has nothing to do with that.
    stack.program = declare({ renewal: "immediate" }, {});
    const rooted = await stack.up();
    expect(rooted.changes).toMatchObject({ replace: 1, update: 1 });
    const [sameIntermediate, newRoot] = blocks(rooted.outputs["authorities"]) as [string, string];
    expect(sameIntermediate).toBe(oldIntermediate);
    expect(newRoot).not.toBe(oldRoot);

    // The intermediate: with it the profile, in place. And one more device, which comes to be below the old ones and the
    // new ones alike, as do those that were there before.
    stack.program = declare({ renewal: "immediate" }, { renewal: "immediate" }, "second");
    const preview = await stack.preview();
    expect(preview.changes).toMatchObject({ replace: 1, update: 2 });
    expect(preview.output).toMatch(/pulumi-nodejs:dynamic\/thingsboard:DeviceProfile: \(update\)/);
    const renewed = await stack.up();
    expect(renewed.changes).toMatchObject({ replace: 1, update: 2 });
    const after = renewed.outputs;
    expect(outlasting(rooted)).toHaveLength(2);
    expect(outlasting(renewed)).toEqual([]);
    await stack.preview({ refresh: true, expectNoChanges: true });
    const [newIntermediate] = blocks(after["authorities"]) as [string];
    const [sameDirect, sameFirst, second] = after["certificates"] as [string, string, string];
    expect([sameDirect, sameFirst, after["fleet"], after["revision"]]).toEqual([direct, first, before["fleet"], before["revision"]]);
    expect(newIntermediate).not.toBe(oldIntermediate);
    for (const leaf of [direct, first, second, after["fleet"]]) {
        expect(verified(leaf, [newIntermediate, newRoot])).toContain("OK");
        expect(verified(leaf, [oldIntermediate, oldRoot])).toContain("OK");
        expect(keyId(leaf as string, "authorityKeyIdentifier")).toBe(keyId(newIntermediate, "subjectKeyIdentifier"));
    }
    expect(keyId(newIntermediate, "subjectKeyIdentifier")).toBe(keyId(oldIntermediate, "subjectKeyIdentifier"));
    expect(keyId(newRoot, "subjectKeyIdentifier")).toBe(keyId(oldRoot, "subjectKeyIdentifier"));

    // Whoever is bound goes on with the chain that it has; whoever enrols needs the one that the profile holds.
    const [, secondKey] = after["keys"] as [string, string];
    expect(await publish(firstKey, first + oldIntermediate + oldRoot)).toBe("");
    expect(await publish(firstKey, first + newIntermediate + newRoot)).toBe("");
    expect(await publish(secondKey, second + oldIntermediate + oldRoot)).toMatch(/not authori[sz]ed/i);
    expect(await publish(secondKey, second + newIntermediate + oldRoot)).toBe("");

    await server.call("DELETE", `/api/device/${(await server.deviceByName(own("first")))!.id.id}`);
    await server.call("DELETE", `/api/device/${(await server.deviceByName(own("second")))!.id.id}`);
});

test("the renewed certificate of an existing authority issues its intermediate anew, and no device's certificate", async () => {
    const root = rootAuthority("Existing root");
    const declare = (certificatePem: string): Program => async () => {
        const authority = new tb.CertificateAuthority("existing", { ...root, certificatePem, intermediate: { commonName: "Devices below it" } });
        return { authorities: authority.chainPem, leaf: new tb.DeviceCertificate("leaf", { commonName: "leaf", authority }).certificatePem };
    };
    const stack = await testStack(server, declare(root.certificatePem));
    const first = await stack.up();
    const before = first.outputs;
    expect(first.output).toMatch(/DeviceCertificate "leaf", and perhaps others.* the authority "CN=Existing root" until .* refuses it; give the authority's renewed certificate before, or issue for fewer days/);
    stack.program = declare(renewedRoot(root, "Existing root"));
    const { changes, outputs } = await stack.up();
    expect(changes).toMatchObject({ replace: 1 });
    expect(outputs["leaf"]).toBe(before["leaf"]);
    expect(outputs["authorities"]).not.toBe(before["authorities"]);
    expect(verified(outputs["leaf"], blocks(outputs["authorities"]))).toContain("OK");
});

test("settings that can't work are named in preview", async () => {
    const root = rootAuthority("Root");
    const rsaPss = openssl(["req", "-x509", "-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048", "-nodes", "-days", "3", "-keyout", "/dev/null", "-subj", "/CN=PSS"]);
    const mistakes: [Authority, string][] = [
        [{ commonName: "r", renewal: "staged" as "report" }, 'renewal is "staged": expected "report" or "immediate"'],
        [{ commonName: "r", validityDays: 80, renewBeforeDays: 90 }, "renewBeforeDays is 90: expected more than 0 and less than the 80 days of validity"],
        [{ commonName: "r", validityDays: 0 }, "validityDays is 0: expected a whole number of days, 1 to 36500"],
        [{ commonName: "r", intermediate: { commonName: "i", renewBeforeDays: 0 } }, "intermediate.renewBeforeDays is 0: expected more than 0"],
        [{ ...root, certificatePem: rsaPss }, 'certificatePem: the authority "CN=PSS" has a key of type rsa-pss, with which nothing is signed here: use one with EC P-256, or RSA'],
        [{ ...root, renewal: "immediate" }, "renewal and certificatePem exclude each other: an existing authority is renewed where it was made"],
    ];
    const stack = await testStack(server, async () => {
        throw new RunError(mistakes.map(([args], index) => attempt(() => new tb.CertificateAuthority(`a${index}`, args))).join("\n"));
    });
    const said = await failure(stack.preview());
    mistakes.forEach(([, sentence], index) => expect(said).toContain(`CertificateAuthority "a${index}": ${sentence}`));
});

function attempt(mistake: () => unknown): string {
    try {
        mistake();
    } catch (error) {
        return String(error);
    }
    return "no objection";
}
