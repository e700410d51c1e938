// A device profile: created or adopted, and kept as declared.

import type { DeviceProfile, DeviceProfileId, NewDeviceProfile } from "../thingsboard/model";
import { isApiError, type ThingsBoard } from "../thingsboard";
import { UserError } from "../userError";
import { readLeaf } from "../x509/leaf";
import { type Expected, profileDrift } from "./deviceProfileDrift";
import type { DriftInputs } from "./drift";
import { emptyProfile, observedContent, wantedContent } from "./deviceProfileContent";
import { profileFailures } from "./deviceProfileInputs";
import { type Mark, newMark, sameStack } from "./ownership";
import { profileMarkOf, withProfileMark, withoutProfileMark } from "./profileMark";
import { type Reconciler, Unfinished, isUnknown, sameJson, toState } from "./reconciler";
import { identity } from "./credentialRow";
import { saveProfile } from "./save";
import type { ServerOf } from "./server";

export interface DeviceProfileInputs extends DriftInputs {
    readonly name: string;
    readonly description?: string;
    readonly transport?: string;
    readonly mqtt?: MqttTopics;
    readonly x509Chain?: X509Chain;
    /** By name. */
    readonly ruleChain?: string;
    /** By title. */
    readonly dashboard?: string;
    readonly default?: boolean;
    readonly adopt?: boolean;
    readonly onDelete?: "delete" | "keep";
    readonly declaredBy: string;
}

export interface MqttTopics {
    readonly telemetryTopic?: string;
    readonly attributesTopic?: string;
    readonly payloadType?: string;
    readonly acknowledgeInvalid?: boolean;
    readonly proto?: { readonly telemetry: string; readonly attributes: string; readonly rpcRequest: string; readonly rpcResponse: string };
}

export interface X509Chain {
    readonly certificatePem: string;
    readonly commonNamePattern: string;
    readonly createDevices: boolean;
}

export interface DeviceProfileState extends DeviceProfileInputs {
    readonly stateVersion: 1;
    readonly deviceProfileId: DeviceProfileId;
    readonly adopted: boolean;
    /** Says whether the profile is still this resource's own: see `Mark`. */
    readonly claim: string;
    /** Which profile was the default before this one took its place, to be put back; "" when this one did not. */
    readonly formerDefault: string;
    /** How what `changedElsewhere` names was left. */
    readonly expected?: Expected;
}

