// `pulumi-thingsboard fleet`: what it hands to Pulumi, prints, logs and exports, for devices with hostile names.

import { randomBytes, createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, onTestFinished } from "vitest";
import { commandLine, repository } from "../support/commandLine";
import { emulated } from "../support/live";
import { emulatedThingsBoard } from "../support/thingsboard";
import { watched } from "./watched";

const project = path.join(import.meta.dirname, "fleet");
const names = JSON.parse(readFileSync(path.join(project, "names.json"), "utf8")) as string[];
const main = path.join(repository, "bin/cli/main.js");

emulated.test("secrets go from stack to stack unseen, and names of devices stay in their folder", { timeout: 4 * 60_000 }, async () => {
    const server = await emulatedThingsBoard();
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
    const pulumi = commandLine(project, {});
    const stack = pulumi.environment["PULUMI_STACK"]!;
    onTestFinished(async () => {
        pulumi.remove();
        for (const name of readdirSync(project).filter(name => name.startsWith(`Pulumi.${stack}`) || name === ".pulumi-thingsboard")) rmSync(path.join(project, name), { recursive: true });
        rmSync(folder, { recursive: true, force: true });
        await server.stop();
    });
    await pulumi.create();
    const me = await server.call<{ id: { id: string } }>("GET", "/api/auth/user");
    const { value: apiKey } = await server.call<{ value: string }>("POST", "/api/apiKey", { description: "canary", enabled: true, userId: { entityType: "USER", id: me.id.id } });
    const unused = `canary-${randomBytes(12).toString("hex")}`;
    await pulumi("config", "set", "thingsboard:url", server.emulator.restUrl);
    await pulumi("config", "set", "--secret", "thingsboard:apiKey", "--", apiKey);
    await pulumi("config", "set", "--secret", "--path", "deep.secret", "--", unused);
    const fleet = (...args: string[]) => watched([main, "fleet", ...args, "--cwd", project], pulumi.environment, path.join(folder, "tmp"), process.execPath);

    const before = process.umask(0);
    const up = await fleet("up", "--shards", "1").finally(() => process.umask(before));
    expect(up.code, up.output).toBe(0);
    expect(up.output).toContain("up: 1 of 1 shards done");
    for (const name of names) expect(await server.deviceByName(name), name).toBeDefined();

    const settings = readFileSync(path.join(project, `Pulumi.${stack}-0.yaml`), "utf8");
    expect(settings).toMatch(/thingsboard:apiKey:\s+secure: /);
    // Structured configuration arrives as it was.
    expect(JSON.parse(await pulumi("config", "get", "deep", "--stack", `${stack}-0`))).toEqual({ secret: unused });
    const logs = path.join(project, ".pulumi-thingsboard");
    const written = readdirSync(logs).map(name => path.join(logs, name));
    expect(written).toHaveLength(1);
    expect([logs, ...written].map(file => (lstatSync(file).mode & 0o777).toString(8))).toEqual(["700", "600"]);
    const others = up.environments.split("\n").filter(line => !line.startsWith("PULUMI_CONFIG=")).join("\n");
    const places = { output: up.output, commandLines: up.commandLines, environments: others, temporaryFiles: up.temporaryFiles, logs: written.map(file => readFileSync(file, "utf8")).join("\n"), settings, state: pulumi.rawState() };
    for (const [place, text] of Object.entries(places)) {
        for (const secret of [apiKey, unused]) expect([place, text.includes(secret)]).toEqual([place, false]);
        expect([place, /PRIVATE KEY-----/.test(text)]).toEqual([place, false]);
    }
    expect(up.commandLines).toContain("config cp");
    expect(up.output).not.toMatch(/[\u001b\u202e]/);

    // Somebody who may write to the folder would have the key written elsewhere.
    const out = path.join(folder, "out");
    expect((await fleet("export", "--shards", "1", "--out", out, "--device", "a/b")).code).toBe(0);
    const [own] = readdirSync(out).filter(name => name.endsWith(".key"));
    rmSync(path.join(out, own!));
    const elsewhere = path.join(folder, "elsewhere");
    symlinkSync(elsewhere, path.join(out, own!));
    writeFileSync(path.join(out, "%2Drf.key"), "", { mode: 0o644 });
    const exported = await fleet("export", "--shards", "1", "--out", out);
    expect(exported.code, exported.output).toBe(0);
    expect(exported.output + exported.commandLines + exported.environments).not.toContain("PRIVATE KEY");
    expect(existsSync(elsewhere)).toBe(false);
    expect(readdirSync(folder).sort()).toEqual(["out", "tmp"]);
    const files = readdirSync(out);
    expect(files).toHaveLength(2 * names.length);
    expect(files).toEqual(expect.arrayContaining(["%2E.%2F..%2Fescaped.key", "%2E..key", "a%2Fb.key", "%4EUL.key", "%2Drf.key"]));
    for (const name of files.filter(name => name.endsWith(".key"))) {
        const file = path.join(out, name);
        expect([name, lstatSync(file).isFile(), (lstatSync(file).mode & 0o777).toString(8)]).toEqual([name, true, "600"]);
        expect(new X509Certificate(readFileSync(file.replace(/key$/, "pem"))).checkPrivateKey(createPrivateKey(readFileSync(file)))).toBe(true);
    }
    // Names in JSON are written with its own escapes, and come out of it as they were.
    const printed = await fleet("export", "--shards", "1", "--json", ...names.map(name => `--device=${name}`));
    expect(printed.output).not.toMatch(/[\u001b\u009b\u202e]/);
    expect((JSON.parse(printed.output.trim()) as { name: string }[]).map(({ name }) => name).sort()).toEqual([...names].sort());
    const destroyed = await fleet("destroy", "--shards", "1");
    expect(destroyed.code, destroyed.output).toBe(0);
});
