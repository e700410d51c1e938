// What a fresh ThingsBoard with demo data has: a tenant, its users and a customer; and, for the caller, one API key.
import type { ApiKey } from "./entities";
import { newId, NULL_ID } from "./ids";
import { since, type Platform } from "./platform";
import { defaultProfile } from "./profiles";
import { createApiKey, createUser } from "./users";

export const TENANT_ADMIN = { username: "tenant@thingsboard.org", password: "tenant" } as const;
const API_KEY_DESCRIPTION = "made when the emulator started first";

export function loadDemoData(platform: Platform): void {
    const { store } = platform;
    if (store.tenants.size > 0) return;
    const createdTime = platform.now();
    const tenantProfile = { id: newId(), createdTime, name: "Default", isDefault: true, description: "Default tenant profile", configuration: { type: "DEFAULT" } };
    store.tenantProfiles.put(tenantProfile);
    const tenant = { id: newId(), createdTime, title: "Tenant", tenantProfileId: tenantProfile.id, version: 1 };
    store.tenants.put(tenant);
    defaultProfile(platform, tenant.id);
    store.ruleChains.put({ id: newId(), createdTime, tenantId: tenant.id, name: "Root Rule Chain" });
    const customer = { id: newId(), createdTime, tenantId: tenant.id, title: "Customer A", version: 1, details: {}, additionalInfo: null };
    store.customers.put(customer);
    createUser(platform, { tenantId: NULL_ID, email: "sysadmin@thingsboard.org", authority: "SYS_ADMIN", password: "sysadmin" });
    createUser(platform, { tenantId: tenant.id, email: TENANT_ADMIN.username, authority: "TENANT_ADMIN", password: TENANT_ADMIN.password });
    createUser(platform, { tenantId: tenant.id, customerId: customer.id, email: "customer@thingsboard.org", authority: "CUSTOMER_USER", password: "customer" });
}

/** The key that is handed to whoever starts the emulator. Servers before 4.3 know no keys. */
export function firstApiKey(platform: Platform): ApiKey | undefined {
    if (!since(platform, "4.3")) return undefined;
    for (const key of platform.store.apiKeys.values()) if (key.description === API_KEY_DESCRIPTION) return key;
    const user = platform.store.users.find("email", TENANT_ADMIN.username);
    return user && createApiKey(platform, user, { description: API_KEY_DESCRIPTION, enabled: true, expirationTime: 0 });
}