export function deviceProfile(server: ServerOf, now: () => Date): Reconciler<DeviceProfileInputs, DeviceProfileState> {
    return {
        async check(olds, news) {
            return { inputs: news, failures: profileFailures(olds ?? {}, news, now()) };
        },

        async diff(_id, state, news) {
            const { declaredBy: _o, adopt: _a, ...wanted } = news;
            if (isUnknown(wanted)) return {};
            return sameJson(decisive(state), decisive(news)) && sameStack(state.declaredBy, news.declaredBy) ? { changes: false } : {};
        },

        async create(inputs) {
            const thingsboard = about(inputs.name);
            const links = await linksOf(thingsboard, inputs);
            const info = await thingsboard.deviceProfileByName(inputs.name);
            const { saved, mark } = info ? await takeOver(thingsboard, inputs, links, info.id.id) : await found(thingsboard, inputs, links);
            return { id: saved.id.id, outs: toState(await finish(thingsboard, inputs, saved, mark, "")) };
        },

        async read(id, state) {
            if (!state) return {};
            const thingsboard = about(state.name);
            const profile = await thingsboard.deviceProfile(id);
            if (!profile) return {};
            const { changedElsewhere: _then, expected: _expected, ...before } = state;
            const seen = { ...observedContent(profile, state), ...(await observedLinks(thingsboard, profile, state)) };
            const now: DeviceProfileState = { ...before, ...seen, ...profileDrift(state, seen) };
            return { id, inputs: inputsOnly(now), props: toState(now) };
        },

        async update(id, state, news) {
            const thingsboard = about(news.name);
            const links = await linksOf(thingsboard, news);
            const mark: Mark = { declaredBy: news.declaredBy, claim: state.claim, adopted: state.adopted };
            const saved = await saveProfile(thingsboard, id, profile => {
                if (!isStillOurs(profile, state) && !isOfStack(profileMarkOf(profile.description), news.declaredBy)) throw new UserError(takenOver(news.name, profileMarkOf(profile.description)));
                return wantedProfile(profile, news, links, mark, state);
            });
            if (!saved) throw new UserError(`device profile "${news.name}" was deleted on ThingsBoard: run "pulumi up --refresh", which creates it again`);
            return { outs: toState(await finish(thingsboard, news, saved, mark, state.formerDefault)) };
        },

        async delete(id, state) {
            const thingsboard = about(state.name);
            const profile = await thingsboard.deviceProfile(id);
            if (!profile || !isStillOurs(profile, state)) return;
            if (profile.default && state.formerDefault !== "") await giveBackDefault(thingsboard, state.formerDefault);
            if ((state.onDelete ?? (state.adopted ? "keep" : "delete")) === "delete") await remove(thingsboard, id, state.name);
            else await saveProfile(thingsboard, id, current => (isStillOurs(current, state) ? { ...current, description: withoutProfileMark(current.description) } : undefined));
        },
    };

    function about(name: string): ThingsBoard {
        return server().thingsboard.about(`device profile "${name}"`);
    }

    async function found(thingsboard: ThingsBoard, inputs: DeviceProfileInputs, links: Links) {
        const mark = newMark(inputs.declaredBy, false);
        const fresh = wantedProfile(emptyProfile(inputs.name), inputs, links, mark, {});
        try {
            return { saved: await thingsboard.createDeviceProfile(fresh, profile => profileMarkOf(profile.description)?.claim === mark.claim), mark };
        } catch (error) {
            // Somebody was faster: what is there now decides, as if it had been found at first.
            const winner = isApiError(error, "nameTaken") ? await thingsboard.deviceProfileByName(inputs.name) : undefined;
            if (!winner) throw error;
            return takeOver(thingsboard, inputs, links, winner.id.id);
        }
    }

    async function takeOver(thingsboard: ThingsBoard, inputs: DeviceProfileInputs, links: Links, id: DeviceProfileId) {
        let mark!: Mark;
        const saved = await saveProfile(thingsboard, id, profile => {
            const theirs = profileMarkOf(profile.description);
            const ours = isOfStack(theirs, inputs.declaredBy);
            if (!ours && inputs.adopt !== true) throw new UserError(existsAlready(inputs.name, theirs));
            mark = newMark(inputs.declaredBy, ours ? (theirs?.adopted ?? false) : true);
            return wantedProfile(profile, inputs, links, mark, {});
        });
        if (!saved) throw new UserError(`device profile "${inputs.name}" was deleted while it was being adopted: run "pulumi up" again`);
        return { saved, mark };
    }

    /** The profile exists by now: what fails from here on is finished by `update`. */
    async function finish(thingsboard: ThingsBoard, inputs: DeviceProfileInputs, saved: DeviceProfile, mark: Mark, formerDefault: string): Promise<DeviceProfileState> {
        const { changedElsewhere: _changed, ...declared } = inputs;
        const state: DeviceProfileState = { ...declared, stateVersion: 1, deviceProfileId: saved.id.id, adopted: mark.adopted, claim: mark.claim, formerDefault };
        try {
            requireKey(saved, inputs);
            if (inputs.default === true && !saved.default) {
                const { id } = await thingsboard.defaultDeviceProfile();
                await thingsboard.makeDefaultDeviceProfile(saved.id.id);
                return { ...state, formerDefault: id.id };
            }
            if (inputs.default !== true && saved.default && formerDefault !== "") {
                await giveBackDefault(thingsboard, formerDefault);
                return { ...state, formerDefault: "" };
            }
            return state;
        } catch (error) {
            if (!(error instanceof Error)) throw error;
            const { default: _pending, ...done } = state;
            throw new Unfinished(saved.id.id, inputs, { ...done, default: !inputs.default }, error);
        }
    }

    /** One that is gone meanwhile leaves the tenant with the default that it has. */
    async function giveBackDefault(thingsboard: ThingsBoard, id: DeviceProfileId): Promise<void> {
        if (await thingsboard.deviceProfile(id)) await thingsboard.makeDefaultDeviceProfile(id);
    }

    async function remove(thingsboard: ThingsBoard, id: DeviceProfileId, name: string): Promise<void> {
        try {
            await thingsboard.deleteDeviceProfile(id);
        } catch (error) {
            if (!isApiError(error, "invalid") || !error.serverMessage?.includes("referenced by the devices")) throw error;
            const count = await thingsboard.devicesOfProfile(id);
            const users = count === undefined ? "devices" : count === 1 ? "1 device" : `${count} devices`;
            throw new UserError(
                `device profile "${name}" is still used by ${users}, so ThingsBoard does not delete it: move them to another profile or delete them ` +
                    `(those that enrolled by themselves are in no stack), then run "pulumi destroy" again; or set onDelete: "keep"`,
            );
        }
    }
}

/** ThingsBoard computes it from what arrived, as it does for a device's certificate. */
function requireKey(saved: DeviceProfile, { x509Chain, name }: DeviceProfileInputs): void {
    if (x509Chain === undefined) return;
    const wanted = readLeaf(x509Chain.certificatePem).credentialsId;
    if (saved.provisionDeviceKey !== wanted) {
        throw new UserError(`device profile "${name}": ThingsBoard answered with key ${saved.provisionDeviceKey} for the authority instead of ${wanted}: something between here and ThingsBoard changes what is sent`);
    }
}

