// What an earlier version has deployed: nothing is to be done about it, and it can be taken away. And what a later one has
// deployed is refused in a sentence.

import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { resourceTypes } from "../../sdk/plugin";
import { emulated } from "./support/live";
import { commandLine, repository } from "./support/commandLine";
import { emulatedThingsBoard } from "./support/thingsboard";

const recordings = path.join(repository, "test/upgrade");
const versions = readdirSync(recordings).filter(name => /^\d/.test(name));

/** The stack of that version before the server of that time, each a copy. */
async function replay(version: string, change: (state: string) => string = state => state) {
    const recording = path.join(recordings, version);
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
    const dir = path.join(folder, "server");
    cpSync(recording, dir, { recursive: true });
    const server = await emulatedThingsBoard({ dir });
    const environment = { ...server.environment, PULUMI_CONFIG_PASSPHRASE: "recorded" };
    const pulumi = commandLine(path.join(recordings, "program"), environment, "recorded");
    onTestFinished(async () => {
        await server.stop();
        pulumi.remove();
        rmSync(folder, { recursive: true, force: true });
    });
    await pulumi.create();
    const file = path.join(folder, "stack.json");
    writeFileSync(file, change(readFileSync(path.join(recording, "stack.json"), "utf8")));
    await pulumi("stack", "import", "--file", file);
    return { pulumi, server };
}

test("the newest recording holds every resource there is", () => {
    const state = readFileSync(path.join(recordings, versions.at(-1)!, "stack.json"), "utf8");
    expect(resourceTypes.filter(type => !state.includes(`thingsboard:${type}::`))).toEqual([]);
});

emulated.test.for(versions)("what %s deployed shows no change, and can be destroyed", async version => {
    const { pulumi, server } = await replay(version);
    await pulumi("preview", "--expect-no-changes");
    await pulumi("preview", "--refresh", "--expect-no-changes");
    await pulumi("refresh", "--yes", "--expect-no-changes", "--skip-preview");
    await pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    await pulumi("destroy", "--yes", "--skip-preview");
    const left = await server.call<{ data: { name: string; id: { id: string } }[] }>("GET", "/api/tenant/devices?pageSize=100&page=0");
    expect(left.data.map(({ name }) => name).sort()).toEqual(["adopted", "by-hand"]);
    expect((await server.call<{ data: { name: string }[] }>("GET", "/api/deviceProfiles?pageSize=100&page=0")).data.map(({ name }) => name)).toEqual(["default"]);
    for (const { id } of left.data) expect(await server.credentials(id.id)).toMatchObject({ credentialsType: "ACCESS_TOKEN" });
});

emulated.test.for([
    ["protocol 99", 'reconciler(\\"Device\\", 1)', 'reconciler(\\"Device\\", 99)', "(Device, protocol 99)"],
    ["another type", 'reconciler(\\"ServerChain\\", 1)', 'reconciler(\\"Oracle\\", 1)', "(Oracle, protocol 1)"],
] as const)("state of a newer version (%s) asks for an upgrade, without a stack trace", async ([, old, newer, named]) => {
    const { pulumi } = await replay(versions.at(-1)!, state => state.replaceAll(old, newer));
    for (const command of [["refresh", "--yes", "--skip-preview"], ["destroy", "--yes", "--skip-preview"]]) {
        const text = await pulumi(...command).then(() => "succeeded", (error: unknown) => (error as Error).message);
        expect(text).toContain(`this stack was deployed by a newer pulumi-thingsboard ${named}, which this one can't read: run "npm install pulumi-thingsboard@latest"`);
        expect(text).not.toMatch(/^\s+at /m);
    }
});
