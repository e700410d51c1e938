// examples/fleet/shards: what a GitHub Actions job and a Kubernetes pod run for one shard, as it stands there.

import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { parseShard, shardOf } from "../../sdk/resources/fleetMembership";
import { repository } from "./support/commandLine";
import { type ThingsBoardUnderTest, emulatedThingsBoard } from "./support/thingsboard";

const example = path.join(repository, "examples/fleet");
const parsed = <Shape>(file: string) => parse(readFileSync(path.join(example, "shards", file), "utf8")) as Shape;

interface Workflow {
    readonly jobs: { readonly shard: { readonly strategy: { readonly "max-parallel": number; readonly matrix: { readonly index: readonly number[] } }; readonly env: Readonly<Record<string, string>>; readonly steps: readonly { readonly run?: string }[] } };
}
interface Job {
    readonly spec: { readonly completions: number; readonly parallelism: number; readonly template: { readonly spec: { readonly containers: readonly [{ readonly command: readonly string[]; readonly args: readonly string[] }] } } };
}
interface Stack {
    readonly spec: { readonly stack: string; readonly config: Readonly<Record<string, string>> };
}

const workflow = parsed<Workflow>("github-actions.yaml").jobs.shard;
const job = parsed<Job>("kubernetes-job.yaml").spec;
const stack = parsed<Stack>("pulumi-operator.yaml").spec;
const [container] = job.template.spec.containers;

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await emulatedThingsBoard();
});
afterAll(() => server.stop());

/** The example in a folder of its own, with devices enough for sixteen shards; what each machine has in its environment. */
function checkedOut(prefix: string) {
    const root = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-shards-"));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    const project = path.join(root, "fleet");
    cpSync(example, project, { recursive: true, filter: file => !/Pulumi\..+\.yaml$|\.pulumi-thingsboard$/.test(file) });
    symlinkSync(path.join(repository, "node_modules"), path.join(project, "node_modules"));
    const names = Array.from({ length: 64 }, (_, i) => `${prefix}-${i}`);
    writeFileSync(path.join(project, "devices.txt"), names.join("\n"));
    const { PULUMI_STACK: _stack, ...environment } = process.env;
    const env = { ...environment, ...server.environment, PULUMI_BACKEND_URL: `file://${root}`, PULUMI_CONFIG_PASSPHRASE: "a passphrase for tests" };
    return {
        project,
        ofShard: (index: number) => names.filter(name => shardOf(name, 16) === index),
        run: (shell: readonly string[], more: Readonly<Record<string, string>>) => promisify(execFile)(shell[0]!, shell.slice(1), { cwd: project, env: { ...env, ...more } }),
        /** Name and certificate of each device that is there. */
        async bound() {
            const found = await Promise.all(names.map(async name => [name, await server.deviceByName(name)] as const));
            return new Map(await Promise.all(found.flatMap(([name, device]) => (device ? [server.credentials(device.id.id).then(row => [name, row.credentialsId] as const)] : []))));
        },
    };
}

test("the GitHub Actions job deploys its shard", async () => {
    const { run, ofShard, bound } = checkedOut("action");
    const index = 3;
    const filled = (text: string) => text.replaceAll(/\$\{\{ matrix\.index \}\}/g, String(index));
    // `npm ci` is left out: the packages are there, and the example has no lock file.
    const steps = workflow.steps.flatMap(step => (step.run === undefined || step.run === "npm ci" ? [] : [filled(step.run)]));
    expect(steps).toHaveLength(3);
    for (const step of steps) await run(["bash", "-e", "-c", step], { STACK: filled(workflow.env["STACK"]!) });
    expect([...(await bound()).keys()]).toEqual(ofShard(index));
});

test("the Kubernetes pod deploys its shard, and a second pod with nothing but the backend changes nothing", async () => {
    const { project, run, ofShard, bound } = checkedOut("pod");
    const pod = () => run([...container.command, ...container.args], { JOB_COMPLETION_INDEX: "5" });
    await pod();
    const before = await bound();
    expect([...before.keys()]).toEqual(ofShard(5));
    rmSync(path.join(project, "Pulumi.prod-5.yaml"));
    await pod();
    expect(await bound()).toEqual(before);
});

test("all of them: shards that exist, and together no more calls and deletes in flight than a server bears", () => {
    const share = (script: string, key: string) => Number(new RegExp(`thingsboard:${key} (\\d+)`).exec(script)![1]);
    const script = workflow.steps.map(({ run }) => run).join("\n");
    const { index } = workflow.strategy.matrix;
    expect(index).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(script).toContain("/16");
    expect(container.args[0]).toContain(`$JOB_COMPLETION_INDEX/${job.completions}`);
    for (const [atOnce, text] of [[workflow.strategy["max-parallel"], script], [job.parallelism, container.args[0]!]] as const) {
        expect(atOnce * share(text, "concurrency")).toBeLessThanOrEqual(8);
        expect(atOnce * share(text, "deleteConcurrency")).toBeLessThanOrEqual(4);
    }
    // The operator holds nobody back.
    const shard = parseShard(stack.config["thingsboard:shard"]!)!;
    expect(stack.stack).toMatch(new RegExp(`-${shard.index}$`));
    expect(shard.count * Number(stack.config["thingsboard:concurrency"])).toBeLessThanOrEqual(8);
    expect(shard.count * Number(stack.config["thingsboard:deleteConcurrency"])).toBeLessThanOrEqual(4);
});
