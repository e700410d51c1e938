// What is published: what is in it, how each kind of program imports it, and what that loads.

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startRegistry } from "./registry";
import { type Packed, packed, repository, run } from "./support";
import { type User, newUser } from "./user";

let tarball: Packed;
let user: User;
let project: string;
let commonjs: Program;
let module: Program;

// By pnpm: what the package imports and has not declared, is not found there.
beforeAll(async () => {
    tarball = await packed();
    const registry = await startRegistry(tarball);
    user = newUser(registry);
    project = user.emptyFolder();
    await user.run(project, "pnpm", "add", "--ignore-scripts", tarball.tarball);
    await registry.stop();
    commonjs = programs("commonjs");
    module = programs("module");
}, 120_000);
afterAll(async () => {
    tarball.remove();
    await user.remove();
}, 60_000);

interface Program {
    readonly folder: string;
    write(name: string, text: string): void;
    /** Standard output of a file of the folder. */
    node(...args: string[]): Promise<string>;
}

/** A folder below the one with the package, whose files are of one kind. */
function programs(type: "commonjs" | "module"): Program {
    const folder = path.join(project, type);
    mkdirSync(folder);
    const write = (name: string, text: string) => writeFileSync(path.join(folder, name), text);
    write("package.json", JSON.stringify({ type }));
    return { folder, write, node: async (...args) => (await run(process.execPath, args, { cwd: folder })).stdout };
}

