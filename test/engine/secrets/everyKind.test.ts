// Private keys stay here: of each kind of resource, none is in anything that is sent to ThingsBoard, in an argument, in an
// environment, or in a file that others may read.

import { createPrivateKey } from "node:crypto";
import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, onTestFinished } from "vitest";
import { commandLine } from "../support/commandLine";
import { emulated } from "../support/live";
import { reverseProxy } from "../support/reverseProxy";
import { emulatedThingsBoard } from "../support/thingsboard";
import { watched } from "./watched";

const project = path.join(import.meta.dirname, "kinds");
const password = "canary-pkcs12-password-0123456789";

/** The beginning of any EC P-256 key, as PKCS#8 and as SEC 1 write it. */
const anyKey = /PRIVATE KEY|MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg|MHcCAQEEI/;

/** How one key may look: in the forms of PEM and DER, and its secret number alone. */
function formsOf(pem: string): string[] {
    const key = createPrivateKey(pem);
    const secret = Buffer.from(key.export({ format: "jwk" }).d!, "base64url");
    const lines = (["pkcs8", "sec1"] as const).map(type => key.export({ type, format: "pem" }).toString().split("\n")[2]!);
    return [...lines, secret.toString("hex"), secret.toString("base64"), secret.toString("base64url")];
}

/** PEM of every key in a state: as text, or as the base64 of a fleet. */
function keysIn(state: string): string[] {
    const texts = [...state.matchAll(/-----BEGIN (?:EC )?PRIVATE KEY-----(?:\\+n[A-Za-z0-9+/=]+)+/g)].map(([block]) => block.split(/\\+n/).slice(1).join(""));
    const ofFleet = [...state.matchAll(/MIGHAgEAMBMGByqGSM49AgEG[A-Za-z0-9+/]+=*(?=\\*")/g)].map(([text]) => text);
    const parsed = [...texts, ...ofFleet].flatMap(text => {
        const type = text.startsWith("MIG") ? "pkcs8" : "sec1";
        return createPrivateKey({ key: Buffer.from(text, "base64"), format: "der", type }).export({ type: "pkcs8", format: "pem" }).toString();
    });
    return [...new Set(parsed)];
}

emulated.test("no key of any kind of resource leaves this machine, or is to be seen on it", { timeout: 4 * 60_000 }, async () => {
    const server = await emulatedThingsBoard();
    const recorder = await reverseProxy(server.emulator.restUrl, { plain: true });
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
    const pulumi = commandLine(project, {});
    onTestFinished(async () => {
        await pulumi("destroy", "--yes", "--skip-preview").catch(() => undefined);
        pulumi.remove();
        rmSync(folder, { recursive: true, force: true });
        await recorder.stop();
        await server.stop();
    });
    await pulumi.create();
    const directory = path.join(folder, "bundle");
    const { host, port, caPem } = server.mqtts;
    const plain = { "thingsboard:url": recorder.url, "thingsboard:mqttHost": host, "thingsboard:mqttPort": String(port), "thingsboard:mqttCaPem": caPem, directory };
    for (const [key, value] of Object.entries(plain)) await pulumi("config", "set", key, "--", value);
    await pulumi("config", "set", "--secret", "thingsboard:apiKey", "--", server.emulator.apiKey);
    await pulumi("config", "set", "--secret", "pkcs12Password", "--", password);

    const temporary = path.join(folder, "tmp");
    const run = (...args: string[]) => watched(["--non-interactive", "--color", "never", "--cwd", project, ...args], pulumi.environment, temporary);
    // Inherited by all of its processes: the most careless one there is.
    const before = process.umask(0);
    const seen = await run("up", "--yes", "--skip-preview").finally(() => process.umask(before));
    expect(seen.code, seen.output).toBe(0);

    const keys = keysIn(await pulumi("stack", "export", "--show-secrets"));
    // Root, intermediate, a pair and its successor, the signed one, three of the fleet.
    expect(keys.length).toBeGreaterThanOrEqual(8);
    const forms = [...keys.flatMap(formsOf), password];
    const where = (text: string) => forms.filter(form => text.includes(form)).length;

    const sent = recorder.received.join("\n");
    expect(recorder.received.length).toBeGreaterThan(20);
    // That it would be seen: the certificates are.
    expect(sent).toMatch(/POST \/api\/device-with-credentials[\s\S]*"credentialsValue":"MII/);
    expect(sent).toMatch(/POST \/api\/deviceProfile\b[\s\S]*BEGIN CERTIFICATE/);
    expect([where(sent), anyKey.test(sent)]).toEqual([0, false]);

    const { output, commandLines, environments, temporaryFiles } = seen;
    for (const [what, text] of Object.entries({ output, commandLines, temporaryFiles })) expect([what, where(text), anyKey.test(text), text.includes(server.emulator.apiKey)]).toEqual([what, 0, false, false]);
    // The program gets the stack's configuration from Pulumi in PULUMI_CONFIG, with what the user has put there as a secret.
    const others = environments.split("\n").filter(line => !line.startsWith("PULUMI_CONFIG=")).join("\n");
    expect([where(others), anyKey.test(environments), others.includes(server.emulator.apiKey)]).toEqual([0, false, false]);

    const modes = Object.fromEntries(readdirSync(directory).map(name => [name, (lstatSync(path.join(directory, name)).mode & 0o777).toString(8)]));
    expect(modes).toEqual({ ".pulumi-thingsboard.json": "600", "cert.pem": "600", "chain.pem": "600", "device.p12": "600", "key.pem": "600", "tb-server-chain.pem": "600" });
    expect((lstatSync(directory).mode & 0o777).toString(8)).toBe("700");

    await pulumi("destroy", "--yes", "--skip-preview");
    const after = recorder.received.join("\n");
    expect([where(after), anyKey.test(after)]).toEqual([0, false]);
});
