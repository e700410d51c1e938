import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { programDependencies, requiredPlugins } from "../../../tools/engine/language-host/packages.mjs";

let root: string;

beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function manifest(folder: string, content: object): void {
    mkdirSync(path.join(root, folder), { recursive: true });
    writeFileSync(path.join(root, folder, "package.json"), JSON.stringify(content));
}

describe("the plugins that a program needs", () => {
    it("are named by its packages, in its own folder, in those above and nested", () => {
        manifest("node_modules/@pulumi/tls", { name: "@pulumi/tls", version: "5.6.1", pulumi: { resource: true, name: "tls", version: "5.6.1" } });
        manifest("node_modules/fleet", { name: "fleet", version: "1.0.0" });
        manifest("node_modules/fleet/node_modules/@pulumi/random", { name: "@pulumi/random", version: "4.0.0", pulumi: { resource: true } });
        manifest("examples/one/node_modules/@acme/pulumi-gates", { name: "@acme/pulumi-gates", version: "1.2.3", pulumi: { resource: true, server: "https://plugins.example.com" } });
        manifest("node_modules/@pulumi/pulumi", { name: "@pulumi/pulumi", version: "3.270.0", pulumi: { comment: "no plugin" } });
        manifest("node_modules/axios", { name: "axios", version: "1.0.0" });

        const plugins = requiredPlugins(path.join(root, "examples/one"));
        expect(plugins.map(({ name, version, server }) => ({ name, version, server }))).toEqual(expect.arrayContaining([
            { name: "tls", version: "5.6.1", server: "" },
            { name: "random", version: "4.0.0", server: "" },
            { name: "acme-pulumi-gates", version: "1.2.3", server: "https://plugins.example.com" },
        ]));
        expect(plugins).toHaveLength(3);
    });

    it("are found although a package is linked to a folder above", () => {
        manifest("node_modules/@pulumi/tls", { name: "@pulumi/tls", version: "5.6.1", pulumi: { resource: true } });
        manifest(".", { name: "itself", version: "0.1.0" });
        symlinkSync("..", path.join(root, "node_modules", "itself"));

        expect(requiredPlugins(root).map(({ name }) => name)).toEqual(["tls"]);
    });
});

it("a program's dependencies are those its package.json names, in the version nearest to it", () => {
    manifest("program", { dependencies: { axios: "^1.0.0" }, devDependencies: { typescript: "^6.0.0" } });
    manifest("program/node_modules/axios", { name: "axios", version: "1.2.0" });
    manifest("node_modules/axios", { name: "axios", version: "1.1.0" });
    manifest("node_modules/typescript", { name: "typescript", version: "6.0.3" });
    manifest("node_modules/mqtt", { name: "mqtt", version: "5.0.0" });

    const found = programDependencies(path.join(root, "program")).map(({ name, version }) => `${name} ${version}`);
    expect(found.sort()).toEqual(["axios 1.2.0", "typescript 6.0.3"]);
});
