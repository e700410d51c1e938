// The folder of a bundle: who may look in, what is never overwritten, what is noticed, what stays.

import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { UserError } from "../../../sdk/userError";
import { changesIn, digestsOf, removeFolder, writeFolder } from "../../../sdk/reconcilers/bundleFolder";

let base: string;
let folder: string;
beforeEach(() => {
    base = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-bundle-"));
    folder = path.join(base, "out", "pump-1");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const files = { "key.pem": "key\n", "cert.pem": "certificate\n" };
const holder = { declaredBy: "fleet/dev/pump-1", claim: "claim-1" };
const mode = (file: string) => (lstatSync(file).mode & 0o777).toString(8);

test("written for its owner alone, nothing changed, removed with the folder", async () => {
    await writeFolder(folder, files, holder);
    expect([mode(folder), mode(path.join(folder, "key.pem")), mode(path.join(folder, "cert.pem"))]).toEqual(["700", "600", "600"]);
    expect(readdirSync(folder).sort()).toEqual([".pulumi-thingsboard.json", "cert.pem", "key.pem"]);
    expect(await changesIn(folder, digestsOf(files))).toEqual({});
    expect(await removeFolder(folder, digestsOf(files), "claim-1")).toEqual([]);
    expect(readdirSync(base)).toEqual([]);
});

test("each change is noticed, and the next write puts it right", async () => {
    await writeFolder(folder, { ...files, "chain.pem": "chain\n", "a.pem": "a" }, holder);
    writeFileSync(path.join(folder, "cert.pem"), "other");
    chmodSync(path.join(folder, "key.pem"), 0o644);
    rmSync(path.join(folder, "chain.pem"));
    rmSync(path.join(folder, "a.pem"));
    symlinkSync("/etc/hostname", path.join(folder, "a.pem"));
    const wanted = digestsOf({ ...files, "chain.pem": "chain\n", "a.pem": "a" });
    expect(await changesIn(folder, wanted)).toEqual({ "cert.pem": "has other content", "key.pem": "may be read by others (mode 644)", "chain.pem": "is gone", "a.pem": "is a symbolic link" });
    await writeFolder(folder, files, holder);
    expect(await changesIn(folder, digestsOf(files))).toEqual({});
    expect(existsSync(path.join(folder, "a.pem"))).toBe(false);
    expect(existsSync("/etc/hostname")).toBe(true);
});

test("a folder that can't be made is told in a sentence, and so is a file in its place", async () => {
    const file = path.join(base, "file");
    writeFileSync(file, "mine");
    await expect(writeFolder(file, files, holder)).rejects.toThrow(new UserError(`${file} is no folder: give directory a folder of its own`));
    await expect(writeFolder(path.join(file, "below"), files, holder)).rejects.toThrow(new UserError(`${path.join(file, "below")} can't be made (ENOTDIR): give directory a folder of its own`));
    expect(readFileSync(file, "utf8")).toBe("mine");
});

test("a folder that is open to others, a link, or somebody else's is refused", async () => {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    chmodSync(folder, 0o755);
    await expect(writeFolder(folder, files, holder)).rejects.toThrow("may be opened by others (mode 755), and a private key goes there");
    const link = path.join(base, "link");
    mkdirSync(path.join(base, "real"), { mode: 0o700 });
    symlinkSync(path.join(base, "real"), link);
    await expect(writeFolder(link, files, holder)).rejects.toThrow("is a symbolic link, which is not followed");
    expect(readdirSync(path.join(base, "real"))).toEqual([]);
    chmodSync(folder, 0o700);
    writeFileSync(path.join(folder, "key.pem"), "mine");
    await expect(writeFolder(folder, files, holder)).rejects.toThrow("key.pem exists and was not written by this stack");
    expect(readFileSync(path.join(folder, "key.pem"), "utf8")).toBe("mine");
    rmSync(path.join(folder, "key.pem"));
    await writeFolder(folder, files, { declaredBy: "other/dev/pump-1", claim: "x" });
    await expect(writeFolder(folder, files, holder)).rejects.toThrow("holds the bundle of other/dev/pump-1");
});

test("removing leaves what was changed, what others put there, and what a successor holds", async () => {
    await writeFolder(folder, files, holder);
    writeFileSync(path.join(folder, "cert.pem"), "other");
    writeFileSync(path.join(folder, "notes.txt"), "mine");
    expect(await removeFolder(folder, digestsOf(files), "claim-1")).toEqual([path.join(folder, "cert.pem")]);
    expect(readdirSync(folder).sort()).toEqual(["cert.pem", "notes.txt"]);

    const second = path.join(base, "second");
    await writeFolder(second, files, holder);
    await writeFolder(second, files, { ...holder, claim: "claim-2" });
    await removeFolder(second, digestsOf(files), "claim-1");
    expect(await changesIn(second, digestsOf(files))).toEqual({});
});
