// Programs of each kind that Node runs, with the package as it is published: one CommonJS build, which ES modules import by
// name.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { commandLine, repository } from "./support/commandLine";
import { type Packed, installInto, packed } from "../package/support";
import { own } from "./support/live";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
let tarball: Packed;
beforeAll(async () => {
    server = await thingsBoard();
    tarball = await packed();
});
afterAll(async () => {
    tarball.remove();
    await server.stop();
});

test.each([
    ["an ES module", "module", `import { Device } from "pulumi-thingsboard"; const device = new Device("d", { name: "NAME" }); export const deviceId = device.deviceId;`],
    ["CommonJS", "commonjs", `const tb = require("pulumi-thingsboard"); exports.deviceId = new tb.Device("d", { name: "NAME" }).deviceId;`],
])("%s", async (_what, type, program) => {
    const name = own(`by-${type}`);
    const project = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-module-"));
    writeFileSync(path.join(project, "Pulumi.yaml"), "name: modules\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n");
    writeFileSync(path.join(project, "package.json"), JSON.stringify({ name: "modules", private: true, type, main: "index.js" }));
    writeFileSync(path.join(project, "index.js"), program.replace("NAME", name));
    await installInto(project, tarball);
    const pulumi = commandLine(project, server.environment);
    onTestFinished(async () => {
        await pulumi("destroy", "--yes", "--skip-preview").catch(() => undefined);
        pulumi.remove();
        rmSync(project, { recursive: true, force: true });
    });
    await pulumi.create();
    await pulumi("up", "--yes", "--skip-preview");
    expect(await pulumi.outputs()).toEqual({ deviceId: (await server.deviceByName(name))!.id.id });
    await pulumi("preview", "--refresh", "--expect-no-changes");
});

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
