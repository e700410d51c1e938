// Names of devices in file names and in addresses: whatever they hold, they lead nowhere else.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { fileNames } from "../../../sdk/cli/fleet/fileNames";
import { part, query } from "../../../sdk/thingsboard/path";
import { UserError } from "../../../sdk/userError";
import { client, device, serve } from "../thingsboard/support";

const hostile = [
    "../../x", "a/b", "..", ".", "...", "/etc/passwd", "\\\\server\\share", "C:\\x", "a\0b", "NUL", "nul.txt", "con", "COM1", "LPT9.log", "-rf", "--out=x", "~root", "$(id)", "`id`", "a;b", "a b", "a\nb",
    "*", "a'b", '"', "%2e%2e%2f", "..%2f", "Pump", "pump", "PUMP", "ａ／ｂ", "👨‍👩‍👧", "\ud800", "\udc00", "é", "e\u0301", "x".repeat(255), "泵".repeat(255), `${"x".repeat(199)}y`, ".key", "a.key", "a.pem",
];
const anyName = fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: "binary", minLength: 1, maxLength: 255 }), fc.array(fc.constantFrom("..", "/", "\\", ".", "a", "%", "\0", " "), { minLength: 1, maxLength: 20 }).map(parts => parts.join("")));

test("a file name for each device: one step below the folder, its own, and one that each file system takes", () => {
    fc.assert(
        fc.property(fc.uniqueArray(anyName, { maxLength: 40 }), names => {
            const fileOf = fileNames();
            const files = names.flatMap(name => [".pem", ".key"].map(ending => fileOf(name) + ending));
            for (const file of files) {
                expect(path.posix.join("/out", file)).toBe(`/out/${file}`);
                expect(path.win32.basename(path.win32.join("C:\\out", file))).toBe(file);
                expect(file).toMatch(/^[A-Za-z0-9%_][A-Za-z0-9%_.-]*$/);
                expect(Buffer.byteLength(file)).toBeLessThanOrEqual(255);
                expect(file).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)\./i);
            }
            expect(new Set(files.map(file => file.toLowerCase())).size).toBe(2 * names.length);
            expect(names.map(fileOf)).toEqual(files.filter(file => file.endsWith(".pem")).map(file => file.slice(0, -4)));
        }),
    );
    expect(fileNames()("pump-1")).toBe("pump-1");
    expect(fileNames()("../../x")).toBe("%2E.%2F..%2Fx");
});

test("and they can be written", () => {
    const base = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-names-"));
    onTestFinished(() => rmSync(base, { recursive: true, force: true }));
    const fileOf = fileNames();
    for (const name of hostile) writeFileSync(path.join(base, `${fileOf(name)}.pem`), name, { flag: "wx" });
    expect(readdirSync(base)).toHaveLength(hostile.length);
    expect(readFileSync(path.join(base, "%2E.%2F..%2Fx.pem"), "utf8")).toBe("../../x");
});

test("a part of an address stays one part, and a parameter one parameter", () => {
    fc.assert(
        fc.property(anyName, name => {
            let encoded: string;
            try {
                encoded = part(name);
            } catch (error) {
                expect(error).toBeInstanceOf(UserError);
                return;
            }
            const url = new URL(`https://tb.example/base/api/device/${encoded}/credentials${query({ name, page: 1 })}`);
            expect(url.origin).toBe("https://tb.example");
            expect(url.hash).toBe("");
            const parts = url.pathname.split("/");
            expect(parts).toHaveLength(6);
            expect([parts.slice(0, 4).join("/"), decodeURIComponent(parts[4]!), parts[5]]).toEqual(["/base/api/device", name, "credentials"]);
            expect([...url.searchParams.keys()]).toEqual(["name", "page"]);
            expect(url.searchParams.get("name")).toBe(name);
        }),
    );
});

test("what a server is asked for a device of any name is the one call that finds it", async () => {
    const server = await serve(({ path }) => ({ body: device(new URL(path, "http://x").searchParams.get("deviceName") ?? "") }));
    const thingsboard = client(server.url);
    for (const name of hostile.filter(name => !/\p{Cs}/u.test(name))) expect((await thingsboard.deviceByName(name))?.name).toBe(name);
    expect(new Set(server.received.map(({ path }) => path.split("?")[0]))).toEqual(new Set(["/api/tenant/devices"]));
});
