// The quick start's stack, by the command line in the root of the repository, with everything it writes in a folder that
// is removed afterwards.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { DemoFailure, print } from "./show.mjs";

/**
 * @param {string} root the folder of Pulumi.yaml
 * @param {string} folder where the backend may write
 * @param {Record<string, string>} environment which ThingsBoard
 */
export function quickStart(root, folder, environment) {
    const name = `demo-${randomBytes(3).toString("hex")}`;
    const backend = path.join(folder, "backend");
    fs.mkdirSync(backend);
    /** @type {Set<import("node:child_process").ChildProcess>} */
    const running = new Set();

    /**
     * Runs a command; its output is shown as it comes, unless it is `quiet`.
     *
     * @param {"shown" | "quiet"} output
     * @param {string[]} args
     * @returns {Promise<{ code: number, text: string }>}
     */
    async function run(output, ...args) {
        if (output === "shown") print(`$ pulumi ${args.join(" ")}`);
        const child = spawn("pulumi", [...args, "--stack", name, "--non-interactive", ...quieter(args)], {
            cwd: root,
            stdio: ["ignore", "pipe", "pipe"],
            env: {
                ...process.env,
                ...environment,
                PULUMI_BACKEND_URL: `file://${backend}`,
                // Encrypts a state that lives for the length of the demo.
                PULUMI_CONFIG_PASSPHRASE: randomPassphrase,
            },
        });
        running.add(child);
        let text = "";
        for (const stream of [child.stdout, child.stderr]) {
            stream.setEncoding("utf8").on("data", (chunk) => {
                text += chunk;
                if (output === "shown") process.stdout.write(chunk);
            });
        }
        const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", (status) => resolve(status ?? 1)));
        running.delete(child);
        return { code, text };
    }
    const randomPassphrase = randomBytes(16).toString("hex");

    /** @param {"shown" | "quiet"} output @param {string[]} args */
    async function succeed(output, ...args) {
        const { code, text } = await run(output, ...args);
        if (code !== 0) throw new DemoFailure(`\`pulumi ${args.join(" ")}\` failed: ${cause(text)}`);
        return text;
    }

    return {
        name,
        run,
        succeed,
        async create() {
            await succeed("quiet", "stack", "init", "--no-select");
        },
        /** @param {string[]} flags */
        async outputs(...flags) {
            return JSON.parse(await succeed("quiet", "stack", "output", "--json", ...flags));
        },
        /** Every file of the backend, as text: checkpoint, history and backups. */
        rawState() {
            return fs.readdirSync(backend, { recursive: true, withFileTypes: true })
                .filter((entry) => entry.isFile())
                .map((entry) => fs.readFileSync(path.join(entry.parentPath, entry.name), "latin1"))
                .join("\n");
        },
        /** Ends what still runs, and removes the one file that the command line writes beside Pulumi.yaml. */
        async stop() {
            await Promise.all([...running].map((child) => new Promise((ended) => {
                child.once("close", ended);
                child.kill("SIGKILL"); // its plugins end with it
            })));
            fs.rmSync(path.join(root, `Pulumi.${name}.yaml`), { force: true });
        },
    };
}

/** Deployments show each resource once, not each of its steps. @param {string[]} args */
function quieter([command = ""]) {
    return ["up", "preview", "refresh", "destroy"].includes(command) ? ["--suppress-progress"] : [];
}

/**
 * The errors of a failed command, without its other output and without the engine's "1 error occurred".
 *
 * @param {string} text
 */
export function cause(text) {
    const diagnostics = /^Diagnostics:\n([\s\S]*?)(?:^(?:Outputs|Resources|Duration):|$(?![\s\S]))/m.exec(text)?.[1] ?? text;
    const errors = diagnostics.split(/\n\s*\n/).filter((paragraph) => paragraph.includes("error:"));
    const lines = errors.flatMap((paragraph) => paragraph.split("\n"))
        .map((line) => line.trim())
        .filter((line) => line && !/^\S+ \(.*\):$/.test(line) && !/^error: (update failed|\d+ errors? occurred:)$/.test(line))
        .map((line) => line.replace(/^(error: |\* )/, ""));
    return [...new Set(lines)].join("\n") || text.trim();
}
