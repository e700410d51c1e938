// Everything the platform remembers, in one process's memory.
import type { ApiKey, Credentials, Customer, Device, DeviceProfile, EntityGroup, Named, Tenant, TenantProfile, User } from "./entities";
import { createKeyValues, type KeyValueChange, type KeyValues } from "./keyValues";
import { createTable, type Change, type Table } from "./table";

export type StoreChange = Change | KeyValueChange;

export interface Store {
    readonly tenantProfiles: Table<TenantProfile, never>;
    readonly tenants: Table<Tenant, never>;
    readonly users: Table<User, "email">;
    readonly apiKeys: Table<ApiKey, "value">;
    readonly customers: Table<Customer, "title">;
    readonly deviceProfiles: Table<DeviceProfile, "name" | "provisionDeviceKey">;
    readonly devices: Table<Device, "name">;
    readonly credentials: Table<Credentials, "deviceId" | "credentialsId">;
    readonly groups: Table<EntityGroup, "name">;
    readonly ruleChains: Table<Named, never>;
    readonly dashboards: Table<Named, never>;
    readonly keyValues: KeyValues;
}

/** Names are unique within a tenant, without regard to nothing: upper and lower case differ. */
export const inTenant = (row: { readonly tenantId: string }, name: string): string => `${row.tenantId} ${name}`;

export function createStore(changed: (change: StoreChange) => void): Store {
    return {
        tenantProfiles: createTable<TenantProfile>("tenantProfiles", changed, {}),
        tenants: createTable<Tenant>("tenants", changed, {}),
        users: createTable<User, "email">("users", changed, { email: (row) => row.email.toLowerCase() }),
        apiKeys: createTable<ApiKey, "value">("apiKeys", changed, { value: (row) => row.value }),
        customers: createTable<Customer, "title">("customers", changed, { title: (row) => inTenant(row, row.title) }),
        deviceProfiles: createTable<DeviceProfile, "name" | "provisionDeviceKey">("deviceProfiles", changed, {
            name: (row) => inTenant(row, row.name),
            // of the whole instance, over all tenants
            provisionDeviceKey: (row) => row.provisionDeviceKey,
        }),
        devices: createTable<Device, "name">("devices", changed, { name: (row) => inTenant(row, row.name) }),
        credentials: createTable<Credentials, "deviceId" | "credentialsId">("credentials", changed, {
            deviceId: (row) => row.deviceId,
            // of the whole instance, over all tenants
            credentialsId: (row) => row.credentialsId,
        }),
        groups: createTable<EntityGroup, "name">("groups", changed, { name: (row) => `${row.ownerId} ${row.type} ${row.name}` }),
        ruleChains: createTable<Named>("ruleChains", changed, {}),
        dashboards: createTable<Named>("dashboards", changed, {}),
        keyValues: createKeyValues(changed),
    };
}