interface Links {
    readonly defaultRuleChainId?: DeviceProfile["defaultRuleChainId"];
    readonly defaultDashboardId?: DeviceProfile["defaultDashboardId"];
}

async function linksOf(thingsboard: ThingsBoard, { name, ruleChain, dashboard }: DeviceProfileInputs): Promise<Links> {
    const one = async (what: string, wanted: string, find: (name: string) => Promise<readonly { id: string }[]>) => {
        const matches = await find(wanted);
        if (matches.length === 1) return matches[0]!.id;
        const found = matches.length === 0 ? "does not exist on this ThingsBoard: create it first" : `exists ${matches.length} times on this ThingsBoard: give one of them another name`;
        throw new UserError(`device profile "${name}": ${what} "${wanted}" ${found}, or correct ${what === "dashboard" ? "dashboard" : "ruleChain"}`);
    };
    return {
        ...(ruleChain === undefined ? {} : { defaultRuleChainId: { entityType: "RULE_CHAIN", id: await one("rule chain", ruleChain, thingsboard.ruleChainsByName) } }),
        ...(dashboard === undefined ? {} : { defaultDashboardId: { entityType: "DASHBOARD", id: await one("dashboard", dashboard, thingsboard.dashboardsByTitle) } }),
    };
}

async function observedLinks(thingsboard: ThingsBoard, profile: DeviceProfile, state: DeviceProfileState): Promise<Partial<DeviceProfileInputs>> {
    const { defaultRuleChainId: chain, defaultDashboardId: dashboard } = profile;
    return {
        ...(state.description === undefined ? {} : { description: asDeclared(state.description, withoutProfileMark(profile.description)) }),
        ...(state.ruleChain === undefined ? {} : { ruleChain: chain ? ((await thingsboard.ruleChainName(chain.id)) ?? chain.id) : "" }),
        ...(state.dashboard === undefined ? {} : { dashboard: dashboard ? ((await thingsboard.dashboardTitle(dashboard.id)) ?? dashboard.id) : "" }),
        ...(state.default === true ? { default: profile.default } : {}),
    };
}

function wantedProfile<Found extends NewDeviceProfile>(found: Found, inputs: DeviceProfileInputs, links: Links, mark: Mark, before: Partial<DeviceProfileInputs>): Found {
    const kept = withoutProfileMark(found.description);
    const description = inputs.description ?? (before.description === undefined ? kept : "");
    return {
        ...wantedContent(found, inputs, before),
        description: withProfileMark(description, mark),
        ...(before.ruleChain === undefined || inputs.ruleChain !== undefined ? {} : { defaultRuleChainId: null }),
        ...(before.dashboard === undefined || inputs.dashboard !== undefined ? {} : { defaultDashboardId: null }),
        ...links,
    };
}

/** Blanks at its end get lost before the mark. */
const asDeclared = (declared: string, found: string): string => (declared.trimEnd() === found ? declared : found);

const isOfStack = (mark: Mark | undefined, declaredBy: string): boolean => mark !== undefined && sameStack(mark.declaredBy, declaredBy);

/** Without a mark it is still what our state names: nobody else has claimed it. */
const isStillOurs = (found: DeviceProfile, state: DeviceProfileState): boolean => (profileMarkOf(found.description)?.claim ?? state.claim) === state.claim;

/** The authority by its identity: the same certificate may be written in other line breaks. */
function decisive({ name, description, transport, mqtt, x509Chain, ruleChain, dashboard, default: isDefault, onDelete, onDrift, changedElsewhere }: DeviceProfileInputs): unknown {
    const chain = x509Chain && { ...x509Chain, certificatePem: identity(x509Chain.certificatePem) };
    return { name, description, transport, mqtt, x509Chain: chain, ruleChain, dashboard, default: isDefault === true, onDelete, onDrift, changedElsewhere };
}

function inputsOnly({ name, description, transport, mqtt, x509Chain, ruleChain, dashboard, default: isDefault, adopt, onDelete, onDrift, changedElsewhere, declaredBy }: DeviceProfileInputs): DeviceProfileInputs {
    return toState({ name, description, transport, mqtt, x509Chain, ruleChain, dashboard, default: isDefault, adopt, onDelete, onDrift, changedElsewhere, declaredBy } as DeviceProfileInputs);
}

function existsAlready(name: string, mark: Mark | undefined): string {
    const whose = mark ? ` and belongs to ${mark.declaredBy} (project/stack/resource)` : "";
    return `device profile "${name}" exists already on this ThingsBoard${whose}: set adopt: true to take it over (it is then kept when the stack is destroyed), or choose another name`;
}

const takenOver = (name: string, mark: Mark | undefined): string =>
    `device profile "${name}" was adopted by ${mark?.declaredBy} (project/stack/resource) meanwhile: take it out of one of the two programs`;
