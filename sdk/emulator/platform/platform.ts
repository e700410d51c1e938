// What every rule of the platform is given: its memory, its clock, which ThingsBoard it is, and who wants to know of changes.
import type { Milliseconds, TenantLimits } from "./entities";
import type { Uuid } from "./ids";
import type { Store } from "./store";
import type { Value } from "./keyValues";

export const VERSIONS = ["3.5", "3.6", "3.8", "4.3"] as const;
/** The versions whose differences it plays. */
export type ThingsBoardVersion = (typeof VERSIONS)[number];

export const EDITIONS = ["CE", "PE", "Cloud"] as const;
/** Community, Professional, or Cloud. */
export type ThingsBoardEdition = (typeof EDITIONS)[number];

/** What a transport must hear of at once. */
export interface Listener {
    credentialsChanged?(deviceId: Uuid): void;
    deviceRemoved?(deviceId: Uuid): void;
    sharedAttributesChanged?(deviceId: Uuid, updated: ReadonlyMap<string, Value>, removed: readonly string[]): void;
}

export interface Platform {
    readonly store: Store;
    readonly version: ThingsBoardVersion;
    readonly edition: ThingsBoardEdition;
    readonly listeners: Set<Listener>;
    now(): Milliseconds;
    /** Limits set on the emulator as a whole; they go before those of the tenant's profile. */
    limits: TenantLimits;
}

export const since = (platform: Platform, version: ThingsBoardVersion): boolean =>
    VERSIONS.indexOf(platform.version) >= VERSIONS.indexOf(version);

export const isCommunity = (platform: Platform): boolean => platform.edition === "CE";

export function limitsOf(platform: Platform, tenantId: Uuid): TenantLimits {
    const tenant = platform.store.tenants.get(tenantId);
    const profile = tenant && platform.store.tenantProfiles.get(tenant.tenantProfileId);
    return { ...profile?.configuration, ...platform.limits };
}
