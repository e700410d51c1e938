// Files with secrets in them: nobody else may read them, nobody else can have them written elsewhere.

import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { startEmulator } from "../../../sdk/emulator";
import { privateFolder, writePrivate } from "../../../sdk/privateFile";
import { writeFolder } from "../../../sdk/reconcilers/bundleFolder";

let base: string;
beforeEach(() => void (base = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-files-"))));
afterEach(() => rmSync(base, { recursive: true, force: true }));

const mode = (file: string) => (lstatSync(file).mode & 0o777).toString(8);
const below = (folder: string) => readdirSync(folder, { recursive: true, encoding: "utf8" }).map(name => [name, mode(path.join(folder, name))] as const);

/** The most careless of users: whatever is made is everybody's, unless its maker says otherwise. */
function withoutUmask(): void {
    const before = process.umask(0);
    onTestFinished(() => void process.umask(before));
}

const holder = { declaredBy: "project/stack/pump-1", claim: "claim" };

test("umask 000: a bundle's files are 0600, the folders that it makes 0700, and no draft stays", async () => {
    withoutUmask();
    await writeFolder(path.join(base, "a", "b"), { "key.pem": "key", "device.p12": Buffer.from("store") }, holder);
    expect(Object.fromEntries(below(base))).toEqual({ a: "700", "a/b": "700", "a/b/key.pem": "600", "a/b/device.p12": "600", "a/b/.pulumi-thingsboard.json": "600" });
});

test("umask 000: one file, in place of one that everybody could read", async () => {
    withoutUmask();
    const file = path.join(base, "pump-1.key");
    writeFileSync(file, "old", { mode: 0o666 });
    chmodSync(file, 0o666);
    await writePrivate(file, "key");
    expect([readFileSync(file, "utf8"), mode(file)]).toEqual(["key", "600"]);
    expect(readdirSync(base)).toEqual(["pump-1.key"]);
});

test("a symbolic link is replaced, and what it points to is left alone", async () => {
    const [target, link] = [path.join(base, "target"), path.join(base, "pump-1.key")];
    for (const there of [true, false]) {
        if (there) writeFileSync(target, "somebody else's");
        symlinkSync(target, link);
        await writePrivate(link, "key");
        expect(lstatSync(link).isFile()).toBe(true);
        expect(existsSync(target) && readFileSync(target, "utf8")).toBe(there && "somebody else's");
        rmSync(link);
        rmSync(target, { force: true });
    }
});

test("a file that can't be written leaves no draft with its content", async () => {
    mkdirSync(path.join(base, "pump-1.key"));
    await expect(writePrivate(path.join(base, "pump-1.key"), "key")).rejects.toThrow();
    expect(readdirSync(base)).toEqual(["pump-1.key"]);
});

test("a folder is private when it is made, and refused where others could put something in the way", () => {
    withoutUmask();
    privateFolder(path.join(base, "out", "keys"), "choose another");
    expect([mode(path.join(base, "out")), mode(path.join(base, "out", "keys"))]).toEqual(["700", "700"]);
    mkdirSync(path.join(base, "open"));
    expect(() => privateFolder(path.join(base, "open"), "choose another")).toThrow(/^others may write to .*open \(mode 777\), and secrets go there: run "chmod go-w" on it, or choose another$/);
    mkdirSync(path.join(base, "of-a-group"), { mode: 0o770 });
    expect(() => privateFolder(path.join(base, "of-a-group"), "choose another")).toThrow("(mode 770), and secrets go there");
    symlinkSync(path.join(base, "out"), path.join(base, "link"));
    expect(() => privateFolder(path.join(base, "link"), "choose another")).toThrow("a symbolic link, which is not followed: choose another");
    writeFileSync(path.join(base, "file"), "");
    expect(() => privateFolder(path.join(base, "file"), "choose another")).toThrow(/file is no folder: choose another$/);
    expect(() => privateFolder(path.join(base, "file", "below"), "choose another")).toThrow(/below can't be made \(ENOTDIR\): choose another$/);
});

test("umask 000: what an emulator keeps is for its owner, and a link in the place of its keys is not followed", async () => {
    withoutUmask();
    const dir = path.join(base, "emulator");
    mkdirSync(dir, { mode: 0o700 });
    const outside = path.join(base, "outside");
    symlinkSync(outside, path.join(dir, "keys.json"));
    symlinkSync(outside, path.join(dir, "data.ndjson.new"));
    const emulator = await startEmulator({ dir });
    try {
        await emulator.rotateServerCertificate({ authority: "new" });
    } finally {
        await emulator.stop();
    }
    expect(existsSync(outside)).toBe(false);
    expect(Object.fromEntries(below(dir).filter(([name]) => !name.endsWith(".pem")))).toEqual({ "keys.json": "600", "data.ndjson": "600" });
    for (const [name, text] of below(dir).filter(([name]) => name.endsWith(".pem")).map(([name]) => [name, readFileSync(path.join(dir, name), "utf8")] as const)) expect([name, text.includes("PRIVATE KEY")]).toEqual([name, false]);
});

test("umask 000: an emulator without a folder has a private one, which goes with it", async () => {
    withoutUmask();
    const emulator = await startEmulator();
    const folder = path.dirname(emulator.caFile);
    expect(mode(folder)).toBe("700");
    await emulator.stop();
    expect(existsSync(folder)).toBe(false);
});
