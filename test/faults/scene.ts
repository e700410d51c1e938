// A small deployment of everything that writes to ThingsBoard, a server to be troubled, and what must hold in the end.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { type Emulator, startEmulator } from "../../sdk/emulator/index";
import { device } from "../../sdk/reconcilers/device";
import { deviceCredential } from "../../sdk/reconcilers/deviceCredential";
import { deviceProfile } from "../../sdk/reconcilers/deviceProfile";
import { fleetBatch } from "../../sdk/reconcilers/fleetBatch";
import { publishCheck } from "../../sdk/reconcilers/publishCheck";
import type { Server } from "../../sdk/reconcilers/server";
import { type Clock, connect } from "../../sdk/thingsboard";
import { certificateId, readLeaf } from "../../sdk/x509/leaf";
import { restOf } from "../emulator/support";
import { soak } from "../support/seed";
import { type Identity, issue } from "../unit/mqtt/certificates";
import { type Blow, type Trouble, restFaults, tooLong } from "./faults";
import { type Declaration, type Failures, type SmallEngine, smallEngine } from "./smallEngine";

export type Phase = "create" | "change" | "destroy";
export const phases: readonly Phase[] = ["create", "change", "destroy"];

export interface Scene {
    readonly engine: SmallEngine;
    /** One `up` towards a phase, with this going wrong meanwhile; afterwards all is calm again. */
    up(phase: Phase, trouble?: Trouble): Promise<Failures>;
    refresh(): Promise<void>;
    /** State and server agree; nothing is there twice, nothing is left over, nothing is left to do. */
    expectDone(phase: Phase): Promise<void>;
}

export interface Stage {
    /** A deployment under names of its own. */
    scene(): Promise<Scene>;
    readonly emulator: () => Emulator;
    close(): Promise<void>;
}

/** The pauses between tries are seconds, and thousands of them are made here: time passes so much faster. */
const speed = 40;
/** The platform's time, and the client's. A day ahead, so that nobody waits for a certificate to become valid. */
function fastClock(): Clock {
    const began = Date.now();
    return {
        now: () => began + 86_400_000 + (Date.now() - began) * speed,
        sleep: duration => new Promise(wake => setTimeout(wake, duration / speed)),
    };
}

let count = 0;

