// The program that the README shows, word for word, and the commands beside it.

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect } from "vitest";
import { type Registry, startRegistry } from "../package/registry";
import { type Packed, packed } from "../package/support";
import { type User, newUser } from "../package/user";
import { type CommandLine, commandLine, repository } from "./support/commandLine";
import { emulated } from "./support/live";
import { type ThingsBoardUnderTest, emulatedThingsBoard } from "./support/thingsboard";

const readme = readFileSync(path.join(repository, "README.md"), "utf8");
const program = /```ts\n(import \* as pulumi[\s\S]*?)```/.exec(readme)![1]!;
const makeProject = /```sh\n(npm init[\s\S]*?)```/.exec(readme)![1]!;
const byHand = /```sh\n(pulumi stack output certificatePem[\s\S]*?)```/.exec(readme)![1]!;

const looked = [...readme.matchAll(/`(npx pulumi-thingsboard (?:doctor|explain)[^`]*)`/g)].map(([, command]) => command!);

let server: ThingsBoardUnderTest;
let tarball: Packed;
let registry: Registry;
let user: User;
let project: string;
let pulumi: CommandLine;

const bash = (script: string) => promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], { cwd: project, env: pulumi.environment });

beforeAll(async () => {
    // The README relies on the standard port and on a server certificate that the system trusts.
    server = await emulatedThingsBoard({ mqttsPort: 8883 });
    tarball = await packed();
    registry = await startRegistry(tarball);
    user = newUser(registry);
    project = user.emptyFolder();
    pulumi = commandLine(project, { NODE_EXTRA_CA_CERTS: server.emulator.caFile });
    // All but the backend, passphrase and stack that the test has made already.
    const lines = makeProject.split("\n").filter(line => !/^(pulumi |export )/.test(line));
    await user.run(project, "bash", "-euo", "pipefail", "-c", lines.join("\n"));
    writeFileSync(path.join(project, "index.ts"), program);
    await pulumi.create();
});
afterAll(async () => {
    await pulumi("destroy", "--yes", "--skip-preview").catch(() => undefined);
    pulumi.remove();
    await user.remove();
    await registry.stop();
    tarball.remove();
    await server.stop();
});

emulated.test("the program deploys, and has nothing to do the second time", async () => {
    await pulumi("config", "set", "url", server.emulator.restUrl);
    await pulumi("config", "set", "--secret", "apiKey", server.emulator.apiKey);
    await pulumi("up", "--yes", "--skip-preview");
    expect(await pulumi.outputs()).toMatchObject({ result: expect.stringMatching(/^publish check: device "pump-1".* is stored$/) as string });
    await pulumi("preview", "--refresh", "--expect-no-changes");
    expect(pulumi.rawState()).not.toContain(server.emulator.apiKey);
});

emulated.test("the commands that look whether all is in place find that it is", async () => {
    expect(looked).toHaveLength(2);
    const stack = pulumi.environment["PULUMI_STACK"]!;
    for (const command of looked) await bash(command.replace("--stack dev", `--stack ${stack}`));
});

emulated.test("the commands that do the same by hand work as they stand", async () => {
    writeFileSync(path.join(project, "tb-server-chain.pem"), server.emulator.caPem);
    const script = byHand.replace("thingsboard.example.com", "localhost");
    await bash(script);
    const { id } = (await server.deviceByName("pump-1"))!;
    await expect.poll(() => server.latest(id.id, "temperature")).toBe("25");
});

emulated.test("nothing was asked of npm's registry but what package-lock.json has", () => {
    expect(registry.refused).toEqual([]);
});
