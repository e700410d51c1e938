// A stack of lanes: independent groups of a few resources, each of which lives through the same story and is interrupted
// at a call of its own. So one deployment stands for dozens of interrupted ones.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect } from "vitest";
import { selfSigned } from "../../support/openssl";
import { type Process, descendants, kill, read } from "../support/processes";
import { type ThingsBoardUnderTest, switchToCertificate } from "../support/thingsboard";
import { type Cut, type Manner, startInterrupter } from "./interrupter";

export type Kind = "create" | "hand" | "adopt" | "rebind" | "move" | "renew" | "rename" | "fleet" | "profile";

/** Their certificate comes with the lane. */
const given: readonly Kind[] = ["adopt", "rebind", "move", "rename"];
/** Their device was there before. */
const foreign: readonly Kind[] = ["hand", "adopt"];

export interface Lane {
    readonly name: string;
    readonly kind: Kind;
    /** Where the change is interrupted, and where the destruction is; nowhere, if left out. */
    readonly up?: Cut;
    readonly destroy?: Cut;
    readonly pems: readonly [string, string];
}

export const laneOf = (name: string): string | undefined => /^[a-z]+-\d+/.exec(name)?.[0];

let count = 0;
export const lane = (kind: Kind, cuts: Pick<Lane, "up" | "destroy"> = {}): Lane => {
    const name = `${kind}-${++count}`;
    const pems: [string, string] = given.includes(kind) ? [selfSigned(`${name} before`), selfSigned(`${name} after`)] : ["", ""];
    return { name, kind, pems, ...cuts };
};

export type Victim = "plugin" | "engine";

export interface Run {
    readonly ok: boolean;
    readonly output: string;
}

export interface Interrupted extends Run {
    /** What each lane asked ThingsBoard for, and the lanes that were cut. */
    readonly calls: ReadonlyMap<string, readonly string[]>;
    readonly cut: ReadonlySet<string>;
}

export interface Rig {
    /** Has every lane as it is before the change. */
    prepare(): Promise<void>;
    pulumi(...args: string[]): Promise<Run>;
    /**
     * Cuts each lane at its place; kills the victim, if there is one, once they hang there. The engine deletes in order:
     * what comes later has its turn in another round.
     */
    interrupted(phase: "up" | "destroy", manner: Manner, victim?: Victim): Promise<Interrupted>;
    /** What a user does who finds the stack so. */
    recover(...args: string[]): Promise<void>;
    /** Nothing is lost, nothing is there twice, and nothing is left to do. */
    expectDone(): Promise<void>;
    expectGone(): Promise<void>;
    remove(): Promise<void>;
}

const rounds = 8;

/** Devices of a lane that has others than one of its own name. */
const names: Readonly<Partial<Record<Kind, (name: string) => string[]>>> = {
    move: name => [`${name}-from`, `${name}-to`],
    fleet: name => [`${name}-a`, `${name}-b`],
    profile: () => [],
};

/** Milliseconds. */
const calm = 300;

const program = path.join(import.meta.dirname, "program");

