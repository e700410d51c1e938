// Binds a certificate to a device, and keeps it bound.

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Device, DeviceCredentials, DeviceId } from "../thingsboard/model";
import { isApiError, type ThingsBoard } from "../thingsboard";
import { UserError } from "../userError";
import { keyId, readLeaf } from "../x509/leaf";
import { commonNamesOf } from "../x509/names";
import { certificateOf } from "../x509/pem";
import { type Binding, bindingAttribute, bindingIn, foreign, notesOn } from "./binding";
import { warnOfChain } from "./chainWarning";
import { claimedBy, heldBefore } from "./claims";
import { boundCertificate, describeRow, freshToken, identity } from "./credentialRow";
import { boundAlready, boundTwice, credentialFailures, endOf, named, weaknessOf } from "./deviceCredentialInputs";
import { type DriftInputs, changedElsewhere } from "./drift";
import { foretell } from "./foretold";
import { noteOthers, othersWithout } from "./others";
import { logicalName, stackOf } from "./ownership";
import { type Reconciler, Unfinished, isUnknown, sameJson, toState } from "./reconciler";
import { keyName, refuseRevoked, revokedAttribute, revokedIn } from "./revoked";
import { saveRow } from "./save";
import type { ServerOf } from "./server";

export interface DeviceCredentialInputs extends DriftInputs {
    /** One of the two; with both, the id is where to look and the name is for the reader. */
    readonly deviceId?: DeviceId;
    readonly deviceName?: string;
    readonly certificatePem: string;
    readonly adopt?: boolean;
    readonly onDelete?: "revoke" | "keep";
    readonly ignoreServerRotation?: boolean;
    readonly declaredBy: string;
    /** With `--parallel 1`: what the program's others want. Read by `check`, which leaves it out of the state. */
    readonly others?: unknown;
    /** Declared by nobody: `read` says that our certificate was revoked meanwhile, so that preview can refuse it. */
    readonly revoked?: { readonly credentialsId: string; readonly keyId?: string; readonly on: string };
}

export interface DeviceCredentialState extends DeviceCredentialInputs {
    readonly stateVersion: 1;
    readonly deviceId: DeviceId;
    /** Which of `deviceId` and `deviceName` are inputs; the other is for the reader of the state. */
    readonly targetInputs: readonly ("deviceId" | "deviceName")[];
    /** The credential that we bound. Drift never changes it. */
    readonly credentialsId: string;
    /**
     * The row as we left it. With `credentialsId` it says whether the binding is still this resource's own: the engine
     * replaces by creating first and deleting afterwards, so the same certificate may by then be bound by a successor.
     * Null on a ThingsBoard before 3.8. Where somebody has saved the row since, `bindingAttribute` says it.
     */
    readonly rowVersion: number | null;
    /** Rises with each binding: what has to happen again after one takes it as its trigger. */
    readonly bindingRevision: number;
    /** When, by the server's clock (ms): a connection of the device after it was made with this certificate. */
    readonly boundAt: number;
    /** The certificate of ours that this binding has replaced: what a refused check goes back to. */
    readonly replacedCertificatePem?: string;
}

/** Milliseconds. */
const swapPatience = 3_000;
const swapPause = 100;

class CertificateTaken extends UserError {}