export async function stage(): Promise<Stage> {
    const dir = mkdtempSync(join(tmpdir(), "pulumi-thingsboard-test-"));
    const clock = fastClock();
    const options = { dir, clock: clock.now };
    let emulator = await startEmulator(options);
    const { restUrl, username, password, mqttsHost, mqttsPort, mqttPort, caPem } = emulator;
    const ports = { restPort: Number(new URL(restUrl).port), mqttsPort, mqttPort };

    /** The engine starts its plugin anew for each `up`. */
    const server = (): Server => ({
        thingsboard: connect({ url: restUrl, credentials: { username, password }, timeout: 1 }, { clock }),
        mqtt: { host: mqttsHost, port: mqttsPort, caPem },
        restHost: "127.0.0.1",
        restVerified: true,
    });

    async function strike(blow: Blow): Promise<void> {
        switch (blow) {
            case "nothing":
                return;
            case "the server restarts": {
                const { current } = emulator.faults;
                await emulator.stop();
                emulator = await startEmulator({ ...options, ...ports, faults: current });
                return;
            }
            case "all tokens expire":
                return emulator.expireTokens();
            case "the log-in is revoked for a while":
                return emulator.faults.set({ rest: [{ ...restFaults["credentials that are refused"], path: "/api/*evice*", duration: 100 }] });
        }
    }

    return {
        emulator: () => emulator,

        async scene() {
            const prefix = `s${++count}`;
            const rest = restOf(emulator);
            const adopted = (await rest("POST", "/api/device", { name: `${prefix} adopted`, label: "theirs" })).body.id.id as string;
            const engine = smallEngine();
            const programs = declare(prefix, () => new Date(clock.now()));

            return {
                engine,

                async up(phase, trouble) {
                    const process = server();
                    const program = programs(phase, () => process);
                    if (!trouble) return engine.up(program);
                    const { rest, mqtt, blow, blowAfter } = trouble;
                    emulator.faults.set({ rest, ...(mqtt === undefined ? {} : { mqtt }) });
                    const blown = new Promise(wake => setTimeout(wake, blowAfter)).then(() => strike(blow));
                    const failures = await engine.up(program);
                    await blown;
                    emulator.faults.clear();
                    // What its client has given up is still at work: the trouble is not over before that has happened too.
                    if (rest.some(({ latency = 0 }) => latency >= tooLong)) await new Promise(wake => setTimeout(wake, tooLong));
                    return failures;
                },

                async refresh() {
                    expect(await engine.refresh()).toEqual(new Map());
                },

                async expectDone(phase) {
                    const rest = restOf(emulator);
                    const get = async <Body = any>(path: string): Promise<Body> => (await rest("GET", path)).body as Body;
                    const all = (await get<{ data: Found[] }>("/api/tenant/devices?pageSize=1000&page=0")).data.filter(({ name }) => name.startsWith(`${prefix} `));
                    const profiles = (await get<{ data: Found[] }>("/api/deviceProfiles?pageSize=1000&page=0")).data.filter(({ name }) => name.startsWith(`${prefix} `));
                    const rowOf = (id: string) => get<Row>(`/api/device/${id}/credentials`);
                    const attributesOf = async (id: string) => Object.fromEntries((await get<{ key: string; value: unknown }[]>(`/api/plugins/telemetry/DEVICE/${id}/values/attributes/SERVER_SCOPE`)).map(({ key, value }) => [key, value]));
                    const only = new Set(all.map(({ name }) => name));
                    expect(all.length).toBe(only.size);

                    if (phase === "destroy") {
                        expect(engine.kept.size).toBe(0);
                        expect(all.map(({ id }) => id.id)).toEqual([adopted]);
                        expect(all[0]!.additionalInfo ?? {}).not.toHaveProperty("pulumi");
                        expect((await rowOf(adopted)).credentialsType).toBe("ACCESS_TOKEN");
                        expect(await attributesOf(adopted)).not.toHaveProperty("pulumiBinding");
                        expect(profiles).toEqual([]);
                        await rest("DELETE", `/api/device/${adopted}`);
                        return;
                    }

                    const process = server();
                    const program = programs(phase, () => process);
                    expect(await engine.pending(program)).toEqual([]);
                    expect(await engine.refresh()).toEqual(new Map());
                    expect(await engine.pending(program)).toEqual([]);

                    const stateOf = (name: string) => engine.kept.get(name)!.state as Record<string, any>;
                    const batch = stateOf("batch") as { devices: Record<string, { id: string; version: number; certificate: string }>; keys: object; failed?: object };
                    const wanted = [stateOf("one")["name"], stateOf("adopted")["name"], ...Object.keys(batch.devices)];
                    expect([...only].sort()).toEqual([...wanted].sort());
                    expect(profiles.map(({ id }) => id.id)).toEqual([stateOf("profile")["deviceProfileId"]]);
                    expect(profiles[0]!.description?.split("\n")[0]).toBe(stateOf("profile")["description"]);

                    const byId = new Map(all.map(found => [found.id.id, found]));
                    for (const name of ["one", "adopted"]) {
                        const state = stateOf(name);
                        const found = byId.get(state["deviceId"]);
                        expect(found).toMatchObject({ name: state["name"], label: state["label"], additionalInfo: { pulumi: { claim: state["claim"] } } });
                        expect(await attributesOf(state["deviceId"])).toMatchObject(state["attributes"]);
                        const credential = stateOf(`${name} credential`);
                        expect(await rowOf(state["deviceId"])).toMatchObject({ credentialsType: "X509_CERTIFICATE", credentialsId: readLeaf(credential["certificatePem"]).credentialsId, version: credential["rowVersion"] });
                    }
                    expect(stateOf("adopted")["deviceId"]).toBe(adopted);
                    expect(batch.failed).toBeUndefined();
                    expect(Object.keys(batch.keys).sort()).toEqual(Object.keys(batch.devices).sort());
                    for (const [name, { id, version, certificate }] of Object.entries(batch.devices)) {
                        expect(byId.get(id)?.name).toBe(name);
                        expect(await rowOf(id)).toMatchObject({ credentialsType: "X509_CERTIFICATE", credentialsId: certificateId(certificate), version });
                    }
                },
            };
        },

        async close() {
            await emulator.stop();
            rmSync(dir, { recursive: true, force: true });
        },
    };
}

