// A batch of a fleet: hundreds of devices as one resource, each with a certificate, and each failing for itself.

import { randomUUID } from "node:crypto";
import { UserError } from "../userError";
import type { BatchSummary, DeviceName, DeviceRecord, FleetBatchInputs, FleetBatchState } from "./fleet/batch";
import { batchFailures } from "./fleet/check";
import { contextOf } from "./fleet/context";
import { observe } from "./fleet/observe";
import { type Plan, own, planOf } from "./fleet/plan";
import { type Progress, createProgress } from "./fleet/progress";
import { poolOf, run } from "./fleet/run";
import { batchName, failures, planned, some } from "./fleet/words";
import { type Reconciler, Unfinished, isUnknown, sameJson, toState } from "./reconciler";
import type { ServerOf } from "./server";

export type { FleetBatchInputs, FleetBatchState } from "./fleet/batch";

/**
 * @param say a line for whoever watches the deployment
 * @param warn what is said once, whichever batch finds it
 */
export function fleetBatch(server: ServerOf, say: (line: string) => void, now: () => Date, warn = (text: string) => say(`warning: ${text}`)): Reconciler<FleetBatchInputs, FleetBatchState> {
    const all = new Map<string, Progress>();
    /** One for the whole run, which may go on past midnight. */
    let began: Date | undefined;
    const today = () => (began ??= now());

    return {
        async check(olds, news) {
            if (isNew(olds) && news.members.length > 0) progressOf(news).expect(news.batch, news.members.length);
            return { inputs: news, failures: await batchFailures(olds, news, now()) };
        },

        async diff(_id, state, news) {
            if (isUnknown(news)) {
                if (!sameDevices(state, news)) say(`${batchName(news)}: something of it is known only when the deployment runs`);
                return {};
            }
            const plan = planOf(state, news, now(), today());
            const line = planned(news, plan);
            if (line !== undefined) say(line);
            progressOf(news).expect(news.batch, plan.work.size);
            if (!sameJson(inputsOf(state), withoutConcurrency(news))) return {};
            return { changes: plan.work.size > 0 };
        },

        async create(inputs) {
            const id = randomUUID();
            return { id, outs: await work(id, inputs, undefined) };
        },

        async read(id, state) {
            if (!state) return {};
            const pool = poolOf(state);
            const { drift, revoked } = await observe(server(), state, task => pool.run(task));
            const { drift: _drift, revoked: _revoked, ...before } = state;
            const found: FleetBatchState = { ...before, ...filled({ drift, revoked }) };
            return { id, inputs: toState({ ...inputsOf(found), concurrency: state.concurrency }), props: toState(found) };
        },

        async update(id, state, news) {
            return { outs: await work(id, news, state) };
        },

        async delete(_id, state) {
            const nothing: FleetBatchInputs = { ...state, members: [], details: {} };
            const { failed } = await carryOut(nothing, state, planOf(state, nothing, now()));
            const reasons = failures(failed);
            if (reasons.length > 0) throw new UserError(`${batchName(state)}: ${Object.keys(failed).length} of ${Object.keys(state.devices).length} devices could not be given up; the next run tries again: ${reasons.join("; ")}`);
        },
    };

    async function work(id: string, inputs: FleetBatchInputs, before: FleetBatchState | undefined): Promise<FleetBatchState> {
        const plan = planOf(before, inputs, now(), today());
        const claim = before?.claim ?? randomUUID();
        const { devices, keys, details, failed, revoked, interrupted, warnings } = await carryOut(inputs, before, plan, claim);
        const { members: _m, details: _details, drift: _drift, revoked: _revoked, ...declared } = inputs;
        const state = toState<FleetBatchState>({
            ...declared,
            stateVersion: 1,
            claim,
            devices,
            keys,
            ...filled({ details, failed, revoked }),
            summary: summaryOf(devices, failed),
        });
        if (interrupted.length > 0) say(`warning: ${batchName(inputs)}: ${interrupted.length === 1 ? "1 device that this fleet had made before has a new certificate, since the one it had was" : `${interrupted.length} devices that this fleet had made before have new certificates, since those they had were`} not in the state (an earlier run was interrupted): ${some(interrupted, 20)}`);
        for (const warning of warnings.slice(0, 5)) say(`warning: ${warning}`);
        if (warnings.length > 5) say(`warning: ${batchName(inputs)}: the same of ${warnings.length - 5} more devices`);
        const reasons = failures(failed);
        if (reasons.length === 0) return state;
        const count = Object.keys(failed).length;
        const summary = `${batchName(inputs)}: ${count} of ${inputs.members.length} devices could not be finished; the others are, and the next "pulumi up" tries these again`;
        throw new Unfinished(id, declared, state, new UserError(summary), [summary, ...reasons]);
    }

    async function carryOut(inputs: FleetBatchInputs, before: FleetBatchState | undefined, plan: Plan, claim = before?.claim ?? "") {
        const needsProfile = [...plan.work.values()].some(kind => kind !== "removed" && kind !== "revoked");
        const context = await contextOf(server(), inputs, claim, now, needsProfile);
        return run(context, before, plan, progressOf(inputs), warn);
    }

    function progressOf({ fleet }: Pick<FleetBatchInputs, "fleet">): Progress {
        const progress = all.get(fleet) ?? createProgress(fleet, { say, now: () => performance.now(), after });
        all.set(fleet, progress);
        return progress;
    }
}

