// Whom to trust where the user names nobody.

import * as tls from "node:tls";

let roots: string[] | undefined;

/**
 * Node's own roots and the system's, where a company's CA often is. Undefined means Node's alone: before 22.15 it can't
 * list the others, and where they add nothing its built-in store costs a hundredth of handing over the list.
 */
export function trustedRoots(): readonly string[] | undefined {
    if (typeof tls.getCACertificates !== "function") return undefined;
    if (!roots) {
        const own = tls.getCACertificates("default");
        const all = new Set([...own, ...tls.getCACertificates("system")]);
        roots = all.size > new Set(own).size ? [...all] : [];
    }
    return roots.length > 0 ? roots : undefined;
}
