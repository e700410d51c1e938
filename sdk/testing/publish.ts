// A device's own connection: what the real one would be told.

import type { Emulator } from "../emulator";
import { diagnose } from "../mqtt/diagnosis";
import { publishCheck } from "../mqtt/publishCheck";
import type { CredentialsSeen } from "./tenant";

/** What became of a device's connection and message. */
export interface PublishAnswer {
    /** CONNACK and PUBACK were both 0. */
    readonly accepted: boolean;
    /** `"accepted"`, or why not in one word: the entries of docs/troubleshooting.md. */
    readonly cause: string;
    /** The same as a sentence. */
    readonly message: string;
}

export async function publishAs(
    emulator: Emulator,
    deviceName: string,
    pair: { readonly certificatePem: string; readonly privateKeyPem: string },
    payload: object,
    held: CredentialsSeen | undefined,
): Promise<PublishAnswer> {
    const clockSkewMs = emulator.status().now - Date.now();
    const { mqttsHost: host, mqttsPort: port, caPem } = emulator;
    const outcome = await publishCheck({ mode: "publish", host, port, caPem, clockSkewMs, payload: JSON.stringify(payload), ...pair });
    const credential = held ? { credentialsType: held.type, credentialsId: held.credentialsId } : null;
    const { cause, sentence } = diagnose(outcome, { deviceName, clockSkewMs, credential });
    return { accepted: cause === "accepted", cause, message: sentence };
}