export function deviceCredential(server: ServerOf, now: () => Date, warn: (text: string) => void): Reconciler<DeviceCredentialInputs, DeviceCredentialState> {
    return {
        async check(olds, { others, ...news }) {
            noteOthers(news.declaredBy, others);
            for (const warning of isUnknown(news) ? [] : [endOf(news, now()), weaknessOf(news)]) if (warning !== undefined) warn(warning);
            const failures = credentialFailures(olds, news, now());
            if (olds.declaredBy === undefined && news.adopt === true && failures.length === 0 && !isUnknown(news)) await foretell(() => replaced(news), warn);
            return { inputs: news, failures };
        },

        async diff(_id, state, news) {
            const same =
                sameDevice(state, news) &&
                state.onDelete === news.onDelete &&
                state.onDrift === news.onDrift &&
                state.ignoreServerRotation === news.ignoreServerRotation &&
                identity(state.certificatePem) === identity(news.certificatePem) &&
                sameJson(state.changedElsewhere, news.changedElsewhere);
            return same ? { changes: false } : {};
        },

        async create(inputs) {
            const id = randomUUID();
            const device = await deviceOf(inputs);
            return { id, outs: toState(await bindInTurn(id, inputs, device, undefined)) };
        },

        async read(id, state) {
            const row = state && (await about(state).credentials(state.deviceId));
            if (!row) return {};
            const { changedElsewhere: _then, revoked: _revoked, ...before } = state;
            const ours = row.credentialsId === state.credentialsId;
            if (!ours && state.ignoreServerRotation === true && (await isRotatedByServer(state, row))) return { id, inputs: inputsOf(before), props: toState(before) };
            const certificatePem = boundCertificate(row, state);
            const drift = ours ? {} : { ...changedElsewhere({ certificatePem: describeRow(row) }), ...(await revocation(state)) };
            return { id, inputs: inputsOf({ ...before, ...drift, certificatePem }), props: toState({ ...before, ...drift, certificatePem }) };
        },

        // Moving to another device is an update too: a replacement would bind the same certificate twice.
        async update(id, state, news) {
            const device = await deviceOf(news);
            if (device.id.id === state.deviceId) {
                if (await isBound(id, state, news)) return { outs: toState(withInputs(state, news)) };
                return { outs: toState(await bindInTurn(id, news, device, state)) };
            }
            return { outs: toState(await move(id, state, news, device)) };
        },

        async delete(id, state) {
            if (state.onDelete !== "keep") await release(id, state);
        },
    };

    function about(inputs: DeviceCredentialInputs): ThingsBoard {
        return server().thingsboard.about(`device "${named(inputs)}"`);
    }

    function look(inputs: DeviceCredentialInputs): Promise<Device | undefined> {
        const { deviceId, deviceName } = inputs;
        return deviceId !== undefined ? about(inputs).deviceById(deviceId) : about(inputs).deviceByName(deviceName ?? "");
    }

    async function deviceOf(inputs: DeviceCredentialInputs): Promise<Device> {
        const { deviceId } = inputs;
        const device = await look(inputs);
        const other = device && boundAlready(device.id.id, inputs.declaredBy);
        if (other !== undefined) throw new UserError(`device "${device!.name}": ${boundTwice(other)}`);
        if (device) return device;
        const what = deviceId !== undefined ? `id ${deviceId}` : "this name";
        throw new UserError(`device "${named(inputs)}": ThingsBoard has no device of ${what}: declare it with Device, or correct ${deviceId !== undefined ? "deviceId" : "deviceName"}`);
    }

    /** Writes the row even when it holds this certificate already: the rising version takes it over from a predecessor. */
    async function bind(id: string, inputs: DeviceCredentialInputs, device: Device, before: DeviceCredentialState | undefined): Promise<DeviceCredentialState> {
        const leaf = readLeaf(inputs.certificatePem);
        const thingsboard = about({ ...inputs, deviceName: device.name });
        let saved: DeviceCredentials | undefined;
        try {
            const binding = { id, declaredBy: inputs.declaredBy, credentialsId: leaf.credentialsId } satisfies Binding;
            saved = await saveRow(thingsboard, device.id.id, async row => {
                // After the row was read: a certificate that is revoked from now on changes the row, and this save is refused.
                const notes = await notesOn(thingsboard, device.id.id);
                refuseRevoked(revokedIn(notes.get(revokedAttribute)), device.name, leaf.base64Der);
                await refuseForeign(thingsboard, device, row, bindingIn(notes), leaf.credentialsId, inputs, before);
                // First of all: were it to fail afterwards, a predecessor would revoke what is bound by then. An equal one is
                // written too: its time says when the certificate was bound.
                await thingsboard.saveAttributes(device.id.id, { [bindingAttribute]: binding });
                return { ...row, credentialsType: "X509_CERTIFICATE", credentialsId: leaf.credentialsId, credentialsValue: leaf.base64Der };
            });
        } catch (error) {
            throw isApiError(error, "credentialsTaken") ? new CertificateTaken(takenElsewhere(device.name, leaf.credentialsId)) : error;
        }
        if (!saved) throw new UserError(`device "${device.name}" was deleted while its certificate was being bound: run "pulumi up" again`);
        if (saved.credentialsId !== leaf.credentialsId) {
            throw new UserError(`device "${device.name}": ThingsBoard answered with credentials ${saved.credentialsId} instead of ${leaf.credentialsId}: something between here and ThingsBoard changes what is sent`);
        }
        if (inputs.ignoreServerRotation !== true) await warnOfChain(thingsboard, device, warn);
        return {
            ...declared(inputs),
            stateVersion: 1,
            targetInputs: targetInputs(inputs),
            deviceId: device.id.id,
            deviceName: inputs.deviceName ?? device.name,
            credentialsId: leaf.credentialsId,
            rowVersion: saved.version ?? null,
            bindingRevision: saved.version ?? (before?.bindingRevision ?? 0) + 1,
            boundAt: now().getTime() + Math.round(thingsboard.clockSkewMs() ?? 0),
            ...replacedBy(leaf.credentialsId, before),
        };
    }

    /**
     * Binds, and waits a moment for a certificate that another resource of this program is about to give up. Two devices
     * that swap theirs wait for each other: so this one lets go of its own first. Where the engine makes one change at a
     * time (`--parallel 1`) nobody would give it up as long as this one waits: then it is taken.
     */
    async function bindInTurn(id: string, inputs: DeviceCredentialInputs, device: Device, before: DeviceCredentialState | undefined): Promise<DeviceCredentialState> {
        const { credentialsId } = readLeaf(inputs.certificatePem);
        let holder: string | undefined;
        for (let waited = 0; ; waited += swapPause) {
            try {
                return await bind(id, inputs, device, before);
            } catch (error) {
                if (!(error instanceof CertificateTaken)) throw error;
                if (waited >= swapPatience) {
                    if (holder === undefined) throw (await heldByAnother(inputs, device).catch(() => undefined)) ?? error;
                    const reason = new UserError(`device "${device.name}" waits for a certificate that ${holder} has still to give up: run "pulumi up" again`);
                    throw before ? new Unfinished(id, inputs, { ...before, certificatePem: "(ACCESS_TOKEN)" }, reason) : reason;
                }
            }
            if (waited === 0 && (await takeFromLater(inputs, credentialsId))) continue;
            // The engine may not have come to the other resource yet when this one is at work.
            const held = heldBefore(credentialsId);
            if (holder === undefined && held !== undefined && held !== inputs.declaredBy) {
                holder = held;
                if (before) await release(id, before);
            }
            await delay(swapPause);
        }
    }

    /**
     * The holder of a certificate that is taken, where it is the device that the certificate is named after: ThingsBoard tells
     * nobody who holds one. Most often the program has let go of it, which the engine does at the very end.
     */
    async function heldByAnother(inputs: DeviceCredentialInputs, device: Device): Promise<UserError | undefined> {
        const { credentialsId } = readLeaf(inputs.certificatePem);
        const [commonName] = commonNamesOf(certificateOf(inputs.certificatePem));
        const thingsboard = about(inputs);
        const holder = commonName === undefined || commonName === device.name ? undefined : await thingsboard.deviceByName(commonName);
        const row = holder && (await thingsboard.credentials(holder.id.id));
        if (!holder || row?.credentialsId !== credentialsId) return undefined;
        const binding = bindingIn(await notesOn(thingsboard, holder.id.id));
        const ours = binding !== undefined && stackOf(binding.declaredBy) === stackOf(inputs.declaredBy) ? logicalName(binding.declaredBy) : undefined;
        return new UserError(`device "${device.name}": its certificate is bound to device "${holder.name}"${binding === undefined ? "" : ` by ${binding.declaredBy} (project/stack/resource)`}, and a certificate identifies one device: ${ours === undefined ? "issue one for each" : movingFrom(ours)}`);
    }

    /**
     * From a device to which this stack has bound it, and for which the program declares another one: whatever happens, it
     * will not stay there. What is bound in its place comes with that device's own turn.
     */
    async function takeFromLater(inputs: DeviceCredentialInputs, credentialsId: string): Promise<boolean> {
        for (const other of othersWithout(credentialsId, inputs.declaredBy)) {
            const thingsboard = server().thingsboard.about(`device "${other.deviceName ?? other.deviceId}"`);
            const device = other.deviceId === undefined ? await thingsboard.deviceByName(other.deviceName!) : await thingsboard.deviceById(other.deviceId);
            const row = device && (await thingsboard.credentials(device.id.id));
            if (!device || row?.credentialsId !== credentialsId) continue;
            const binding = bindingIn(await notesOn(thingsboard, device.id.id));
            if (binding === undefined || stackOf(binding.declaredBy) !== stackOf(inputs.declaredBy)) return false;
            await saveRow(thingsboard, device.id.id, current => (current.credentialsId === credentialsId ? freshToken(current) : undefined));
            return true;
        }
        return false;
    }

    /** Nothing is touched until the new device is known to be there and to be free. */
    async function move(id: string, state: DeviceCredentialState, news: DeviceCredentialInputs, device: Device): Promise<DeviceCredentialState> {
        const thingsboard = about({ ...news, deviceName: device.name });
        const row = await thingsboard.credentials(device.id.id);
        const notes = await notesOn(thingsboard, device.id.id);
        const { base64Der, credentialsId } = readLeaf(news.certificatePem);
        refuseRevoked(revokedIn(notes.get(revokedAttribute)), device.name, base64Der);
        if (row) await refuseForeign(thingsboard, device, row, bindingIn(notes), credentialsId, news, undefined);
        const released = await release(id, state);
        try {
            return await bind(id, news, device, undefined);
        } catch (error) {
            // What was somebody else's by then stays his.
            if (!(error instanceof Error) || !released) throw error;
            throw await putBack(id, state, news, error);
        }
    }

    /** The old binding again, under a version that state must know: otherwise it would be nobody's from then on. */
    async function putBack(id: string, state: DeviceCredentialState, news: DeviceCredentialInputs, reason: Error): Promise<Error> {
        const old = await about(state).deviceById(state.deviceId);
        if (!old) return reason;
        try {
            return new Unfinished(id, news, await bind(id, inputsOf(state), old, state), reason);
        } catch (error) {
            if (!(error instanceof UserError)) throw error;
            return new UserError(`${reason.message}; and the old binding could not be put back: ${error.message}`);
        }
    }

    /** Under a profile with the X.509 chain strategy ThingsBoard itself binds the new leaf that a device comes with. */
    async function isRotatedByServer(state: DeviceCredentialState, row: DeviceCredentials): Promise<boolean> {
        if (row.credentialsType !== "X509_CERTIFICATE") return false;
        const device = await about(state).deviceById(state.deviceId);
        const profile = device?.deviceProfileId && (await about(state).deviceProfile(device.deviceProfileId.id));
        return profile?.provisionType === "X509_CERTIFICATE_CHAIN";
    }

    async function revocation(state: DeviceCredentialState): Promise<Pick<DeviceCredentialInputs, "revoked">> {
        const revoked = revokedIn((await notesOn(about(state), state.deviceId)).get(revokedAttribute));
        const on = revoked[state.credentialsId];
        if (on === undefined) return {};
        // After an earlier `refresh` the state holds what was found, and no longer what was bound.
        const key = identity(state.certificatePem) === state.credentialsId ? keyId(readLeaf(state.certificatePem).base64Der) : state.revoked?.keyId;
        return { revoked: { credentialsId: state.credentialsId, on, ...(key === undefined || revoked[keyName(key)] === undefined ? {} : { keyId: key }) } };
    }

    /**
     * Gives the device a token that nobody knows, which is what revokes the certificate; only if the binding is still ours.
     *
     * @returns whether it was
     */
    async function release(id: string, state: DeviceCredentialState): Promise<boolean> {
        const thingsboard = about(state);
        const released = await saveRow(thingsboard, state.deviceId, async row => ((await isOurs(thingsboard, id, state, row)) ? freshToken(row) : undefined));
        // A run before may have got as far as the token only.
        if (released || bindingIn(await notesOn(thingsboard, state.deviceId))?.id === id) await thingsboard.deleteAttributes(state.deviceId, [bindingAttribute]);
        return released !== undefined;
    }

    /** Ours is also the certificate that a refused check has put back, and a row that somebody has saved again as it was. */
    async function isOurs(thingsboard: ThingsBoard, id: string, state: DeviceCredentialState, row: DeviceCredentials): Promise<boolean> {
        if (row.credentialsId === state.credentialsId && row.version !== undefined && row.version === state.rowVersion) return true;
        if (row.credentialsId !== state.credentialsId && row.credentialsId !== replacedId(state)) return false;
        const binding = bindingIn(await notesOn(thingsboard, state.deviceId));
        if (binding?.id === id) return true;
        // Notes are written first: one for another certificate is of somebody who wanted to bind at the same time as we did, and came too late.
        return binding !== undefined && row.credentialsId === state.credentialsId && binding.credentialsId !== row.credentialsId;
    }

    /** Whether the row already is what `news` asks for, so that an update of other inputs leaves the device's session alone. */
    async function isBound(id: string, state: DeviceCredentialState, news: DeviceCredentialInputs): Promise<boolean> {
        if (readLeaf(news.certificatePem).credentialsId !== state.credentialsId) return false;
        const thingsboard = about(state);
        const row = await thingsboard.credentials(state.deviceId);
        return row?.credentialsId === state.credentialsId && (await isOurs(thingsboard, id, state, row));
    }

    /** What `adopt: true` allows to be replaced, for preview. */
    async function replaced(inputs: DeviceCredentialInputs): Promise<string | undefined> {
        const device = await look(inputs);
        const thingsboard = about({ ...inputs, ...(device ? { deviceName: device.name } : {}) });
        const row = device && (await thingsboard.credentials(device.id.id));
        if (!device || !row) return undefined;
        const held = await foreign(thingsboard, device, row, bindingIn(await notesOn(thingsboard, device.id.id)), readLeaf(inputs.certificatePem).credentialsId, inputs);
        return held === undefined ? undefined : `device "${device.name}" holds ${held}: it is replaced, which cuts off whoever uses it`;
    }

    /** What this program may overwrite: its own (also of a run whose state was lost), and the token that a new device starts with. */
    async function refuseForeign(
        thingsboard: ThingsBoard,
        device: Device,
        row: DeviceCredentials,
        binding: Binding | undefined,
        credentialsId: string,
        inputs: DeviceCredentialInputs,
        before: DeviceCredentialState | undefined,
    ): Promise<void> {
        if (inputs.adopt === true || before !== undefined) return;
        const held = await foreign(thingsboard, device, row, binding, credentialsId, inputs);
        if (held === undefined) return;
        throw new UserError(`device "${device.name}" was not made by this stack and holds ${held}: set adopt: true on its DeviceCredential to replace it, which cuts off whoever uses it`);
    }
}

