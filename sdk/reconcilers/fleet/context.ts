// What the work on the devices of one batch needs to know.

import type { DeviceProfile } from "../../thingsboard/model";
import type { ThingsBoard } from "../../thingsboard";
import { UserError } from "../../userError";
import type { Server } from "../server";
import type { FleetBatchInputs } from "./batch";

export interface BatchContext {
    readonly server: Server;
    readonly inputs: FleetBatchInputs;
    /** In the ownership mark of each device of this batch. */
    readonly claim: string;
    /** Of the declared profile; undefined if none is declared. */
    readonly deviceProfileId?: string;
    readonly now: () => Date;
}

/** A client whose errors begin with the device, and which has its turns among all devices of the fleet. */
export const about = ({ server, inputs }: { readonly server: Server; readonly inputs: Pick<FleetBatchInputs, "fleet"> }, name: string): ThingsBoard =>
    server.thingsboard.about(`device "${name}"`, inputs.fleet);

/** @param needsProfile whether any device is to be in the declared profile: one that is given up needs none */
export async function contextOf(server: Server, inputs: FleetBatchInputs, claim: string, now: () => Date, needsProfile: boolean): Promise<BatchContext> {
    const { deviceProfile } = inputs.settings;
    return { server, inputs, claim, now, ...(deviceProfile === undefined || !needsProfile ? {} : { deviceProfileId: await profileId(server, deviceProfile) }) };
}

async function profileId({ thingsboard }: Server, name: string): Promise<string> {
    const profile = await thingsboard.deviceProfileByName(name);
    if (profile) return profile.id.id;
    // ThingsBoard itself would make a profile of that name: a slip of the pen would found one.
    throw new UserError(`device profile "${name}" does not exist on this ThingsBoard: create it first, or correct deviceProfile`);
}

/** Profiles by id: the devices of a fleet share few of them. */
const profiles = new WeakMap<Server, Map<string, Promise<DeviceProfile | undefined>>>();

export function profileOf(server: Server, id: string): Promise<DeviceProfile | undefined> {
    const known = profiles.get(server) ?? new Map<string, Promise<DeviceProfile | undefined>>();
    profiles.set(server, known);
    const found = known.get(id) ?? server.thingsboard.deviceProfile(id).catch(() => undefined);
    known.set(id, found);
    return found;
}