export async function startRig(server: ThingsBoardUnderTest, lanes: readonly Lane[], environment: Readonly<Record<string, string>> = {}): Promise<Rig> {
    const interrupter = await startInterrupter(server.emulator.restUrl, laneOf);
    const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
    const stack = `test-${randomBytes(4).toString("hex")}`;
    const file = path.join(folder, "lanes.json");
    const env = {
        ...process.env,
        ...server.environment,
        THINGSBOARD_URL: interrupter.url,
        // A call that hangs keeps its place.
        THINGSBOARD_CONCURRENCY: "1000",
        THINGSBOARD_DELETE_CONCURRENCY: "1000",
        PULUMI_BACKEND_URL: `file://${folder}`,
        PULUMI_CONFIG_PASSPHRASE: "a passphrase for tests",
        PULUMI_STACK: stack,
        PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: "true",
        LANES: file,
    };
    const kept = new Map<string, string>();
    const parallel = ["--parallel", "500"];

    const declare = (changed: boolean) => writeFileSync(file, JSON.stringify(lanes.map(({ name, kind, pems }) => ({ name, kind, pems, changed }))));

    function start(args: readonly string[], extra: Readonly<Record<string, string>>) {
        const child = spawn("pulumi", ["--non-interactive", "--color", "never", "--cwd", program, ...args], { env: { ...env, ...extra }, stdio: ["ignore", "pipe", "pipe"] });
        let output = "";
        child.stdout.on("data", chunk => (output += chunk));
        child.stderr.on("data", chunk => (output += chunk));
        let over = false;
        // Not "close": what a killed engine leaves behind holds the pipes open.
        const done = new Promise<Run>((resolve, reject) => {
            child.on("error", reject);
            child.on("exit", code => {
                over = true;
                resolve({ ok: code === 0, output });
            });
        });
        return { pid: child.pid!, done, isOver: () => over };
    }

    const pulumi = (...args: string[]) => start(args, {}).done;
    const quick = { PULUMI_SKIP_CHECKPOINTS: "true" };

    async function succeed(args: readonly string[], extra: Readonly<Record<string, string>> = {}): Promise<string> {
        const { ok, output } = await start(args, extra).done;
        if (!ok) throw new Error(`pulumi ${args.join(" ")}:\n${output}`);
        return output;
    }

    /** The engine's own weak spot: killed while it writes the state, it can't read it afterwards. See killedEngine.test.ts. */
    async function written(): Promise<void> {
        while (sinceWritten() < calm) await new Promise(later => setTimeout(later, calm));
    }

    function sinceWritten(): number {
        const found = statSync(path.join(folder, ".pulumi", "stacks", "lanes", `${stack}.json`), { throwIfNoEntry: false });
        return found === undefined ? Infinity : Date.now() - found.mtimeMs;
    }

    /** Takes away the lock that a killed engine left. */
    const free = () => pulumi("cancel", "--yes");
    const nowhere = () => interrupter.plan(new Map(), "drop");
    const resources = async (): Promise<Resource[]> => {
        const { deployment } = JSON.parse(await succeed(["stack", "export"])) as { deployment: { resources?: Resource[]; pending_operations?: unknown[] } };
        expect(deployment.pending_operations ?? []).toEqual([]);
        return (deployment.resources ?? []).filter(({ type }) => !type.startsWith("pulumi:"));
    };
    const devices = async () => (await server.call<{ data: { name: string; id: { id: string }; additionalInfo: unknown }[] }>("GET", "/api/tenant/devices?pageSize=10000&page=0")).data;
    const profiles = async () => {
        const { data } = await server.call<{ data: { name: string }[] }>("GET", "/api/deviceProfiles?pageSize=10000&page=0");
        return ofOurs(data).map(({ name }) => name).sort();
    };
    const ofOurs = <Device extends { name: string }>(all: Device[]) => all.filter(({ name }) => lanes.some(lane => lane.name === laneOf(name)));

    await succeed(["stack", "init", stack, "--no-select"]);
    return {
        pulumi,

        async prepare() {
            for (const { name, kind, pems } of lanes.filter(({ kind }) => foreign.includes(kind))) {
                const { id } = await server.call<{ id: { id: string } }>("POST", "/api/device", { name, label: "theirs" });
                if (kind === "adopt") await switchToCertificate(server, id.id, pems[0]);
                kept.set(name, id.id);
            }
            declare(false);
            await succeed(["up", "--yes", "--skip-preview", ...parallel], quick);
            declare(true);
        },

        async interrupted(phase, manner, victim) {
            interrupter.plan(new Map(lanes.flatMap(lane => (lane[phase] ? [[lane.name, lane[phase]]] : []))), manner);
            let run: Run;
            let round = 0;
            do {
                const { pid, done, isOver } = start([phase, "--yes", "--skip-preview", "--continue-on-error", ...parallel], environment);
                if (victim) {
                    await interrupter.settled(isOver, sinceWritten);
                    await written();
                    const below = descendants(pid);
                    const killed = victim === "engine" ? read(pid) : below.find(({ commandLine }) => commandLine.includes("dynamic-provider"));
                    if (!killed) throw new Error(`${phase} ended before its ${victim} could be killed:\n${(await done).output}`);
                    kill(killed);
                    await done;
                    if (victim === "engine") below.forEach(kill);
                    await Promise.all(below.map(gone));
                    interrupter.release();
                    await free();
                }
                run = await done;
            } while (victim && interrupter.cut.size < lanes.filter(lane => lane[phase]).length && ++round < rounds);
            const seen = { calls: new Map(interrupter.calls), cut: new Set(interrupter.cut) };
            nowhere();
            return { ...run, ...seen };
        },

        async recover(...args) {
            nowhere();
            await succeed([...args, "--yes", "--skip-preview", ...parallel], quick);
        },

        async expectDone() {
            await succeed(["preview", "--refresh", "--expect-no-changes", ...parallel]);
            const state = await resources();
            const found = ofOurs(await devices());
            const wanted = lanes.flatMap(({ kind, name }) => names[kind]?.(name) ?? [name]);
            expect(found.map(({ name }) => name).sort()).toEqual(wanted.sort());
            for (const [name, id] of kept) expect(found.find(device => device.name === name)?.id.id).toBe(id);
            const ofFleets = new Map(ofType(state, "FleetBatch").flatMap(({ outputs }) => Object.entries(outputs["devices"] as Readonly<Record<string, { id: string; version: number; certificate: string }>>)));
            const declared = found.filter(({ name }) => !ofFleets.has(name) && !lanes.some(lane => lane.kind === "hand" && lane.name === name));
            expect(ofType(state, "Device").map(({ outputs }) => outputs["deviceId"]).sort()).toEqual(declared.map(({ id }) => id.id).sort());
            const credentials = ofType(state, "DeviceCredential");
            expect(credentials).toHaveLength(lanes.filter(({ kind }) => kind !== "fleet" && kind !== "profile").length);
            expect(state.filter(resource => resource.delete === true)).toEqual([]);
            for (const { outputs } of credentials) {
                const { credentialsType, credentialsId, version } = await server.credentials(outputs["deviceId"] as string);
                expect({ credentialsType, credentialsId, version, of: outputs["deviceName"] }).toEqual({ credentialsType: "X509_CERTIFICATE", credentialsId: outputs["credentialsId"], version: outputs["rowVersion"], of: outputs["deviceName"] });
            }
            for (const { name, id } of found.filter(({ name }) => ofFleets.has(name))) {
                const { credentialsValue, version } = await server.credentials(id.id);
                expect({ name, id: id.id, certificate: credentialsValue, version }).toEqual({ name, id: ofFleets.get(name)!.id, certificate: ofFleets.get(name)!.certificate, version: ofFleets.get(name)!.version });
            }
            expect(await profiles()).toEqual(ofType(state, "DeviceProfile").map(({ outputs }) => outputs["name"]).sort());
            expect(await profiles()).toEqual(lanes.filter(({ kind }) => kind === "profile").map(({ name }) => name).sort());
            for (const device of found.filter(({ name }) => !ofFleets.has(name))) {
                const holds = credentials.some(({ outputs }) => outputs["deviceId"] === device.id.id);
                if (!holds) expect((await server.credentials(device.id.id)).credentialsType).toBe("ACCESS_TOKEN");
            }
            for (const { outputs } of ofType(state, "Device").filter(({ outputs }) => outputs["attributes"] !== undefined)) {
                const attributes = await server.call<{ key: string; value: unknown }[]>("GET", `/api/plugins/telemetry/DEVICE/${outputs["deviceId"] as string}/values/attributes/SERVER_SCOPE?keys=site`);
                expect(attributes).toMatchObject([{ key: "site", value: "north" }]);
            }
        },

        async expectGone() {
            expect(await resources()).toEqual([]);
            expect(await profiles()).toEqual([]);
            const left = ofOurs(await devices());
            expect(left.map(({ id }) => id.id).sort()).toEqual([...kept.values()].sort());
            for (const { id, additionalInfo } of left) {
                expect(additionalInfo ?? {}).not.toHaveProperty("pulumi");
                expect((await server.credentials(id.id)).credentialsType).toBe("ACCESS_TOKEN");
                await server.call("DELETE", `/api/device/${id.id}`);
            }
        },

        async remove() {
            nowhere();
            await interrupter.stop();
            rmSync(folder, { recursive: true, force: true });
            rmSync(path.join(program, `Pulumi.${stack}.yaml`), { force: true });
        },
    };
}

interface Resource {
    readonly type: string;
    readonly urn: string;
    readonly delete?: boolean;
    readonly outputs: Readonly<Record<string, unknown>>;
}

const ofType = (state: readonly Resource[], type: string) => state.filter(resource => resource.type.endsWith(`:${type}`) && resource.type.startsWith("pulumi-nodejs:dynamic/"));

/** What is killed may take a moment to go, and its files and locks with it. */
async function gone({ pid, started }: Process): Promise<void> {
    await expect.poll(() => read(pid)?.started === started && !isZombie(pid), { timeout: 15_000, message: `process ${pid} is still there` }).toBe(false);
}

const isZombie = (pid: number): boolean => read(pid)?.commandLine === "";