describe("the tarball", () => {
    test("has what is built, its README, changelog and licence, and nothing else", () => {
        const { files } = tarball;
        expect(files.filter(name => !name.startsWith("bin/")).sort()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
        const built = files.filter(name => name.startsWith("bin/"));
        // The report's page is put into one file by the build (tools/page.mjs).
        const page = ["bin/report/page.css", "bin/report/page.js"];
        expect(built.filter(name => !/\.(js|d\.ts)$/.test(name) && !page.includes(name))).toEqual([]);
        expect(built).toEqual(expect.arrayContaining(page));
        const sourceOf = (name: string) => name.replace(/^bin/, "sdk").replace(/(\.d\.ts|\.js)$/, ".ts");
        expect(built.filter(name => !page.includes(name) && !existsSync(path.join(repository, sourceOf(name))))).toEqual([]);
    });

    test("has no source map, and no comment that promises one", () => {
        const built = path.join(project, "node_modules", "pulumi-thingsboard");
        const promising = tarball.files.filter(name => name.endsWith(".js") && readFileSync(path.join(built, name), "utf8").includes("sourceMappingURL"));
        expect(promising).toEqual([]);
    });

    test("is small", () => {
        const { size } = statSync(tarball.tarball);
        console.log(`${path.basename(tarball.tarball)}: ${Math.round(size / 1024)} KB, ${tarball.files.length} files`);
        expect(size).toBeLessThan(600 * 1024);
    });
});

const exported = ["CertificateAuthority", "Device", "DeviceBundle", "DeviceCertificate", "DeviceCredential", "DeviceFleet", "DeviceProfile", "EnrolmentCheck", "Provider", "PublishCheck", "ServerChain"];

describe("a program", () => {
    test("in CommonJS requires it", async () => {
        const script = `console.log(JSON.stringify([Object.keys(require("pulumi-thingsboard")), typeof require("pulumi-thingsboard/plugin").reconciler, typeof require("pulumi-thingsboard/emulator").startEmulator, require("pulumi-thingsboard/package.json").name]))`;
        const [names, ...others] = JSON.parse(await commonjs.node("-e", script)) as [string[], ...string[]];
        expect(names).toEqual(expect.arrayContaining(exported));
        expect(others).toEqual(["function", "function", "pulumi-thingsboard"]);
    });

    test("as an ES module imports each thing by its name", async () => {
        module.write("names.mjs", `
            import { ${exported.join(", ")} } from "pulumi-thingsboard";
            import { reconciler } from "pulumi-thingsboard/plugin";
            import { startEmulator } from "pulumi-thingsboard/emulator";
            console.log([${exported.join(", ")}, reconciler, startEmulator].map(thing => typeof thing).join());
        `);
        expect((await module.node("names.mjs")).trim()).toBe(Array<string>(exported.length + 2).fill("function").join());
    });

    test("can't reach what is inside", async () => {
        await expect(commonjs.node("-e", `require("pulumi-thingsboard/bin/thingsboard")`)).rejects.toThrow("ERR_PACKAGE_PATH_NOT_EXPORTED");
    });

    test.each([
        ["nodenext, ES module", "module", { module: "nodenext" }],
        ["nodenext, CommonJS", "commonjs", { module: "nodenext" }],
        ["a bundler", "module", { module: "esnext", moduleResolution: "bundler" }],
        ["as Pulumi's templates have it", "commonjs", { module: "commonjs", moduleResolution: "node10", ignoreDeprecations: "6.0" }],
    ])("in TypeScript sees its types: %s", async (_what, type, options) => {
        const { folder, write } = type === "module" ? module : commonjs;
        const tsconfig = { compilerOptions: { strict: true, target: "es2022", noEmit: true, skipLibCheck: true, types: [], ...options }, files: ["typed.ts"] };
        write("tsconfig.json", JSON.stringify(tsconfig));
        write("typed.ts", typed);
        const tsc = run(process.execPath, [path.join(repository, "node_modules", "typescript", "bin", "tsc"), "-p", folder]);
        expect(await tsc.then(() => "", (error: unknown) => (error as { stdout: string }).stdout)).toBe("");
    }, 60_000);
});

const typed = `
import * as tb from "pulumi-thingsboard";
import { reconciler } from "pulumi-thingsboard/plugin";
import { type Emulator, startEmulator } from "pulumi-thingsboard/emulator";

const device = new tb.Device("pump-1", { name: "pump-1", label: "in the cellar" });
const certificate = new tb.DeviceCertificate("pump-1", { commonName: "pump-1" });
const credential: tb.DeviceCredential = new tb.DeviceCredential("pump-1", { device, certificate });
const check = new tb.PublishCheck("pump-1", { credential, certificate });
// @ts-expect-error Types that were lost would let this pass.
new tb.Device("pump-2", { name: "pump-2", lable: "misspelt" });
export const message: string = await0(check.message);
export const started: Promise<Emulator> = startEmulator({});
export const name: string = reconciler("Device", 1).constructor.name;
function await0<Value>(output: { get(): Value }): Value {
    return output.get();
}
`;

test("the command says how it is used, and which version it is", async () => {
    const npx = (...args: string[]) => user.run(project, "npx", "--no-install", "pulumi-thingsboard", ...args);
    const help = await npx("--help");
    expect(help).toContain("Usage: pulumi-thingsboard");
    for (const command of ["emulator", "fleet", "report", "revoke"]) expect(help).toContain(`  ${command} `);
    const { version } = JSON.parse(readFileSync(path.join(repository, "package.json"), "utf8")) as { version: string };
    expect((await npx("--version")).trim()).toBe(version);
});

describe("what is not loaded", () => {
    const loaded = async (entry: string) => {
        const script = `require(${JSON.stringify(entry)}); console.log(JSON.stringify(Object.keys(require.cache)))`;
        const files = JSON.parse(await commonjs.node("-e", script)) as string[];
        return { rooms: new Set(files.map(file => /pulumi-thingsboard\/bin\/(\w+)\//.exec(file)?.[1])), packages: new Set(files.map(file => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1])) };
    };

    test("a program has no emulator, no command, and nothing that talks to a server", async () => {
        const { rooms, packages } = await loaded("pulumi-thingsboard");
        expect(rooms).toContain("resources");
        for (const room of ["emulator", "cli", "report", "reconcilers", "thingsboard", "mqtt"]) expect(rooms).not.toContain(room);
        expect(packages).toContain("@pulumi/pulumi");
        for (const name of ["hono", "@hono/node-server", "commander", "mqtt", "mqtt-packet", "axios", "pkijs", "@peculiar/x509", "reflect-metadata"]) expect(packages).not.toContain(name);
    });

    test("what the engine runs has no emulator and no command, and declares nothing", async () => {
        const { rooms, packages } = await loaded("pulumi-thingsboard/plugin");
        expect(rooms).toContain("reconcilers");
        for (const room of ["emulator", "cli", "report", "resources"]) expect(rooms).not.toContain(room);
        for (const name of ["hono", "@hono/node-server", "commander", "pkijs", "@peculiar/x509", "reflect-metadata"]) expect(packages).not.toContain(name);
    });
});
