// Whether a version is ready, and whether what is written about working here is true.

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { faultsOf, notesOf } from "../../tools/release/check.mjs";
import { repository, run } from "./support";

const changelog = "# Changelog\n\n## 1.1.0\n\n- News.\n- More.\n\n## 1.0.0\n\n- First.\n";

test("a version's notes are its section of the changelog", () => {
    expect(notesOf(changelog, "1.1.0")).toBe("- News.\n- More.");
    expect(notesOf(changelog, "1.0.0")).toBe("- First.");
    expect(notesOf(changelog, "1.2.0")).toBeUndefined();
    expect(notesOf("# Changelog\n\n## 1.1.0 (unreleased)\n\n- News.\n", "1.1.0")).toBeUndefined();
});

test("what is missing for a release is said, one thing after the other", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-release-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const write = (name: string, text: string) => {
        mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
        writeFileSync(path.join(folder, name), text);
    };
    write("package.json", '{"version":"1.1.0"}');
    write("package-lock.json", '{"version":"1.0.0"}');
    write("CHANGELOG.md", "# Changelog\n");
    expect(faultsOf("v1.2.0", folder)).toEqual([
        "the tag is v1.2.0, and package.json says 1.1.0: tag the commit that sets the version",
        "package-lock.json is of another version than package.json (1.1.0): run npm install --package-lock-only --ignore-scripts",
        'CHANGELOG.md has no section "## 1.1.0", or an empty one: say what users will see',
        "test/upgrade/1.1.0 is missing: record what this version deploys (node test/upgrade/record.mjs 1.1.0), for later ones to read",
    ]);
    write("package-lock.json", '{"version":"1.1.0"}');
    write("CHANGELOG.md", changelog);
    write("test/upgrade/1.1.0/stack.json", "{}");
    expect(faultsOf("v1.1.0", folder)).toEqual([]);
});

test("the commands that CONTRIBUTING.md has for a release make a version that lacks its recording alone", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-release-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const name of ["package.json", "package-lock.json", "CHANGELOG.md", ".changeset/config.json"]) cpSync(path.join(repository, name), path.join(folder, name));
    mkdirSync(path.join(folder, "node_modules"));
    for (const name of [".bin", "@changesets"]) symlinkSync(path.join(repository, "node_modules", name), path.join(folder, "node_modules", name));
    writeFileSync(path.join(folder, ".changeset", "brave-pumps-sing.md"), '---\n"pulumi-thingsboard": minor\n---\n\n`Device.tags`: what else a device is called.\n');

    const commands = readFileSync(path.join(repository, "CONTRIBUTING.md"), "utf8").split("\n").filter(line => /^(npx changeset version|npm install --package-lock-only) /.test(line));
    expect(commands).toHaveLength(2);
    const PATH = [path.dirname(process.execPath), process.env["PATH"]].join(path.delimiter);
    await run("bash", ["-euo", "pipefail", "-c", commands.join("\n")], { cwd: folder, env: { ...process.env, PATH, npm_config_offline: "true", npm_config_cache: path.join(folder, "cache") } });

    const { version } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as { version: string };
    expect(faultsOf(`v${version}`, folder)).toEqual([expect.stringMatching(/^test\/upgrade\/.* is missing/) as string]);
    expect(notesOf(readFileSync(path.join(folder, "CHANGELOG.md"), "utf8"), version)).toContain("- `Device.tags`: what else a device is called.");
    expect(existsSync(path.join(folder, ".changeset", "brave-pumps-sing.md"))).toBe(false);
});

const written = ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...in_("docs", ".md"), ...in_(".github/workflows", ".yml"), ".github/pull_request_template.md"];

test.each(written)("the commands in %s exist", name => {
    const { scripts } = JSON.parse(readFileSync(path.join(repository, "package.json"), "utf8")) as { scripts: Record<string, string> };
    const text = readFileSync(path.join(repository, name), "utf8");
    const commands = [...text.matchAll(/\bnpm run (?:--silent )?([a-z][\w:-]*)/g)].map(([, command]) => command!);
    expect(commands.filter(command => !(command in scripts))).toEqual([]);
    const files = [...text.matchAll(/\bnode ((?:tools|test|bench)\/[\w./-]+)/g)].map(([, file]) => file!);
    expect(files.filter(file => !existsSync(path.join(repository, file)))).toEqual([]);
});

test("the rooms in CONTRIBUTING.md are there, and there is no other", () => {
    const text = readFileSync(path.join(repository, "CONTRIBUTING.md"), "utf8");
    const rooms = new Set([...text.matchAll(/^\| `(sdk\/\w+\/)`/gm)].map(([, room]) => room));
    const found = readdirSync(path.join(repository, "sdk"), { withFileTypes: true }).filter(entry => entry.isDirectory());
    expect(rooms).toEqual(new Set(found.map(({ name }) => `sdk/${name}/`)));
});

function in_(folder: string, extension: string): string[] {
    return readdirSync(path.join(repository, folder)).filter(name => name.endsWith(extension)).map(name => `${folder}/${name}`);
}
