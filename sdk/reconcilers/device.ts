// A device: created or adopted, and kept as declared.

import type { Device, DeviceId } from "../thingsboard/model";
import { isApiError, type ThingsBoard } from "../thingsboard";
import { UserError } from "../userError";
import { type DriftInputs, changedElsewhere } from "./drift";
import { type Assignment, assign, assignmentOf, checkAssignment, sameAssignment } from "./assignment";
import { deviceFailures } from "./deviceInputs";
import { deviceNamed } from "./deviceNamed";
import { foretell } from "./foretold";
import { type Mark, isOfStack, markKey, markOf, newMark, sameStack } from "./ownership";
import { type Reconciler, Unfinished, isUnknown, sameJson, toState } from "./reconciler";
import { saveDevice } from "./save";
import type { ServerOf } from "./server";

export interface DeviceInputs extends Assignment, DriftInputs {
    readonly name: string;
    readonly label?: string;
    /** By name. Undeclared: the tenant's default at creation, and whatever it is later. */
    readonly deviceProfile?: string;
    readonly gateway?: boolean;
    /** Server scope. */
    readonly attributes?: Readonly<Record<string, unknown>>;
    readonly additionalInfo?: Readonly<Record<string, unknown>>;
    readonly adopt?: boolean;
    readonly onDelete?: "delete" | "keep";
    readonly declaredBy: string;
}

export interface DeviceState extends DeviceInputs {
    readonly stateVersion: 1;
    readonly deviceId: DeviceId;
    readonly deviceProfileId: string;
    readonly adopted: boolean;
    /** Says whether the device is still this resource's own: see `Mark`. */
    readonly claim: string;
    /** What we have set, and so may remove: keys in server scope, keys of additionalInfo, groups. */
    readonly setAttributes: readonly string[];
    readonly setAdditionalInfo: readonly string[];
    readonly setGroups: readonly string[];
    /** Secret, since attributes may be. What drifted properties were before: `read` puts what it found in their place. */
    readonly expected?: Readonly<Partial<Record<Tracked, unknown>>>;
}

const tracked = ["name", "label", "deviceProfile", "customer", "gateway", "attributes", "additionalInfo"] as const;
type Tracked = (typeof tracked)[number];

