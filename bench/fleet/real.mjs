// A real ThingsBoard in the emulator's place, named by the same variables as for `npm run test:live`.

import { restClient } from "../../tools/live/rest.mjs";
import { sweep } from "../../tools/live/sweep.mjs";
import { programEnvironment } from "../../tools/live/target.mjs";

/**
 * @param {import("../../tools/live/target.mjs").LiveTarget} target
 * @returns {Promise<import("./emulator.mjs").Server>} one whose pace is its own; `stop` takes away what was made there
 */
export async function useReal(target) {
    return {
        restUrl: target.url,
        authorization: await authorizationFor(target),
        ...(target.url.startsWith("https:") && target.caPem !== undefined ? { restCaPem: target.caPem } : {}),
        mqttsHost: target.mqttsHost,
        mqttsPort: target.mqttsPort,
        ...(target.caPem === undefined ? {} : { caPem: target.caPem }),
        prefix: target.prefix,
        environment: { ...programEnvironment(target), PREFIX: target.prefix },
        async pace() {},
        async stop() {
            await sweep(target);
        },
    };
}

/** @param {import("../../tools/live/target.mjs").LiveTarget} target */
async function authorizationFor(target) {
    if (target.apiKey !== undefined) return `ApiKey ${target.apiKey}`;
    const rest = restClient(target);
    try {
        const { token } = await rest.call("POST", "/api/auth/login", { username: target.username, password: target.password });
        return `Bearer ${token}`;
    } finally {
        rest.close();
    }
}
