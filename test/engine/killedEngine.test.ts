// What docs/troubleshooting.md says about an engine that was killed while it wrote the state, in the order in which the
// faults show.

import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, onTestFinished } from "vitest";
import { commandLine, repository } from "./support/commandLine";
import { emulated } from "./support/live";
import { descendants, kill, read } from "./support/processes";
import { emulatedThingsBoard } from "./support/thingsboard";

const names = Array.from({ length: 20 }, (_none, index) => `profile-${index + 1}`);
const program = path.join(repository, "test/engine/interruption/program");

emulated.test("a broken state is put back, the lock taken away, and up finds what was made since", async () => {
    const server = await emulatedThingsBoard();
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
    const lanes = path.join(folder, "lanes.json");
    const stack = path.basename(folder);
    const pulumi = commandLine(program, { ...server.environment, LANES: lanes }, stack);
    onTestFinished(async () => {
        await server.stop();
        pulumi.remove();
        rmSync(folder, { recursive: true, force: true });
    });
    writeFileSync(lanes, JSON.stringify(names.map(name => ({ name, kind: "profile", changed: false, pems: ["", ""] }))));
    const made = async () => {
        const { data } = await server.call<{ data: { name: string; id: { id: string } }[] }>("GET", "/api/deviceProfiles?pageSize=100&page=0");
        return data.filter(({ name }) => name.startsWith("profile-"));
    };

    await pulumi.create();
    const engine = spawn("pulumi", ["--non-interactive", "--cwd", program, "up", "--yes", "--skip-preview", "--parallel", "1"], { env: pulumi.environment, stdio: "ignore" });
    const ended = new Promise(resolve => engine.once("exit", resolve));
    await expect.poll(async () => (await made()).length, { timeout: 60_000, interval: 20 }).toBeGreaterThan(3);
    const below = descendants(engine.pid!);
    for (const process of [read(engine.pid!)!, ...below]) kill(process);
    await ended;
    const before = await made();
    expect(before.length).toBeLessThan(names.length);
    const file = path.join(pulumi.folder, ".pulumi", "stacks", "lanes", `${stack}.json`);

    const up = () => pulumi("up", "--refresh", "--yes", "--skip-preview").then(() => "succeeded", (error: unknown) => String(error));
    // Killed while it writes, the engine leaves this beside a state that is whole.
    writeFileSync(`${file}.attrs`, "");
    expect(await up()).toContain("failed to load checkpoint: EOF");
    rmSync(`${file}.attrs`);
    expect(await up()).toContain("the stack is currently locked");
    await pulumi("cancel", "--yes", "--stack", stack);
    // And this is what a machine that loses its power may leave.
    truncateSync(file);
    expect(await up()).toContain("unexpected end of JSON input");
    rmSync(`${file}.bak.attrs`, { force: true });
    copyFileSync(`${file}.bak`, file);
    expect(await up()).toBe("succeeded");
    const after = await made();
    expect(after.map(({ name }) => name).sort()).toEqual([...names].sort());
    expect(after).toEqual(expect.arrayContaining(before.map(({ name, id }) => expect.objectContaining({ name, id }) as unknown)));
    await pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates");
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(await made()).toEqual([]);
});
