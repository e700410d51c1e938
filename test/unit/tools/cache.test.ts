import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

type Cache = typeof import("../../../tools/engine/cache.mjs");

let home: string;
let cache: Cache;

beforeEach(async () => {
    home = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
    vi.stubEnv("XDG_CACHE_HOME", home);
    vi.resetModules();
    cache = await import("../../../tools/engine/cache.mjs");
});
afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true, force: true });
});

describe("an entry of the engine's cache", () => {
    const fill = async (folder: string) => writeFileSync(path.join(folder, "part"), "whole");

    it("is made once, however many ask for it at the same time", async () => {
        const make = vi.fn(fill);
        const folders = await Promise.all([cache.cachedOr("entry", make), cache.cachedOr("entry", make)]);

        expect(make).toHaveBeenCalledTimes(1);
        expect(new Set(folders).size).toBe(1);
        expect(readFileSync(path.join(folders[0], "part"), "utf8")).toBe("whole");
    });

    it("is not there when making it failed, and nothing else is", async () => {
        await expect(cache.cachedOr("entry", async folder => {
            await fill(folder);
            throw new Error("no network");
        })).rejects.toThrow("no network");

        expect(cache.cached("entry")).toBeUndefined();
        expect(readdirSync(cache.cacheFolder)).toEqual([]);
    });

    it("can be made after a process died while making it", async () => {
        mkdirSync(cache.cacheFolder);
        const lock = path.join(cache.cacheFolder, ".entry.lock");
        writeFileSync(lock, "");
        const minuteAgo = new Date(Date.now() - 60_000);
        utimesSync(lock, minuteAgo, minuteAgo);

        await cache.cachedOr("entry", fill);
        expect(existsSync(lock)).toBe(false);
    });
});

describe("fingerprint", () => {
    it("changes with a text, with a file's content and with a file's name", () => {
        const folder = path.join(home, "sources");
        mkdirSync(folder);
        const seen = new Set<string>();
        const look = (text: string) => seen.add(cache.fingerprint([text], [folder]));

        look("linux");
        look("darwin");
        writeFileSync(path.join(folder, "a"), "1");
        look("linux");
        writeFileSync(path.join(folder, "a"), "2");
        look("linux");
        rmSync(path.join(folder, "a"));
        writeFileSync(path.join(folder, "b"), "2");
        look("linux");
        expect(seen.size).toBe(5);
        look("linux");
        expect(seen.size).toBe(5);
    });
});