interface Found {
    readonly id: { readonly id: string };
    readonly name: string;
    readonly additionalInfo: object | null;
    readonly description?: string;
}

interface Row {
    readonly credentialsType: string;
    readonly credentialsId: string;
    readonly version: number;
}

/** The same program before and after a change of most of it. */
function declare(prefix: string, now: () => Date): (phase: Phase, server: () => Server) => readonly Declaration[] {
    const declaredBy = (name: string) => ({ declaredBy: `project/${prefix}/${name}` });
    const pairs: Record<string, [Identity, Identity]> = { one: [issue("one"), issue("one")], adopted: [issue("adopted"), issue("adopted")] };
    const settings = { algorithm: "EC_P256", validityDays: 365, renewBeforeDays: 30, renewalJitterDays: 0, rotationPolicy: "always", renewal: "report", publishCheck: "none", onRemove: "delete", onDrift: "repair", adopt: false } as const;

    return (phase, server) => {
        if (phase === "destroy") return [];
        const changed = phase === "change";
        const pair = (name: string) => pairs[name]![changed ? 1 : 0];
        const members = ["a", "b", "c", "d", changed ? "f" : "e"].map(name => `${prefix} fleet ${name}`);
        const silent = () => undefined;
        const declarations: Declaration<any, any>[] = [
            { name: "profile", reconciler: () => deviceProfile(server, now), inputs: () => ({ name: `${prefix} profile`, description: changed ? "after" : "before", ...declaredBy("profile") }) },
            {
                name: "one",
                reconciler: () => device(server, silent),
                inputs: () => ({ name: `${prefix} one`, label: changed ? "after" : "before", attributes: changed ? { site: "south" } : { site: "north", floor: 2 }, ...declaredBy("one") }),
            },
            { name: "adopted", reconciler: () => device(server, silent), inputs: () => ({ name: `${prefix} adopted`, adopt: true, label: changed ? "ours" : "theirs", attributes: { site: "north" }, ...declaredBy("adopted") }) },
            {
                name: "one credential",
                dependsOn: ["one"],
                reconciler: () => deviceCredential(server, now, silent),
                inputs: stateOf => ({ deviceId: stateOf("one").deviceId, certificatePem: pair("one").certificatePem, ...declaredBy("one credential") }),
            },
            {
                name: "adopted credential",
                dependsOn: ["adopted"],
                reconciler: () => deviceCredential(server, now, silent),
                inputs: stateOf => ({ deviceId: stateOf("adopted").deviceId, certificatePem: pair("adopted").certificatePem, adopt: true, ...declaredBy("adopted credential") }),
            },
            {
                name: "one check",
                dependsOn: ["one credential"],
                reconciler: () => publishCheck(server, silent),
                inputs: stateOf => {
                    const { deviceId, bindingRevision, credentialsId } = stateOf("one credential");
                    const { certificatePem, privateKeyPem } = pair("one");
                    return { deviceId, bindingRevision, credentialsId, certificatePem, privateKeyPem, mode: "publish", verifyStored: "warn", timeout: soak ? 4 : 1.5, onFailure: "fail", rollback: false };
                },
            },
            {
                name: "batch",
                reconciler: () => fleetBatch(server, silent, now),
                inputs: () => ({
                    fleet: `project/${prefix}/fleet`,
                    batch: 0,
                    batches: 1,
                    members,
                    details: { [members[0]!]: { label: changed ? "after" : "before", attributes: { row: changed ? 2 : 1 } } },
                    settings,
                    concurrency: 3,
                }),
            },
        ];
        return declarations;
    };
}
