// What the shards are configured with: what the one stack has, and each its own share.
import type { ConfigMap } from "@pulumi/pulumi/automation";
import { readSettings, type Settings } from "../../settings";
import { connect } from "../../thingsboard";
import { UserError } from "../../userError";
import { settingsIn } from "../stack/config";

export type SharedConfig = ConfigMap;

/** As the client has them by default. */
const inFlight = { concurrency: 8, deleteConcurrency: 4 };

/** Calls in flight are counted by the server over all shards that run at once, so each of them gets its share. */
export function shardConfig(shared: SharedConfig, index: number, shards: number, parallel: number): ConfigMap {
    const running = Math.min(parallel, shards);
    const share = (key: "concurrency" | "deleteConcurrency") => ({ value: String(Math.max(1, Math.floor(Number(shared[`thingsboard:${key}`]?.value ?? inFlight[key]) / running))) });
    const rate = shared["thingsboard:rateLimit"]?.value;
    return {
        ...shared,
        "thingsboard:shard": { value: `${index}/${shards}` },
        "thingsboard:concurrency": share("concurrency"),
        "thingsboard:deleteConcurrency": share("deleteConcurrency"),
        ...(rate === undefined ? {} : { "thingsboard:rateLimit": { value: String(Number(rate) / running) } }),
    };
}

/** @throws UserError where ThingsBoard refuses or can't be reached. Settings that only the program knows are left to the shards. */
export async function provenLogIn(shared: SharedConfig): Promise<void> {
    const settings = settingsOf(shared);
    if (settings) await connect(settings).about("ThingsBoard").defaultDeviceProfile();
}

function settingsOf(shared: SharedConfig): Settings | undefined {
    try {
        return readSettings(settingsIn(shared), process.env);
    } catch (error) {
        if (error instanceof UserError && error.message.startsWith("no ThingsBoard is configured")) return undefined;
        throw error;
    }
}
