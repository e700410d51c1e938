// What all commands have in common: help that teaches, --json, exit codes, one sentence for whatever goes wrong.

import { readFileSync } from "node:fs";
import * as path from "node:path";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { program } from "../../sdk/cli/program";
import { command, onTerminal } from "./support";

const commands = [
    ["doctor"], ["explain"], ["publish"], ["revoke"], ["fingerprint"],
    ["fleet", "up"], ["fleet", "preview"], ["fleet", "refresh"], ["fleet", "destroy"], ["fleet", "status"], ["fleet", "export"],
    ["report"], ["emulator"], ["server-certificate"],
];

const leaves = (parent: Command, path: readonly string[] = []): { readonly path: string; readonly command: Command }[] =>
    parent.commands.flatMap(below => (below.commands.length > 0 ? leaves(below, [...path, below.name()]) : [{ path: [...path, below.name()].join(" "), command: below }]));

describe("help", () => {
    test("lists every command", async () => {
        const { code, stdout, stderr } = await command({}, ["--help"]);
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        for (const [name] of commands) expect(stdout).toMatch(new RegExp(`^  ${name!} `, "m"));
    });

    test("of each command shows what to type, --json and exit codes", () => {
        expect(leaves(program()).map(({ path }) => path)).toEqual(commands.map(words => words.join(" ")));
        for (const { path, command } of leaves(program())) {
            let text = "";
            command.configureOutput({ writeOut: part => (text += part), getOutHelpWidth: () => 120 }).outputHelp();
            expect.soft(text, path).toContain("--json");
            expect.soft(text, path).toMatch(new RegExp(`^Examples:\\n  # .*\\n  \\$ .*pulumi-thingsboard ${path}`, "m"));
            expect.soft(text, path).toMatch(/^Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 .*/m);
        }
    });

    test("of a command below another", async () => {
        const { code, stdout } = await command({}, ["fleet", "up", "--help"]);
        expect(code).toBe(0);
        expect(stdout).toContain("pulumi-thingsboard fleet up --stack prod --shards 16 --parallel 4");
    });

    test("the version is the package's", async () => {
        const { version } = JSON.parse(readFileSync(path.join(import.meta.dirname, "../../package.json"), "utf8")) as { version: string };
        expect(await command({}, ["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
    });
});

describe("called wrongly", () => {
    test.each([
        ["an unknown command", ["docter"], "unknown command 'docter': did you mean doctor? (pulumi-thingsboard --help)\n"],
        ["an unknown option", ["doctor", "--josn"], "unknown option '--josn': did you mean --json? (pulumi-thingsboard doctor --help)\n"],
        ["an unknown option of a command below", ["fleet", "up", "--stack", "prod", "--shards", "2", "--paralel", "3"], "unknown option '--paralel': did you mean --parallel? (pulumi-thingsboard fleet up --help)\n"],
        ["a missing argument", ["explain"], "missing required argument 'device' (pulumi-thingsboard explain --help)\n"],
        ["a missing option", ["publish", "--cert", "x.pem"], "required option '--key <pem>' not specified (pulumi-thingsboard publish --help)\n"],
        ["a value that is none", ["publish", "--cert", "x.pem", "--key", "y.pem", "-p", "mqtts"], "option '-p, --port <number>' argument 'mqtts' is invalid. It must be a number from 1 to 65535 (pulumi-thingsboard publish --help)\n"],
    ])("%s gets one sentence, and exit code 2", async (_what, args, sentence) => {
        expect(await command({}, args)).toEqual({ code: 2, stdout: "", stderr: sentence });
    });

    test("in a way that the options alone don't tell: the same exit code", async () => {
        expect(await command({}, ["doctor", "--provider", "eu"])).toMatchObject({ code: 2, stderr: "--provider is a Provider in a stack's state: say which stack with --stack.\n" });
    });

    test("with --json the sentence is on standard output, too", async () => {
        const { code, stdout } = await command({}, ["doctor", "--json", "--verbose"]);
        expect(code).toBe(2);
        expect(JSON.parse(stdout)).toEqual({ error: "unknown option '--verbose'" });
    });

    test("without a command it shows the help, and says that nothing was done", async () => {
        const { code, stderr } = await command({}, []);
        expect(code).toBe(2);
        expect(stderr).toContain("Usage: pulumi-thingsboard");
    });
});

test("what goes wrong is one sentence, exit code 1, and no stack trace", async () => {
    const ran = await command({}, ["revoke", "pump-1", "--json"]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^no ThingsBoard is configured: give --stack NAME[^\n]*\n$/);
    expect(JSON.parse(ran.stdout)).toEqual({ error: ran.stderr.trim() });
});

test("a fault of the command's own is a sentence without a stack trace, too", async () => {
    const ran = await command({ NODE_OPTIONS: `--require ${path.join(import.meta.dirname, "breaking.cjs")}` }, ["fingerprint", "anything.pem"]);
    expect(ran).toEqual({ code: 1, stdout: "", stderr: "This is a fault of pulumi-thingsboard itself: the disk has melted\n" });
});

describe("colours", () => {
    const broken = ["doctor", "--cwd", "/"];
    const escape = "\u001b[";

    test("are on a terminal", async () => {
        expect((await onTerminal({}, broken)).stdout).toContain(`${escape}31mfailure`);
    });

    test("are not on one whose user wants none, nor in a log", async () => {
        expect((await onTerminal({ NO_COLOR: "1" }, broken)).stdout).not.toContain(`${escape}3`);
        expect((await command({}, broken)).stdout).not.toContain(escape);
    });
});
