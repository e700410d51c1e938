// One device of a batch: on ThingsBoard, as declared, and bound to its certificate.

import type { Device, DeviceCredentials, NewDevice } from "../../thingsboard/model";
import { isApiError, type ThingsBoard } from "../../thingsboard";
import { UserError } from "../../userError";
import { commonNameOf, issue, signFor } from "../../x509/issue";
import { certificateId, readLeaf, toPem } from "../../x509/leaf";
import { bindingAttribute } from "../binding";
import { type Mark, markKey, markOf } from "../ownership";
import { refuseRevoked, revokedOf } from "../revoked";
import { saveDevice, saveRow } from "../save";
import type { Server } from "../server";
import type { Base64, DeviceDetails, DeviceName, DeviceRecord } from "./batch";
import { type BatchContext, about } from "./context";
import { own } from "./plan";
import { verifiedKey } from "./request";

/** What a device presents, and the key for it where it was made here. */
export interface Identity {
    readonly certificate: Base64;
    readonly notAfter: string;
    readonly key?: Base64;
    /** What else declared decides when there has to be another one. */
    readonly from: Pick<DeviceDetails, "csr" | "generation">;
}

export interface Provisioned {
    readonly record: DeviceRecord;
    readonly device: Device;
    /** ThingsBoard has said which certificate the device holds: the answer to its creation does not. */
    readonly confirmed: boolean;
    /** It was there, made by this fleet, and its certificate never reached the state: the run that made it was interrupted. */
    readonly interrupted?: true;
}

export async function identityFor(context: BatchContext, name: DeviceName, keptKey?: Base64): Promise<Identity> {
    const { settings, details, authority } = context.inputs;
    const { certificate: given, csr, generation } = own(details, name) ?? {};
    const from = { ...(csr === undefined ? {} : { csr }), ...(generation === undefined ? {} : { generation }) };
    if (given !== undefined) return { certificate: given, notAfter: iso(readLeaf(toPem(given)).notAfter), from };
    const { algorithm, validityDays } = settings;
    const commonName = commonNameOf(name);
    if (csr !== undefined) {
        if (authority === undefined) throw new UserError(`device "${name}" has csrPem, and nobody to sign it: give certificate.authority`);
        const signed = await signFor({ commonName, validityDays, authority, publicKey: await verifiedKey(name, csr) }, context.now());
        return { certificate: signed.certificate, notAfter: iso(signed.notAfter), from };
    }
    const { certificate, key, notAfter } = await issue({ commonName, algorithm, validityDays, ...(authority === undefined ? {} : { authority }), ...(keptKey === undefined ? {} : { key: keptKey }) }, context.now());
    return { certificate, key, notAfter: iso(notAfter), from };
}

/** Creates the device with its certificate in one transaction, or takes over the one that has its name. */
export async function provision(context: BatchContext, name: DeviceName, identity: Identity): Promise<Provisioned> {
    const { certificate, notAfter } = identity;
    const thingsboard = about(context, name);
    const details = own(context.inputs.details, name);
    const mark: Mark = { declaredBy: context.inputs.fleet, claim: context.claim, adopted: false };
    const wanted = wantedDevice({ name }, context, details, mark, undefined);
    let answerLost = false;
    try {
        const device = await thingsboard.createDeviceWithCredentials(wanted, { credentialsType: "X509_CERTIFICATE", credentialsValue: certificate }, found => (answerLost = markOf(found)?.claim === context.claim));
        if (answerLost) return await looked(context, thingsboard, device, details, identity);
        // A row begins with version 1, on servers that number them.
        return { device, record: { id: device.id.id, version: device.version === undefined ? null : 1, notAfter, certificate }, confirmed: false };
    } catch (error) {
        if (isApiError(error, "credentialsTaken")) throw new UserError(takenElsewhere(name, certificate));
        const found = isApiError(error, "nameTaken") ? await thingsboard.deviceByName(name) : undefined;
        if (!found) throw error;
        return takeOver(context, thingsboard, found, details, identity);
    }
}

/** A device of this batch is there: made by the call whose answer got lost, or with another certificate by a run that was interrupted. */
async function looked(context: BatchContext, thingsboard: ThingsBoard, device: Device, details: DeviceDetails | undefined, identity: Identity): Promise<Provisioned> {
    const { certificate, notAfter } = identity;
    const row = await thingsboard.credentials(device.id.id);
    if (row?.credentialsId !== certificateId(certificate)) return takeOver(context, thingsboard, device, details, identity);
    return { device, record: { id: device.id.id, version: row.version ?? null, notAfter, certificate }, confirmed: true };
}

async function takeOver(context: BatchContext, thingsboard: ThingsBoard, found: Device, details: DeviceDetails | undefined, identity: Identity): Promise<Provisioned> {
    const { inputs, claim } = context;
    let ours = false;
    const device = await saveDevice(thingsboard, found.id.id, current => {
        const mark = markOf(current);
        ours = mark?.declaredBy === inputs.fleet;
        if (!ours && !inputs.settings.adopt) throw new UserError(existsAlready(current.name, mark));
        return wantedDevice(current, context, details, { declaredBy: inputs.fleet, claim, adopted: ours ? (mark?.adopted ?? false) : true }, undefined);
    });
    // A DeviceCredential that is about to go would take the certificate for its own, where it had bound the same one.
    if (device) await thingsboard.deleteAttributes(device.id.id, [bindingAttribute]);
    const record = device && (await bind(thingsboard, device, identity, { anew: true }));
    if (!record) throw new UserError(`device "${found.name}" was deleted while it was being taken over: run "pulumi up" again`);
    return { device, record, confirmed: true, ...(ours ? { interrupted: true } : {}) };
}

