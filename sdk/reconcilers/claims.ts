// What the resources of one program want for themselves: a device name, a device, a certificate. Each goes once.

/** The engine checks every declared resource in one process, perhaps more than once: kept by who declares it. */
const claims = new Map<string, { readonly declaredBy: string; readonly shown: string }>();
const held = new Map<string, string>();

export type Claimable = "device name" | "credential of device" | "credential of device name" | "device bound" | "certificate" | "device profile name" | "authority of device profile" | "bundle directory";

/**
 * @param shown what the other claimant's error calls this one
 * @returns what another resource of the program, which claimed the same, is called
 */
export function claim(what: Claimable, value: string, declaredBy: string, shown: string): string | undefined {
    const key = `${what} ${value}`;
    const other = claims.get(key);
    if (other && other.declaredBy !== declaredBy) return other.shown;
    const holder = `${what} ${declaredBy}`;
    const before = held.get(holder);
    if (before !== undefined && before !== key) claims.delete(before);
    held.set(holder, key);
    claims.set(key, { declaredBy, shown });
    return undefined;
}

/** Who in this program wants it, as far as is known by now. */
export const claimedBy = (what: Claimable, value: string): string | undefined => claims.get(`${what} ${value}`)?.shown;

const before = new Map<string, string>();

/** Remembers which resource the certificate belonged to when this run began. */
export function noteHeldBefore(credentialsId: string, declaredBy: string): void {
    before.set(credentialsId, declaredBy);
}

/** The resource (project/stack/name) of this program that held the certificate when this run began. */
export const heldBefore = (credentialsId: string): string | undefined => before.get(credentialsId);
