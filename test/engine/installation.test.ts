// The package as somebody installs it who has nothing else: into an empty folder, by npm and by pnpm, for programs of each
// kind that Node runs. (The README's own program is TypeScript: readme.test.ts.)

import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Registry, startRegistry } from "../package/registry";
import { type Packed, packed } from "../package/support";
import { type User, newUser } from "../package/user";
import { commandLine, repository } from "./support/commandLine";
import { own } from "./support/live";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
let tarball: Packed;
let registry: Registry;
let user: User;
beforeAll(async () => {
    server = await thingsBoard();
    tarball = await packed();
    registry = await startRegistry(tarball);
    user = newUser(registry);
});
afterAll(async () => {
    await user.remove();
    await registry.stop();
    tarball.remove();
    await server.stop();
});

describe("npm", () => {
    let project: string;
    beforeAll(async () => {
        project = user.emptyFolder();
        await user.run(project, "npm", "install", tarball.tarball, "@pulumi/pulumi");
    });

    test("an ES module", () => deploys(project, "module"));
    test("CommonJS", () => deploys(project, "commonjs"));
});

describe("pnpm, where a package finds only what it has declared", () => {
    let project: string;
    beforeAll(async () => {
        project = user.emptyFolder();
        await user.run(project, "pnpm", "add", "--allow-build=protobufjs", tarball.tarball, "@pulumi/pulumi");
    });

    test("an ES module", () => {
        expect(readdirSync(path.join(project, "node_modules", "@pulumi"))).toEqual(["pulumi"]);
        return deploys(project, "module");
    });
});

test("both have asked the registry for nothing but what package-lock.json has", () => {
    expect(registry.refused).toEqual([]);
});

const begin = {
    module: 'import * as tb from "pulumi-thingsboard"; export const result =',
    commonjs: 'const tb = require("pulumi-thingsboard"); exports.result =',
};

async function deploys(project: string, kind: "module" | "commonjs"): Promise<void> {
    const name = own(`by-${kind}`);
    const main = `index.${kind === "module" ? "mjs" : "cjs"}`;
    writeFileSync(path.join(project, "Pulumi.yaml"), `name: installed\nruntime: nodejs\nmain: ${main}\n`);
    writeFileSync(path.join(project, main), `${begin[kind]} (() => {
        const device = new tb.Device("pump", { name: ${JSON.stringify(name)} });
        const certificate = new tb.DeviceCertificate("pump", { commonName: ${JSON.stringify(name)} });
        const credential = new tb.DeviceCredential("pump", { device, certificate });
        return new tb.PublishCheck("pump", { credential, certificate }).message;
    })();\n`);
    const pulumi = commandLine(project, server.environment);
    onTestFinished(async () => {
        await pulumi("destroy", "--yes", "--skip-preview").catch(() => undefined);
        pulumi.remove();
    });
    await pulumi.create();
    // Before the program runs, the engine has looked which plugins its packages need.
    expect(await pulumi("plugin", "ls", "--project")).toMatch(/^tls +resource/m);
    await pulumi("up", "--yes", "--skip-preview");
    expect(await pulumi.outputs()).toEqual({ result: expect.stringContaining(`device "${name}" was accepted`) as string });
    await pulumi("preview", "--refresh", "--expect-no-changes");
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(await server.deviceByName(name)).toBeUndefined();
}

test("a program that does not have the package in its own folder is told so, before anything is made", async () => {
    const project = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-module-"));
    writeFileSync(path.join(project, "Pulumi.yaml"), "name: modules\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n");
    writeFileSync(path.join(project, "package.json"), JSON.stringify({ name: "modules", private: true, main: "index.js" }));
    writeFileSync(path.join(project, "index.js"), `new (require(${JSON.stringify(repository)}).Device)("d", { name: "nowhere" });`);
    mkdirSync(path.join(project, "node_modules"));
    symlinkSync(path.join(repository, "node_modules", "@pulumi"), path.join(project, "node_modules", "@pulumi"));
    const pulumi = commandLine(project, server.environment);
    onTestFinished(() => {
        pulumi.remove();
        rmSync(project, { recursive: true, force: true });
    });
    await pulumi.create();
    await expect(pulumi("preview")).rejects.toThrow(`pulumi-thingsboard can't be found from ${project}`);
});