const sameDevice = (state: DeviceCredentialState, news: DeviceCredentialInputs): boolean =>
    news.deviceId !== undefined ? news.deviceId === state.deviceId : news.deviceName === state.deviceName;

function takenElsewhere(deviceName: string, credentialsId: string): string {
    const holder = claimedBy("certificate", credentialsId);
    const taken = (who: string) => `device "${deviceName}": its certificate is already bound to ${who}, and a certificate identifies one device: issue one for each`;
    if (holder !== undefined && holder !== deviceName) return taken(`device "${holder}" of this program`);
    return `${taken("another device of this ThingsBoard (perhaps of another tenant)")}; ${movingFrom("…")}`;
}

/** The engine creates and updates first and deletes last: by an alias it takes the two for one, which moves in one step. */
const movingFrom = (name: string): string =>
    `if the program no longer declares the DeviceCredential that holds it, Pulumi would remove that one only at the end: give this one the option aliases: [{ name: "${name}" }], by which it takes the other's place, or run "pulumi up" once without this one`;

/** Only a certificate that was ours and in its place: not what drift had put there. */
function replacedBy(credentialsId: string, before: DeviceCredentialState | undefined): Pick<DeviceCredentialState, "replacedCertificatePem"> {
    if (before === undefined) return {};
    if (before.credentialsId === credentialsId) return before.replacedCertificatePem === undefined ? {} : { replacedCertificatePem: before.replacedCertificatePem };
    return identity(before.certificatePem) === before.credentialsId ? { replacedCertificatePem: before.certificatePem } : {};
}

