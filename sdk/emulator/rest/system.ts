// Which ThingsBoard this is.
import { limitsOf, type Platform, type ThingsBoardEdition, type ThingsBoardVersion } from "../platform/platform";
import { itemNotFound } from "../platform/errors";
import type { Routes } from "./app";
import { requireSystemAdmin, requireTenantAdmin } from "./auth";
import { json } from "./http";

const RELEASE: Record<ThingsBoardVersion, string> = { "3.5": "3.5.1", "3.6": "3.6.4", "3.8": "3.8.1", "4.3": "4.3.1.3" };

/** Cloud calls itself PAAS, as its generated client does. */
const TYPE: Record<ThingsBoardEdition, string> = { CE: "CE", PE: "PE", Cloud: "PAAS" };

export function systemRoutes({ route, open }: Routes, platform: Platform): void {
    const suffix = { CE: "", PE: "PE", Cloud: "PE" }[platform.edition];
    const version = `${RELEASE[platform.version]}${suffix}`;
    const name = "ThingsBoard Server Application";
    route("GET", "/api/system/info", () => json({ version, artifact: "application", name, type: TYPE[platform.edition] }));
    route("GET", "/api/admin/settings/:key", (x) => {
        requireSystemAdmin(x.caller);
        throw itemNotFound();
    });
    /** From the source (UsageInfoController): 0 is no limit. What the emulator does not count stays 0. */
    route("GET", "/api/usage", (x) => {
        const { tenantId } = requireTenantAdmin(x.caller);
        const count = (table: { values(): Iterable<{ readonly tenantId: string }> }): number => [...table.values()].filter((row) => row.tenantId === tenantId).length;
        const { store } = platform;
        return json({
            devices: count(store.devices),
            maxDevices: limitsOf(platform, tenantId).maxDevices ?? 0,
            customers: count(store.customers),
            maxCustomers: 0,
            users: count(store.users),
            maxUsers: 0,
            transportMessages: 0,
            maxTransportMessages: 0,
        });
    });
    open("GET", "/actuator/info", () => json({ build: { artifact: "application", name, time: "2026-06-29T00:00:00Z", version, group: "org.thingsboard" } }));
}
