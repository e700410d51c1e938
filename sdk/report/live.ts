// Asks the server about each device of a report: what it holds now, and when it was last seen.

import { serverTime } from "../reconcilers/serverTime";
import type { ThingsBoard } from "../thingsboard";
import type { ReportRow } from "./model";

export interface Asking {
    readonly thingsboard: ThingsBoard;
    /** Called after each device. */
    readonly done: () => void;
}

/** In work at once; how many of their calls are in flight is for the client to say. */
const atOnce = 32;

/** @throws ApiError where the server can't be reached or refuses the user */
export async function withServer(rows: readonly ReportRow[], asking: Asking): Promise<ReportRow[]> {
    const answers = new Array<ReportRow>(rows.length);
    const queue = rows.entries();
    await Promise.all(
        Array.from({ length: atOnce }, async () => {
            for (const [index, row] of queue) {
                answers[index] = await asked(row, asking.thingsboard);
                asking.done();
            }
        }),
    );
    return answers;
}

/** By ThingsBoard's names: server attributes of a device that its transport writes. */
const seenKeys = ["active", "lastConnectTime", "lastActivityTime"];

async function asked(found: ReportRow, thingsboard: ThingsBoard): Promise<ReportRow> {
    if (found.deviceId === "") return found;
    const { drift: _seenLast, ...row } = found;
    const server = thingsboard.about(`device "${row.device}"`);
    const credentials = await server.credentials(row.deviceId);
    if (!credentials) return { ...row, drift: "was deleted" };
    const attributes = (await server.attributes(row.deviceId, "SERVER_SCOPE", seenKeys)) ?? [];
    const seen = Math.max(serverTime(attributes, "lastConnectTime"), serverTime(attributes, "lastActivityTime"));
    return {
        ...row,
        ...(credentials.credentialsId === row.credentialsId ? {} : { drift: `holds ${others[credentials.credentialsType] ?? credentials.credentialsType}` }),
        server: { active: attributes.some(({ key, value }) => key === "active" && value === true), ...(seen > 0 ? { lastConnect: new Date(seen).toISOString() } : {}) },
    };
}

const others: Readonly<Record<string, string>> = {
    X509_CERTIFICATE: "another certificate",
    ACCESS_TOKEN: "an access token",
    MQTT_BASIC: "MQTT basic credentials",
    LWM2M_CREDENTIALS: "LwM2M credentials",
};