function after(ms: number, action: () => void): () => void {
    const timer = setTimeout(action, ms);
    timer.unref();
    return () => clearTimeout(timer);
}

const isNew = (olds: Partial<FleetBatchInputs>): boolean => olds.members === undefined;

const withoutConcurrency = ({ concurrency: _c, ...rest }: FleetBatchInputs) => bare(rest);

/** The inputs that this state came from. What could not be made yet is among them, or `refresh` would forget it. */
function inputsOf(state: FleetBatchState) {
    const { fleet, batch, batches, shard, settings, authority, drift, revoked, failed } = state;
    const members = [...new Set([...Object.keys(state.devices), ...Object.keys(failed ?? {})])].sort();
    const outside = Object.entries(state.devices).filter(([name]) => !Object.hasOwn(state.keys, name) && own(state.details, name)?.csr === undefined);
    const details = { ...state.details };
    for (const [name, { certificate }] of outside) details[name] = { ...details[name], certificate };
    return bare({ fleet, batch, batches, shard, members, details, settings, authority, drift, revoked } as Omit<FleetBatchInputs, "concurrency">);
}

/** Without what is empty: it may be there or not. */
function bare(inputs: Omit<FleetBatchInputs, "concurrency">): Omit<FleetBatchInputs, "concurrency"> {
    const { fleet, batch, batches, shard, members, details, settings, authority, drift, revoked } = inputs;
    return toState({
        fleet,
        batch,
        batches,
        ...(shard === undefined ? {} : { shard }),
        members,
        settings,
        ...(authority === undefined ? {} : { authority }),
        ...filled({ details, drift, revoked }),
    });
}

/** Those that hold anything. */
function filled<Maps extends Readonly<Record<string, object | undefined>>>(maps: Maps): { [Name in keyof Maps]?: NonNullable<Maps[Name]> } {
    return Object.fromEntries(Object.entries(maps).filter(([, map]) => map !== undefined && Object.keys(map).length > 0)) as { [Name in keyof Maps]?: NonNullable<Maps[Name]> };
}

const sameDevices = (state: FleetBatchState, news: FleetBatchInputs): boolean => sameJson(Object.keys(state.devices).sort(), [...news.members].sort());

function summaryOf(devices: Readonly<Record<DeviceName, DeviceRecord>>, failed: Readonly<Record<DeviceName, string>>): BatchSummary {
    const bound = Object.entries(devices).filter(([name]) => !Object.hasOwn(failed, name));
    const expiries = Object.values(devices).map(({ notAfter }) => notAfter).sort();
    return { devices: bound.length, failed: Object.keys(failed).length, ...(expiries[0] === undefined ? {} : { nextExpiry: expiries[0] }) };
}