export function device(server: ServerOf, warn: (text: string) => void): Reconciler<DeviceInputs, DeviceState> {
    return {
        async check(olds, news) {
            const failures = deviceFailures(olds, news);
            if (olds.declaredBy === undefined && news.adopt === true && failures.length === 0 && !isUnknown(news.name)) await foretell(() => taken(news), warn);
            return { inputs: news, failures };
        },

        async diff(_id, state, news) {
            const { declaredBy: _declaredBy, adopt: _adopt, ...wanted } = news;
            if (isUnknown(wanted)) return {};
            return isAsDeclared(state, news) && sameStack(state.declaredBy, news.declaredBy) ? { changes: false } : {};
        },

        async create(inputs) {
            const thingsboard = about(inputs.name);
            const deviceProfileId = await profileId(thingsboard, inputs);
            await checkAssignment(thingsboard, inputs.name, inputs);
            const found = await thingsboard.deviceByName(inputs.name);
            const { saved, mark } = await claim(thingsboard, inputs, deviceProfileId, found);
            return { id: saved.id.id, outs: toState(await finish(thingsboard, inputs, saved, mark, nothingSet)) };
        },

        async read(id, state) {
            if (!state) return {};
            if (state.stateVersion === undefined) return lookUp(id, state);
            const thingsboard = about(state.name);
            const found = await thingsboard.deviceById(id);
            if (!found) return {};
            const { changedElsewhere: _then, expected: _expected, ...before } = state;
            const seen = await observed(thingsboard, found, state);
            const now = { ...before, ...seen, ...drift(state, seen) };
            return { id, inputs: inputsOnly(now), props: toState({ ...now, deviceProfileId: found.deviceProfileId?.id ?? "" }) };
        },

        async update(id, state, news) {
            const thingsboard = about(news.name);
            const deviceProfileId = await profileId(thingsboard, news);
            const mark: Mark = { declaredBy: news.declaredBy, claim: state.claim, adopted: state.adopted };
            const saved = await saveDevice(thingsboard, id, found => {
                if (!isStillOurs(found, state) && !isOfStack(found, news.declaredBy)) throw new UserError(takenOver(news.name, markOf(found)));
                return wantedDevice(found, news, deviceProfileId, mark, state);
            });
            if (!saved) throw new UserError(`device "${news.name}" was deleted on ThingsBoard: run "pulumi up --refresh", which creates it again`);
            return { outs: toState(await finish(thingsboard, news, saved, mark, state)) };
        },

        async delete(id, state) {
            const thingsboard = about(state.name);
            const found = await thingsboard.deviceById(id);
            if (!found || !isStillOurs(found, state)) return;
            if ((state.onDelete ?? (state.adopted ? "keep" : "delete")) === "delete") await thingsboard.deleteDevice(id);
            else await saveDevice(thingsboard, id, current => (isStillOurs(current, state) ? withoutMark(current) : undefined));
        },
    };

    function about(name: string): ThingsBoard {
        return server().thingsboard.about(`device "${name}"`);
    }

    async function taken({ name, declaredBy, onDelete }: DeviceInputs): Promise<string | undefined> {
        const found = await about(name).deviceByName(name);
        if (!found || isOfStack(found, declaredBy)) return undefined;
        const mark = markOf(found);
        const whose = mark === undefined ? "" : `, and belongs to ${mark.declaredBy} (project/stack/resource)`;
        return `device "${name}" exists already (id ${found.id.id}, profile "${found.type}"${found.label ? `, label ${JSON.stringify(found.label)}` : ""})${whose}: it is taken over, and ${onDelete === "delete" ? "deleted with its telemetry" : "kept"} on destroy`;
    }

    /** `Device.get`: by the name, or else by the id. Such a resource is read-only, and state holds nothing that is ours. */
    async function lookUp(nameOrId: string, state: DeviceState) {
        const thingsboard = about(nameOrId);
        const found = await deviceNamed(thingsboard, nameOrId);
        if (!found) throw new UserError(`device "${nameOrId}" does not exist on this ThingsBoard: correct the name or id, or declare the device`);
        const { name, label, type, deviceProfileId } = found;
        const seen = toState({ name, label: label ?? undefined, deviceProfile: type, deviceId: found.id.id, deviceProfileId: deviceProfileId?.id, adopted: true });
        return { id: found.id.id, props: { ...seen, declaredBy: state.declaredBy } as unknown as DeviceState };
    }

    /** Creates the device, or takes over the one that has its name. */
    async function claim(thingsboard: ThingsBoard, inputs: DeviceInputs, deviceProfileId: string | undefined, found: Device | undefined) {
        if (!found) {
            const mark = newMark(inputs.declaredBy, false);
            const fresh = wantedDevice({ name: inputs.name }, inputs, deviceProfileId, mark, nothingSet);
            try {
                const saved = await thingsboard.createDevice(fresh, device => markOf(device)?.claim === mark.claim);
                return { saved, mark };
            } catch (error) {
                // Somebody was faster: what is there now decides, as if it had been found at first.
                const winner = isApiError(error, "nameTaken") ? await thingsboard.deviceByName(inputs.name) : undefined;
                if (!winner) throw error;
                return takeOver(thingsboard, inputs, deviceProfileId, winner);
            }
        }
        return takeOver(thingsboard, inputs, deviceProfileId, found);
    }

    async function takeOver(thingsboard: ThingsBoard, inputs: DeviceInputs, deviceProfileId: string | undefined, found: Device) {
        let mark!: Mark;
        const saved = await saveDevice(thingsboard, found.id.id, current => {
            const ours = isOfStack(current, inputs.declaredBy);
            if (!ours && inputs.adopt !== true) throw new UserError(existsAlready(inputs.name, markOf(current)));
            mark = newMark(inputs.declaredBy, ours ? (markOf(current)?.adopted ?? false) : true);
            return wantedDevice(current, inputs, deviceProfileId, mark, nothingSet);
        });
        if (!saved) throw new UserError(`device "${inputs.name}" was deleted while it was being adopted: run "pulumi up" again`);
        return { saved, mark };
    }

    /** What hangs on a device that exists by now. Fails as a whole: the engine keeps the device, and `update` finishes it. */
    async function finish(thingsboard: ThingsBoard, inputs: DeviceInputs, saved: Device, mark: Mark, before: SetByUs): Promise<DeviceState> {
        const attributes = Object.keys(inputs.attributes ?? {});
        const groups = inputs.groups ?? [];
        const { changedElsewhere: _changed, ...declared } = inputs;
        const state: DeviceState = {
            ...declared,
            stateVersion: 1,
            deviceId: saved.id.id,
            deviceProfileId: saved.deviceProfileId?.id ?? "",
            adopted: mark.adopted,
            claim: mark.claim,
            setAttributes: attributes,
            setAdditionalInfo: Object.keys(inputs.additionalInfo ?? {}),
            setGroups: groups,
        };
        try {
            await assign(thingsboard, saved, inputs, before);
            const dropped = before.setAttributes.filter(key => !attributes.includes(key));
            if (dropped.length > 0) await thingsboard.deleteAttributes(saved.id.id, dropped);
            if (attributes.length > 0) await thingsboard.saveAttributes(saved.id.id, inputs.attributes ?? {});
            return state;
        } catch (error) {
            if (!(error instanceof Error)) throw error;
            const pending = {
                setAttributes: union(before.setAttributes, attributes),
                setGroups: union(before.setGroups, groups),
                // What was perhaps not reached is not said to be done: after a refresh nothing but `diff` tells that it is still to do.
                ...(inputs.attributes === undefined && before.setAttributes.length === 0 ? {} : { attributes: {} }),
                owner: before.owner,
                groups: before.groups,
                // This one is read back from the server.
                customer: inputs.customer ?? before.customer,
            };
            throw new Unfinished(saved.id.id, inputs, { ...state, ...pending }, error);
        }
    }

    /** What the server holds in the place of what was declared, or of what we had set before somebody removed it. */
    async function observed(thingsboard: ThingsBoard, found: Device, state: DeviceState): Promise<Partial<DeviceInputs>> {
        const keys = union(state.setAttributes, Object.keys(state.attributes ?? {}));
        const attributes = keys.length === 0 ? [] : ((await thingsboard.attributes(found.id.id, "SERVER_SCOPE", keys)) ?? []);
        const info = found.additionalInfo ?? {};
        const infoKeys = union(state.setAdditionalInfo, Object.keys(state.additionalInfo ?? {}));
        return {
            name: found.name,
            ...(state.label === undefined ? {} : { label: found.label ?? "" }),
            ...(state.deviceProfile === undefined ? {} : { deviceProfile: found.type ?? "" }),
            ...(state.gateway === undefined ? {} : { gateway: info["gateway"] === true }),
            ...(state.attributes === undefined ? {} : { attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, value])) }),
            ...(state.additionalInfo === undefined ? {} : { additionalInfo: pick(info, infoKeys) }),
            ...(await assignmentOf(thingsboard, found, state)),
        };
    }

    async function profileId(thingsboard: ThingsBoard, { name, deviceProfile }: DeviceInputs): Promise<string | undefined> {
        if (deviceProfile === undefined) return undefined;
        const profile = await thingsboard.deviceProfileByName(deviceProfile);
        if (profile) return profile.id.id;
        // ThingsBoard itself would make a profile of that name: a slip of the pen would found one.
        throw new UserError(`device "${name}": device profile "${deviceProfile}" does not exist on this ThingsBoard: create it first, or correct deviceProfile`);
    }
}

