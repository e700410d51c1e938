// Whose a device is: the tenant's, or one of its customers'.
import type { Device } from "./entities";
import type { Uuid } from "./ids";
import type { Platform } from "./platform";

export function assignDevice(platform: Platform, device: Device, customerId: Uuid): Device {
    const assigned = { ...device, customerId, version: device.version + 1 };
    platform.store.devices.put(assigned);
    return assigned;
}
