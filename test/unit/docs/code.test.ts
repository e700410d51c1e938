// The TypeScript of the pages compiles, and the commands in them exist.

import { execFileSync } from "node:child_process";
import * as path from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { blocksOf, pages, root } from "./pages";

const blocks = pages.flatMap(blocksOf);

/** What a page's blocks speak of without declaring it again. */
const prelude = `
declare const config: import("@pulumi/pulumi").Config;
declare const provider: import("pulumi-thingsboard").Provider;
declare const device: import("pulumi-thingsboard").Device;
declare const certificate: import("pulumi-thingsboard").DeviceCertificate;
declare const credential: import("pulumi-thingsboard").DeviceCredential;
declare const authority: import("pulumi-thingsboard").CertificateAuthority;
declare const emulator: import("pulumi-thingsboard/emulator").Emulator;
declare const csrPem: string;
declare const certificatePem: string;
declare const names: string[];
`;

const imports: readonly (readonly [RegExp, string])[] = [
    [/\bpulumi\./, `import * as pulumi from "@pulumi/pulumi";`],
    [/\btb\./, `import * as tb from "pulumi-thingsboard";`],
    [/\breadFileSync\(/, `import { readFileSync } from "node:fs";`],
];

it("the TypeScript in the pages compiles", () => {
    const folder = path.join(root, "docs-blocks");
    const files = new Map([[path.join(folder, "prelude.d.ts"), prelude]]);
    for (const { page, line, language, text } of blocks) {
        if (language !== "ts") continue;
        const missing = imports.filter(([use, statement]) => use.test(text) && !text.includes(statement)).map(([, statement]) => statement);
        // On one line, so that the others keep their numbers.
        files.set(path.join(folder, `${page.replaceAll("/", "__")}__${line}.ts`), `export {}; ${missing.join(" ")} ${text}`);
    }
    expect(files.size).toBeGreaterThan(10);

    const options: ts.CompilerOptions = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, strict: true, skipLibCheck: true, noEmit: true, types: ["node"], typeRoots: [path.join(root, "node_modules", "@types")] };
    const host = ts.createCompilerHost(options);
    const { fileExists, readFile, getSourceFile } = host;
    host.fileExists = name => files.has(name) || fileExists(name);
    host.readFile = name => files.get(name) ?? readFile(name);
    host.getSourceFile = (name, languageVersion, ...rest) => {
        const text = files.get(name);
        return text === undefined ? getSourceFile(name, languageVersion, ...rest) : ts.createSourceFile(name, text, languageVersion);
    };
    const faults = ts.getPreEmitDiagnostics(ts.createProgram([...files.keys()], options, host)).map(({ file, start, messageText }) => {
        const [page, first] = path.basename(file?.fileName ?? "", ".ts").split(/__(?=\d+$)/);
        const line = Number(first) + (file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line : 0);
        return `${page?.replaceAll("__", "/")}:${line}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
    });
    expect(faults).toEqual([]);
}, 60_000);

it("the Registry's page shows the program of the README, which a test deploys", () => {
    const programs = blocks.filter(({ text }) => text.startsWith("import * as pulumi")).map(({ page, text }) => [page, text]);
    const [[, ofReadme] = []] = programs.filter(([page]) => page === "README.md");
    expect(ofReadme).toContain("new tb.PublishCheck(");
    expect(programs.filter(([page]) => page === "docs/_index.md").map(([, text]) => text)).toEqual([ofReadme]);
});

it("the commands in the pages exist, with their options", () => {
    const shell = blocks.filter(({ language }) => language === "sh" || language === "");
    const uses = shell.flatMap(({ page, line, text }) =>
        [...text.replaceAll(/\\\n\s*/g, " ").matchAll(/(?<![\w./-])pulumi-thingsboard ((?:[a-z][a-z-]*)(?: (?:up|preview|refresh|destroy|status|export)(?= |$))?)([^\n|;&)]*)/gm)].map(([, command, rest]) => ({ at: `${page}:${line}`, command: command!, options: [...rest!.replace(/\s#.*/, "").matchAll(/--[a-z-]+/g)].map(([option]) => option) })),
    );
    expect(uses.length).toBeGreaterThan(5);
    const helps = new Map<string, string>();
    for (const { at, command, options } of uses) {
        const help = helps.get(command) ?? helpOf(command);
        helps.set(command, help);
        expect.soft(help, `${at}: pulumi-thingsboard ${command}`).toContain(`Usage: pulumi-thingsboard ${command}`);
        for (const option of options) expect.soft(help, `${at}: pulumi-thingsboard ${command} ${option}`).toMatch(new RegExp(`${option}\\b`));
    }
}, 60_000);

/** Empty for a command that isn't there. */
function helpOf(command: string): string {
    try {
        return execFileSync(process.execPath, [path.join(root, "bin", "cli", "main.js"), ...command.split(" "), "--help"], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    } catch {
        return "";
    }
}
