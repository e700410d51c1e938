// Users, their passwords and their API keys.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { ApiKey, Authority, Tenant, User } from "./entities";
import { badRequest, notFound, unauthenticated } from "./errors";
import { newApiKey, newId, NULL_ID, randomAlphanumeric, type Uuid } from "./ids";
import type { Platform } from "./platform";
import { isBlank } from "./validation";

export interface NewUser {
    readonly tenantId: Uuid;
    readonly customerId?: Uuid;
    readonly email: string;
    readonly authority: Authority;
    readonly firstName?: string | null;
    readonly lastName?: string | null;
    readonly password?: string;
}

const digest = (salt: string, password: string): string => createHash("sha256").update(`${salt}:${password}`).digest("hex");

export function hashPassword(password: string): string {
    const salt = randomBytes(8).toString("hex");
    return `${salt}:${digest(salt, password)}`;
}

export function passwordFits(user: User, password: string): boolean {
    const [salt = "", hash = ""] = user.passwordHash?.split(":") ?? [];
    return hash !== "" && timingSafeEqual(Buffer.from(hash), Buffer.from(digest(salt, password)));
}

export function createUser(platform: Platform, request: NewUser): User {
    if (platform.store.users.find("email", request.email.toLowerCase())) throw badRequest(`User with email '${request.email}'  already present in database!`);
    const user: User = {
        id: newId(),
        createdTime: platform.now(),
        tenantId: request.tenantId,
        customerId: request.customerId ?? NULL_ID,
        email: request.email,
        authority: request.authority,
        firstName: request.firstName ?? null,
        lastName: request.lastName ?? null,
        phone: null,
        additionalInfo: null,
        version: 1,
        passwordHash: request.password === undefined ? null : hashPassword(request.password),
        activateToken: request.password === undefined ? randomAlphanumeric(30) : null,
    };
    platform.store.users.put(user);
    return user;
}

/** Who logs in: the same answer to an unknown user and to a wrong password. */
export function authenticate(platform: Platform, email: string, password: string): User {
    const user = platform.store.users.find("email", email.trim().toLowerCase());
    if (!user || !passwordFits(user, password)) throw unauthenticated("Invalid username or password");
    return user;
}

export function getUser(platform: Platform, tenantId: Uuid, id: Uuid): User {
    const user = platform.store.users.get(id);
    if (!user || (tenantId !== NULL_ID && user.tenantId !== tenantId)) throw notFound(`User with id [${id}] is not found`);
    return user;
}

export interface ApiKeyRequest {
    readonly userId: Uuid;
    readonly description: string | null;
    readonly enabled: boolean;
    readonly expirationTime: number | null;
}

/** Without `enabled` the key is disabled; an expiry that has passed is accepted. */
export function createApiKey(platform: Platform, user: User, request: Omit<ApiKeyRequest, "userId">): ApiKey {
    if (isBlank(request.description)) throw badRequest("Validation error: description must not be blank");
    const key: ApiKey = {
        id: newId(),
        createdTime: platform.now(),
        tenantId: user.tenantId,
        userId: user.id,
        description: request.description,
        enabled: request.enabled,
        expirationTime: request.expirationTime ?? 0,
        value: newApiKey(),
    };
    platform.store.apiKeys.put(key);
    return key;
}

export const isExpired = (platform: Platform, key: ApiKey): boolean => key.expirationTime !== 0 && key.expirationTime <= platform.now();

export function getApiKey(platform: Platform, tenantId: Uuid, id: Uuid): ApiKey {
    const key = platform.store.apiKeys.get(id);
    if (!key || key.tenantId !== tenantId) throw notFound(`Api key with id [${id}] is not found`);
    return key;
}

export function userOfApiKey(platform: Platform, value: string): User {
    const key = platform.store.apiKeys.find("value", value);
    const user = key && platform.store.users.get(key.userId);
    if (!key || !user) throw unauthenticated("Invalid username or password");
    if (!key.enabled) throw unauthenticated("User account is not active");
    if (isExpired(platform, key)) throw unauthenticated("API key is expired");
    return user;
}

export function getTenant(platform: Platform, id: Uuid): Tenant {
    const tenant = platform.store.tenants.get(id);
    if (!tenant) throw notFound(`Tenant with id [${id}] is not found`);
    return tenant;
}