/** Servers that hold what was sent to them. */
const faithful = new WeakSet<Server>();

/**
 * Of a device that was just created: asked for once the record is safe, since the device is there whatever comes out. Until
 * one has been found right each is asked for, and then none: another call for each would take a large fleet twice as long.
 */
export async function confirm(context: BatchContext, name: DeviceName, { id, certificate }: DeviceRecord): Promise<void> {
    if (faithful.has(context.server)) return;
    const row = await about(context, name).credentials(id);
    // One that was deleted at once is for the next refresh to find.
    if (!row) return;
    requireSent(name, row, certificateId(certificate));
    faithful.add(context.server);
}

function requireSent(name: DeviceName, row: DeviceCredentials, credentialsId: string): void {
    if (row.credentialsId === credentialsId) return;
    throw new UserError(`device "${name}": ThingsBoard answered with credentials ${row.credentialsId} instead of ${credentialsId}: something between here and ThingsBoard changes what is sent`);
}

/**
 * Binds a certificate to a device that is ours, and leaves a row alone that holds it already: a write would end the device's session.
 *
 * @param renews the certificate that this one follows: where that was revoked by hand, it has no successor by itself
 * @param anew writes the row all the same: its version tells who has bound last
 * @returns undefined if the device is gone
 */
export async function bind(thingsboard: ThingsBoard, device: Pick<Device, "id" | "name">, { certificate, notAfter }: Identity, { renews, anew = false }: { readonly renews?: Base64; readonly anew?: boolean } = {}): Promise<DeviceRecord | undefined> {
    const credentialsId = certificateId(certificate);
    try {
        const row = await saveRow(thingsboard, device.id.id, async current => {
            if (current.credentialsId === credentialsId && !anew) return current;
            const revoked = await revokedOf(thingsboard, device.id.id);
            for (const der of [certificate, ...(renews === undefined ? [] : [renews])]) refuseRevoked(revoked, device.name, der);
            return { ...current, credentialsType: "X509_CERTIFICATE", credentialsId, credentialsValue: certificate };
        });
        if (!row) return undefined;
        requireSent(device.name, row, credentialsId);
        return { id: device.id.id, version: row.version ?? null, notAfter, certificate };
    } catch (error) {
        throw isApiError(error, "credentialsTaken") ? new UserError(takenElsewhere(device.name, certificate)) : error;
    }
}

/** Name, label, profile and mark of a device that is there; undefined when it is gone. */
export function sync(context: BatchContext, name: DeviceName, id: string, applied: DeviceDetails | undefined): Promise<Device | undefined> {
    const details = own(context.inputs.details, name);
    return saveDevice(about(context, name), id, current => {
        const mark: Mark = { declaredBy: context.inputs.fleet, claim: context.claim, adopted: markOf(current)?.adopted ?? false };
        return wantedDevice({ ...current, name }, context, details, mark, applied);
    });
}

export async function syncAttributes(context: BatchContext, name: DeviceName, id: string, applied: DeviceDetails | undefined): Promise<void> {
    const wanted = own(context.inputs.details, name)?.attributes ?? {};
    const dropped = Object.keys(applied?.attributes ?? {}).filter(key => !Object.hasOwn(wanted, key));
    if (dropped.length > 0) await about(context, name).deleteAttributes(id, dropped);
    if (Object.keys(wanted).length > 0) await about(context, name).saveAttributes(id, wanted);
}

/** What is there, with what is declared laid over it: a save replaces the whole device. */
function wantedDevice<Found extends NewDevice>(found: Found, { deviceProfileId }: BatchContext, details: DeviceDetails | undefined, mark: Mark, applied: DeviceDetails | undefined): Found {
    const label = details?.label ?? (applied?.label === undefined ? undefined : null);
    return {
        ...found,
        ...(label === undefined ? {} : { label }),
        ...(deviceProfileId === undefined ? {} : { deviceProfileId: { entityType: "DEVICE_PROFILE", id: deviceProfileId } }),
        additionalInfo: { ...found.additionalInfo, [markKey]: mark },
    };
}

const iso = (time: Date): string => time.toISOString().replace(".000Z", "Z");

function existsAlready(name: string, mark: Mark | undefined): string {
    const whose = mark ? ` and belongs to ${mark.declaredBy} (project/stack/resource)` : "";
    return `device "${name}" exists already on this ThingsBoard${whose}: set adopt: true on the fleet to take it over and give it a certificate of this fleet, which cuts off whoever uses it, or choose another name`;
}

function takenElsewhere(name: DeviceName, certificate: Base64): string {
    return `device "${name}": its certificate (credentialsId ${certificateId(certificate)}) is already bound to another device of this ThingsBoard (perhaps of another tenant), and a certificate identifies one device: issue one for each`;
}
