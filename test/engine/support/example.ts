// A project of `examples/`, in place and word for word; only on somebody's own server with names that nobody else has.

import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { onTestFinished } from "vitest";
import { type CommandLine, commandLine, repository } from "./commandLine";
import { live, own } from "./live";

/** What the example calls so, is called here. */
export const named = (name: string): string => (live ? own(name) : name);

export async function example(name: string, environment: Readonly<Record<string, string>>): Promise<CommandLine> {
    const folder = live ? renamedCopy(name) : path.join(repository, "examples", name);
    const pulumi = commandLine(folder, environment);
    onTestFinished(async () => {
        await pulumi("destroy", "--yes", "--skip-preview").catch(() => undefined);
        pulumi.remove();
        if (live) rmSync(folder, { recursive: true, force: true });
    });
    await pulumi.create();
    return pulumi;
}

function renamedCopy(name: string): string {
    const folder = mkdtempSync(path.join(tmpdir(), `pulumi-thingsboard-${name}-`));
    cpSync(path.join(repository, "examples", name), folder, { recursive: true });
    symlinkSync(path.join(repository, "node_modules"), path.join(folder, "node_modules"));
    for (const file of readdirSync(folder).filter(file => /\.(ts|csv|txt)$/.test(file))) {
        const text = readFileSync(path.join(folder, file), "utf8");
        writeFileSync(path.join(folder, file), text.replace(/^(pump-\d+)(?=,|$)/gm, own("$1")).replace(/"((?:(?:pump|gateway)-\d+|canary)(?:\.[a-z.]+)?|pumps)"/g, `"${own("$1")}"`));
    }
    return folder;
}