/** What the resource had set before: removing it from the program takes it back. */
type SetByUs = Pick<DeviceState, "setAttributes" | "setAdditionalInfo" | "setGroups" | "label" | "gateway" | "customer" | "owner" | "groups">;
const nothingSet: SetByUs = { setAttributes: [], setAdditionalInfo: [], setGroups: [] };

/** What is there, with what is declared laid over it: a save replaces the whole device. */
function wantedDevice<Found extends { name: string; additionalInfo?: Device["additionalInfo"] }>(
    found: Found,
    inputs: DeviceInputs,
    deviceProfileId: string | undefined,
    mark: Mark,
    before: SetByUs,
): Found {
    const ours = before.gateway === undefined ? before.setAdditionalInfo : [...before.setAdditionalInfo, "gateway"];
    const kept = Object.entries(found.additionalInfo ?? {}).filter(([key]) => !ours.includes(key));
    const label = inputs.label ?? (before.label === undefined ? undefined : null);
    return {
        ...found,
        name: inputs.name,
        ...(label === undefined ? {} : { label }),
        ...(deviceProfileId === undefined ? {} : { deviceProfileId: { entityType: "DEVICE_PROFILE", id: deviceProfileId } }),
        additionalInfo: {
            ...Object.fromEntries(kept),
            ...inputs.additionalInfo,
            ...(inputs.gateway === undefined ? {} : { gateway: inputs.gateway }),
            [markKey]: mark,
        },
    };
}

