// What the shards are configured with: what the one stack has, and each its own share.
import type { ConfigMap } from "@pulumi/pulumi/automation";
import { createPool } from "../../mqtt/pool";
import { readSettings, type Settings } from "../../settings";
import { connect } from "../../thingsboard";
import { UserError } from "../../userError";
import { settingsIn } from "../stack/config";
import { pulumi } from "../stack/pulumi";

export type SharedConfig = ConfigMap;

/** As the client has them by default. */
const inFlight = { concurrency: 8, deleteConcurrency: 4 };

const copying = createPool(1);

/**
 * From one stack to another inside of Pulumi, which encrypts secrets anew. Set one by one, by the Automation API, they
 * would stand among the arguments of a process, where every user of the machine can read them. One at a time: all of
 * them read the first stack's settings, and Pulumi may write there, too.
 */
export const copyConfig = (cwd: string, from: string, to: string): Promise<unknown> => copying.run(() => pulumi(cwd, "config", "cp", "--stack", from, "--dest", to));

/**
 * What a shard has of its own, none of it secret. Calls in flight are counted by the server over all shards that run at
 * once, so each of them gets its share.
 */
export function shardConfig(shared: SharedConfig, index: number, shards: number, parallel: number): ConfigMap {
    const running = Math.min(parallel, shards);
    const share = (key: "concurrency" | "deleteConcurrency") => ({ value: String(Math.max(1, Math.floor(Number(shared[`thingsboard:${key}`]?.value ?? inFlight[key]) / running))) });
    const rate = shared["thingsboard:rateLimit"]?.value;
    return {
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
