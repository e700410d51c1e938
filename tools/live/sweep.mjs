// Removes from a ThingsBoard what begins with a prefix: whatever a run has made there and not taken away itself.

import { restClient } from "./rest.mjs";

/**
 * Devices first: a profile that is in use can't be deleted.
 *
 * @type {{ what: string, list: string, name: (entity: any) => string, path: (id: string) => string }[]}
 */
const kinds = [
    { what: "device", list: "/api/tenant/devices", name: ({ name }) => name, path: (id) => `/api/device/${id}` },
    { what: "device profile", list: "/api/deviceProfileInfos", name: ({ name }) => name, path: (id) => `/api/deviceProfile/${id}` },
    { what: "customer", list: "/api/customers", name: ({ title }) => title, path: (id) => `/api/customer/${id}` },
];

/**
 * @param {import("./target.mjs").LiveTarget} target
 * @returns {Promise<string[]>} what was still there and is gone now, in words
 */
export async function sweep({ prefix, ...target }) {
    const rest = restClient(target);
    const removed = [];
    try {
        for (const { what, list, name, path } of [...kinds, await apiKeys(rest)]) {
            for (const entity of await all(rest, list, prefix)) {
                if (!name(entity)?.startsWith(prefix)) continue;
                await rest.call("DELETE", path(entity.id.id)).catch(unlessGone);
                removed.push(`${what} ${name(entity)}`);
            }
        }
        return removed;
    } finally {
        rest.close();
    }
}

/** Of the user's own, with the description in the place of a name. @param {ReturnType<typeof restClient>} rest */
async function apiKeys(rest) {
    const user = await rest.call("GET", "/api/auth/user");
    return {
        what: "API key",
        list: `/api/apiKeys/${user.id.id}`,
        name: (/** @type {{ description: string }} */ { description }) => description,
        path: (/** @type {string} */ id) => `/api/apiKey/${id}`,
    };
}

/** @param {ReturnType<typeof restClient>} rest @param {string} list @param {string} prefix */
async function all(rest, list, prefix) {
    const found = [];
    for (let page = 0, more = true; more; page++) {
        // Servers before 4.3 have no API keys, and say so in their way.
        const answer = await rest.call("GET", `${list}?pageSize=100&page=${page}&textSearch=${encodeURIComponent(prefix)}`).catch(unlessGone);
        found.push(...(answer?.data ?? []));
        more = answer?.hasNext === true;
    }
    return found;
}

/** @param {unknown} error */
function unlessGone(error) {
    if (error instanceof Error && "status" in error && (error.status === 404 || error.status === 405)) return undefined;
    throw error;
}
