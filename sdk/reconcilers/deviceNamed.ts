// A device by what a person types.

import type { ThingsBoard } from "../thingsboard";
import type { Device } from "../thingsboard/model";

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** By its id, or else by its name: one may be called like an id. */
export async function deviceNamed(thingsboard: ThingsBoard, nameOrId: string): Promise<Device | undefined> {
    const byId = uuid.test(nameOrId) ? await thingsboard.deviceById(nameOrId) : undefined;
    return byId ?? thingsboard.deviceByName(nameOrId);
}
