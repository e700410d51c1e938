// A hand on ThingsBoard's REST API beside the package's own client: for the tests, the demo and the cleaning up.

import http from "node:http";
import https from "node:https";

/** ThingsBoard's answer, where it was not a good one. */
export class RestFailure extends Error {
    /** @param {number} status @param {string} message */
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}

/**
 * @param {Pick<import("./target.mjs").LiveTarget, "url" | "apiKey" | "username" | "password" | "caPem">} target
 */
export function restClient({ url, apiKey, username, password, caPem }) {
    const { Agent, request } = url.startsWith("https:") ? https : http;
    const agent = new Agent({ keepAlive: true, ...(url.startsWith("https:") && caPem ? { ca: caPem } : {}) });
    /** @type {Promise<string> | undefined} */
    let authorization = apiKey === undefined ? undefined : Promise.resolve(`ApiKey ${apiKey}`);

    return {
        /**
         * One call as the tenant's administrator.
         *
         * @template [Answer=any]
         * @param {string} method
         * @param {string} path
         * @param {unknown} [body]
         * @returns {Promise<Answer>}
         * @throws {RestFailure} for anything but 2xx
         */
        async call(method, path, body) {
            authorization ??= send("POST", "/api/auth/login", { username, password }).then(({ token }) => `Bearer ${token}`);
            return send(method, path, body, { "X-Authorization": await authorization });
        },
        close: () => agent.destroy(),
    };

    /** @param {string} method @param {string} path @param {unknown} body @param {Record<string, string>} [headers] */
    async function send(method, path, body, headers = {}) {
        const { status, text } = await new Promise((resolve, reject) => {
            const sent = request(url + path, { agent, method, headers: { ...headers, "Content-Type": "application/json" } }, (answer) => {
                let text = "";
                answer.setEncoding("utf8").on("data", (chunk) => (text += chunk)).on("error", reject);
                answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
            });
            sent.setTimeout(60_000, () => sent.destroy(new Error("no answer within 60 s")));
            sent.on("error", (error) => reject(new RestFailure(0, `${method} ${url}${path}: ${error.message}`)));
            sent.end(body === undefined ? undefined : JSON.stringify(body));
        });
        if (status < 200 || status > 299) throw new RestFailure(status, `${method} ${path} answered ${status} ${text.slice(0, 300)}`);
        return text === "" ? undefined : JSON.parse(text);
    }
}
