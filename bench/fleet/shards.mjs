// A fleet in many stacks, as `pulumi-thingsboard fleet up` deploys them.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { watchMemory } from "./memory.mjs";
import { fleetProgram } from "./programs.mjs";
import { createProject } from "./stack.mjs";

const main = fileURLToPath(new URL("../../bin/cli/main.js", import.meta.url));

/** @param {import("./measure.mjs").Place} place */
export async function shardedFleet({ engine, startServer, say }, { devices, shards, parallel }) {
    const server = await startServer();
    const project = await createProject(engine, server, fleetProgram);
    try {
        const began = performance.now();
        const child = spawn(process.execPath, [main, "fleet", "up", "--stack", "bench", "--shards", String(shards), "--parallel", String(parallel)], { cwd: project.folder, env: { ...project.environment, N: String(devices) }, stdio: ["ignore", "pipe", "inherit"] });
        const memory = watchMemory(child.pid);
        let text = "";
        child.stdout.on("data", chunk => (text += chunk));
        const code = await new Promise(done => child.once("exit", done));
        const megabytes = memory();
        const seconds = (performance.now() - began) / 1000;
        if (code !== 0) throw new Error(`fleet up ended with ${code}:\n${text}`);
        say(`${devices} devices in ${shards} shards, ${parallel} at a time: ${seconds.toFixed(0)} s, memory ${JSON.stringify(megabytes)}`);
        return { devices, shards, parallel, seconds, megabytes };
    } finally {
        project.remove();
        await server.stop();
    }
}
