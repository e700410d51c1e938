// What comes along with the package: under which licences, and whether anything of it runs while it is installed.

import { readFileSync } from "node:fs";
import * as path from "node:path";
import satisfies from "spdx-satisfies";
import { expect, test } from "vitest";
import { locked, nameOf, repository, run } from "./support";

/** They ask for their notice to be kept, and nothing of a program that uses them: all go with Apache-2.0. */
const permissive = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CC0-1.0", "ISC", "MIT", "Python-2.0"];

/** Packages that say something else, and why they are all right. */
const others: Readonly<Record<string, string>> = {
    "@logdna/tail-file": "SEE LICENSE IN LICENSE", // the file holds the MIT licence, as the next test reads
    "spdx-exceptions": "CC-BY-3.0", // a list of names, not code; comes with npm's own libraries, which @pulumi/pulumi uses
};

test("every package that a user installs has a licence that goes with Apache-2.0", () => {
    const foreign = [...locked()].filter(([place, { license = "none" }]) => {
        const name = nameOf(place);
        return others[name] === undefined ? !isPermissive(license) : others[name] !== license;
    });
    expect(foreign.map(([place, { license }]) => `${place}: ${license}`)).toEqual([]);
});

function isPermissive(expression: string): boolean {
    try {
        return satisfies(expression, permissive);
    } catch {
        return false; // no SPDX expression
    }
}

test("the one that points to a file has the MIT licence there", () => {
    expect(readFileSync(path.join(repository, "node_modules/@logdna/tail-file/LICENSE"), "utf8")).toContain("Permission is hereby granted, free of charge");
});

test("nothing runs at installation, but a script of protobufjs that prints a warning", () => {
    const scripted = [...locked()].filter(([, { hasInstallScript }]) => hasInstallScript).map(([place]) => nameOf(place));
    // Comes with @pulumi/pulumi's gRPC. It looks how its version is declared in the project's package.json, and may be left out.
    expect(scripted).toEqual(["protobufjs"]);
    const { scripts } = JSON.parse(readFileSync(path.join(repository, "package.json"), "utf8")) as { scripts: Record<string, string> };
    for (const name of ["preinstall", "install", "postinstall"]) expect(scripts).not.toHaveProperty(name);
});

test("the bill of materials names every one of them, and none that is for development", async () => {
    const env = { ...process.env, PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env["PATH"]}` };
    const { stdout } = await run("npm", ["run", "--silent", "sbom"], { cwd: repository, env, maxBuffer: 64e6 });
    const bom = JSON.parse(stdout) as { bomFormat: string; metadata: { component: { name: string } }; components: { name: string; group?: string; version: string; licenses?: unknown[] }[] };
    expect(bom).toMatchObject({ bomFormat: "CycloneDX", metadata: { component: { name: "pulumi-thingsboard" } } });
    const named = new Set(bom.components.map(({ name, group, version }) => `${group === undefined ? "" : `${group}/`}${name}@${version}`));
    expect(named).toEqual(new Set([...locked()].map(([place, { version }]) => `${nameOf(place)}@${version}`)));
});
