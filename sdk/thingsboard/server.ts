// What the server says of itself.

import type { Calls } from "./calls";
import { isApiError } from "./errors";
import type { Http } from "./http";
import type { CurrentUser, DeviceConnectivity, SystemInfo, Usage } from "./model";
import { part } from "./path";
import { parseJson } from "./text";
import type { ThingsBoard } from "./thingsboard";

type Server = Pick<ThingsBoard, "systemInfo" | "currentUser" | "usage" | "serverCertificateChain" | "deviceConnectivity" | "clockSkewMs">;

export function server(calls: Calls, http: Http, openVersion: () => Promise<string | undefined>): Server {
    return {
        /** `/api/system/info` is for administrators of the system; the build's version is open to everybody. */
        async systemInfo(): Promise<SystemInfo | undefined> {
            try {
                const info = await calls.find<Partial<SystemInfo>>({
                    path: "/api/system/info",
                    subject: "ThingsBoard",
                    complaint: "cannot read its version",
                    answer: "object",
                });
                if (typeof info?.version === "string") return { version: info.version, ...(info.type === undefined ? {} : { type: info.type }) };
            } catch (error) {
                if (!isApiError(error, "forbidden", "unsupported", "invalid")) throw error;
            }
            const version = await openVersion();
            return version === undefined ? undefined : { version };
        },

        currentUser: () =>
            calls.make<CurrentUser>({ method: "GET", path: "/api/auth/user", subject: "ThingsBoard", complaint: "cannot tell who is asking", repeating: "safe", answer: "entity" }),

        /** From the source (UsageInfoController): for tenant administrators, and in the Professional Edition for those who may read everything. */
        async usage() {
            try {
                return await calls.find<Usage>({ path: "/api/usage", subject: "the tenant", complaint: "cannot read what it uses", answer: "object" });
            } catch (error) {
                if (!isApiError(error, "forbidden", "unsupported", "invalid")) throw error;
                return undefined;
            }
        },

        serverCertificateChain: () =>
            calls.find<string>({
                path: "/api/device-connectivity/mqtts/certificate/download",
                subject: "ThingsBoard",
                complaint: "cannot download the certificate of the MQTT port",
                answer: "text",
                open: true,
            }),

        deviceConnectivity: deviceId =>
            calls.find<DeviceConnectivity>({
                path: `/api/device-connectivity/${part(deviceId)}`,
                subject: `device ${deviceId}`,
                complaint: "cannot read how it connects",
                answer: "object",
            }),

        clockSkewMs: http.clockSkew,
    };
}

/** Asks once, without credentials; an operator may have closed this address, so no answer is no error. */
export function versionForEverybody(http: Http): () => Promise<string | undefined> {
    let version: Promise<string | undefined> | undefined;
    return () => (version ??= ask());

    async function ask(): Promise<string | undefined> {
        const outcome = await http.send({ method: "GET", path: "/actuator/info" });
        const info = outcome.type === "answer" && outcome.status === 200 ? parseJson(outcome.text) : undefined;
        if (typeof info !== "object" || info === null || !("build" in info)) return undefined;
        const { build } = info;
        const version = typeof build === "object" && build !== null && "version" in build ? build.version : undefined;
        return typeof version === "string" && /^[\w.-]{1,40}$/.test(version) ? version : undefined;
    }
}