/** What differs from how we left it, in words, and how we left it. */
function drift(state: DeviceState, seen: Partial<DeviceInputs>): Pick<DeviceState, "changedElsewhere" | "expected"> {
    const left = (property: Tracked) => (state.expected && property in state.expected ? state.expected[property] : state[property]);
    const changed = tracked.filter(property => property in seen && !sameJson(left(property), seen[property]));
    if (changed.length === 0) return {};
    return {
        ...changedElsewhere(Object.fromEntries(changed.map(property => [property, inWords(left(property), seen[property])]))),
        expected: Object.fromEntries(changed.map(property => [property, left(property) ?? null])),
    };
}

/** Of attributes and additionalInfo the keys that differ, without their values: these may be secrets, and this text is none. */
function inWords(left: unknown, seen: unknown): string {
    if (typeof seen !== "object" || seen === null) return JSON.stringify(seen) ?? "absent";
    const [before, now] = [(left ?? {}) as Record<string, unknown>, seen as Record<string, unknown>];
    const keys = union(Object.keys(before), Object.keys(now)).filter(key => !sameJson(before[key], now[key]));
    return keys.map(key => `${key}: ${key in now ? "another value" : "absent"}`).join(", ");
}

/** Without a mark it is still what our state names: nobody else has claimed it. */
const isStillOurs = (found: Device, state: DeviceState): boolean => (markOf(found)?.claim ?? state.claim) === state.claim;

function withoutMark(found: Device): Device {
    const { [markKey]: _mark, ...rest } = found.additionalInfo ?? {};
    return { ...found, additionalInfo: rest };
}

function isAsDeclared(state: DeviceState, news: DeviceInputs): boolean {
    const same = (key: "name" | "label" | "deviceProfile" | "gateway" | "onDelete" | "onDrift" | "changedElsewhere") => sameJson(state[key], news[key]);
    return (
        same("name") &&
        same("label") &&
        same("deviceProfile") &&
        same("gateway") &&
        same("onDelete") &&
        same("onDrift") &&
        same("changedElsewhere") &&
        sameJson(state.attributes ?? {}, news.attributes ?? {}) &&
        sameJson(state.additionalInfo ?? {}, news.additionalInfo ?? {}) &&
        sameAssignment(state, news)
    );
}

function inputsOnly(state: DeviceInputs): DeviceInputs {
    const { name, label, deviceProfile, customer, owner, groups, gateway, attributes, additionalInfo, adopt, onDelete, onDrift, declaredBy, changedElsewhere } = state;
    return toState({ name, label, deviceProfile, customer, owner, groups, gateway, attributes, additionalInfo, adopt, onDelete, onDrift, declaredBy, changedElsewhere } as DeviceInputs);
}

function existsAlready(name: string, mark: Mark | undefined): string {
    const whose = mark ? ` and belongs to ${mark.declaredBy} (project/stack/resource)` : "";
    return `device "${name}" exists already on this ThingsBoard${whose}: set adopt: true to take it over (it is then kept when the stack is destroyed), or choose another name`;
}

const takenOver = (name: string, mark: Mark | undefined): string =>
    `device "${name}" was adopted by ${mark?.declaredBy} (project/stack/resource) meanwhile: take it out of one of the two programs`;

const union = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])];

const pick = (from: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(keys.filter(key => key in from).map(key => [key, from[key]]));