const replacedId = ({ replacedCertificatePem }: DeviceCredentialState): string | undefined => (replacedCertificatePem === undefined ? undefined : identity(replacedCertificatePem));

/** The binding as it is, with inputs that don't touch it. */
function withInputs(state: DeviceCredentialState, news: DeviceCredentialInputs): DeviceCredentialState {
    const { stateVersion, deviceId, deviceName, credentialsId, rowVersion, bindingRevision, boundAt, replacedCertificatePem } = state;
    const binding = { stateVersion, deviceId, credentialsId, rowVersion, bindingRevision, boundAt, replacedCertificatePem };
    return toState({ deviceName, ...declared(news), ...binding, targetInputs: targetInputs(news) } as DeviceCredentialState);
}

const targetInputs = (inputs: DeviceCredentialInputs) => (["deviceId", "deviceName"] as const).filter(key => inputs[key] !== undefined);

/** What a program declares, without what `read` adds. */
function declared({ changedElsewhere: _changed, revoked: _revoked, ...inputs }: DeviceCredentialInputs): DeviceCredentialInputs {
    return inputs;
}

function inputsOf(state: DeviceCredentialState): DeviceCredentialInputs {
    const { certificatePem, adopt, onDelete, onDrift, ignoreServerRotation, declaredBy, changedElsewhere, revoked, targetInputs } = state;
    const target = Object.fromEntries(targetInputs.map(key => [key, state[key]]));
    return toState({ ...target, certificatePem, adopt, onDelete, onDrift, ignoreServerRotation, declaredBy, changedElsewhere, revoked } as DeviceCredentialInputs);
}
