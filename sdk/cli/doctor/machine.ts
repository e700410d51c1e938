// This machine and the project: Node, Pulumi, and the package where the engine will look for it.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { UserError } from "../../userError";
import { failure, type Finding, ok, warning } from "../frame/findings";
import { pulumi } from "../stack/pulumi";
import { version } from "../version";

export interface Versions {
    readonly "pulumi-thingsboard": string;
    readonly node: string;
    readonly pulumi?: string;
    /** Of the packages in the project's node_modules. */
    readonly project?: Readonly<Record<string, string>>;
}

const oldestNode = 22;

export async function examineMachine(cwd: string): Promise<{ versions: Versions; findings: readonly Finding[] }> {
    const engine = await engineVersion(cwd);
    const project = isProject(cwd) ? installed(cwd) : undefined;
    return {
        versions: { "pulumi-thingsboard": version, node: process.versions.node, ...(engine === undefined ? {} : { pulumi: engine }), ...(project === undefined ? {} : { project }) },
        findings: [node(), engineFinding(engine), ...(project === undefined ? [] : [projectFinding(cwd, project)])],
    };
}

function node(): Finding {
    const { node } = process.versions;
    if (Number(node.split(".")[0]) >= oldestNode) return ok("node", `Node ${node}`);
    return failure("node", `Node ${node} is too old: resources run on ${oldestNode} and later`, `install Node ${oldestNode} or later, and see that it is the first on PATH`);
}

async function engineVersion(cwd: string): Promise<string | undefined> {
    try {
        return (await pulumi(existsSync(cwd) ? cwd : ".", "version")).trim();
    } catch (error) {
        if (error instanceof UserError) return undefined;
        throw error;
    }
}

const engineFinding = (found: string | undefined): Finding =>
    found === undefined ? warning("pulumi", "the command pulumi is not on PATH", "install it: https://www.pulumi.com/docs/install/") : ok("pulumi", `Pulumi ${found}`);

const isProject = (cwd: string): boolean => existsSync(join(cwd, "Pulumi.yaml")) || existsSync(join(cwd, "Pulumi.yml"));

/** As the engine looks for them: from the program's folder. */
function installed(cwd: string): Record<string, string> {
    const from = createRequire(join(cwd, "node_modules", "program.js"));
    return Object.fromEntries(
        ["pulumi-thingsboard", "@pulumi/pulumi", "@pulumi/tls"].flatMap(name => {
            try {
                const { version } = JSON.parse(readFileSync(from.resolve(`${name}/package.json`), "utf8")) as { version: string };
                return [[name, version]];
            } catch {
                return [];
            }
        }),
    );
}

function projectFinding(cwd: string, found: Readonly<Record<string, string>>): Finding {
    const own = found["pulumi-thingsboard"];
    if (own === undefined) {
        return failure("project", `pulumi-thingsboard can't be found from ${cwd}, where the Pulumi engine looks for it`, 'run "npm install pulumi-thingsboard" there, so that it stands in the project\'s own package.json');
    }
    const missing = found["@pulumi/pulumi"] === undefined;
    if (missing) return failure("project", `@pulumi/pulumi can't be found from ${cwd}`, 'run "npm install @pulumi/pulumi" there');
    if (own !== version) return warning("project", `the project has pulumi-thingsboard ${own}, and this command is ${version}`, 'use the project\'s own: "npx pulumi-thingsboard doctor"');
    return ok("project", Object.entries(found).map(([name, is]) => `${name} ${is}`).join(", "));
}
