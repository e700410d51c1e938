// A user with npm and pnpm, whose home, caches, stores and registry are the test's own.

import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import type { Registry } from "./registry";
import { repository, run } from "./support";

export interface User {
    /** For whatever this user runs. */
    readonly environment: NodeJS.ProcessEnv;
    /** A folder of this user's, and empty. */
    emptyFolder(): string;
    /** Standard output and error; a failure throws with both. */
    run(folder: string, command: string, ...args: string[]): Promise<string>;
    remove(): Promise<void>;
}

export function newUser(registry: Registry): User {
    const home = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-user-"));
    // Beside the address only what would ask a registry for more than packages.
    writeFileSync(path.join(home, ".npmrc"), `registry=${registry.url}/\naudit=false\nfund=false\nupdate-notifier=false\n`);
    // `npm test` hands its own settings on, and where this machine's user keeps caches is nobody's business here.
    const inherited = Object.entries(process.env).filter(([name]) => !/^(npm_|pnpm_|xdg_|.*_proxy$)/i.test(name));
    const PATH = [path.dirname(process.execPath), path.join(repository, "node_modules", ".bin"), process.env["PATH"]].join(path.delimiter);
    const environment = { ...Object.fromEntries(inherited), HOME: home, PATH, pnpm_config_update_notifier: "false" };
    return {
        environment,
        emptyFolder: () => mkdtempSync(path.join(home, "project-")),
        async run(folder, command, ...args) {
            try {
                const { stdout, stderr } = await run(command, args, { cwd: folder, env: environment, maxBuffer: 16e6 });
                return stdout + stderr;
            } catch (error) {
                const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
                throw new Error(`${command} ${args.join(" ")}:\n${stdout}\n${stderr}`);
            }
        },
        remove: () => rm(home, { recursive: true, force: true }),
    };
}
