// One publish as a device: through the same check as PublishCheck where ThingsBoard can be asked for the device, else by MQTT alone.
import { diagnose } from "../../mqtt/diagnosis";
import type { Evidence } from "../../mqtt/outcome";
import { deviceMessage, marker, telemetryTopic } from "../../mqtt/payload";
import { publishCheck, type PublishCheckWatch } from "../../mqtt/publishCheck";
import { runCheck } from "../../reconcilers/checkRun";
import { deviceNamed } from "../../reconcilers/deviceNamed";
import type { Server } from "../../reconcilers/server";
import { isApiError } from "../../thingsboard";
import type { Device } from "../../thingsboard/model";
import { UserError } from "../../userError";
import { certificatesIn } from "../../x509/chain";
import { readLeaf, toPem } from "../../x509/leaf";
import { commonNamesOf } from "../../x509/names";
import type { Stages } from "./stages";

export interface PublishWish {
    readonly mqtt: { readonly host: string; readonly port: number; readonly caPem?: string };
    readonly certificatePem: string;
    /** Without a passphrase. Used, and neither shown nor kept. */
    readonly privateKeyPem: string;
    readonly mode: "connect" | "publish";
    readonly message?: string;
    readonly topic?: string;
    readonly device?: string;
    readonly mqttVersion: "auto" | "3.1.1" | "5";
    readonly timeout: number;
}

export interface Published {
    readonly accepted: boolean;
    /** As docs/troubleshooting.md lists them. */
    readonly cause: string;
    readonly message: string;
    readonly warnings: readonly string[];
    readonly deviceId?: string;
    readonly credentialsId: string;
    readonly mqttVersion?: string;
    readonly tlsVersion?: string;
    readonly storedAt?: string;
}

export async function publishAs(wish: PublishWish, server: Server | undefined, stages: Stages): Promise<Published> {
    const [first] = certificatesIn(wish.certificatePem, "--cert");
    const leaf = readLeaf(toPem(first!.raw.toString("base64")));
    const name = wish.device ?? commonNamesOf(first!)[0] ?? leaf.subject;
    const found = server && (await deviceOf(server, name, wish.device !== undefined, leaf.credentialsId));
    if (server && found && "device" in found) return throughRest(wish, { ...server, mqtt: wish.mqtt }, found.device, leaf.credentialsId, stages);
    const published = await byMqttAlone(wish, server, name, leaf.credentialsId, stages);
    return { ...published, warnings: [...published.warnings, ...(found && "without" in found ? [found.without] : [])] };
}

/** Which device it is only decides what can be said; none is no reason to publish nothing. */
async function deviceOf({ thingsboard }: Server, name: string, asked: boolean, credentialsId: string): Promise<{ readonly device: Device } | { readonly without: string }> {
    try {
        const client = thingsboard.about(`device "${name}"`);
        const device = await deviceNamed(client, name);
        if (!device) return { without: `ThingsBoard has no device "${name}", so whether the message was stored is not known: give the device's name with --device` };
        // A common name is a guess: another device of that name is none of ours.
        if (asked || (await client.credentials(device.id.id))?.credentialsId === credentialsId) return { device };
        return { without: `device "${name}" does not hold this certificate, so whether the message was stored is not known: give the device's name with --device` };
    } catch (error) {
        if (isApiError(error)) return { without: `ThingsBoard could not be asked: ${error.message}` };
        throw error;
    }
}

async function throughRest(wish: PublishWish, server: Server, device: Device, credentialsId: string, stages: Stages): Promise<Published> {
    const inputs = {
        deviceId: device.id.id,
        deviceName: device.name,
        mode: wish.mode,
        certificatePem: wish.certificatePem,
        privateKeyPem: wish.privateKeyPem,
        ...(wish.topic === undefined ? {} : { topic: wish.topic }),
        ...(wish.message === undefined ? {} : { payload: wish.message }),
        verifyStored: "required" as const,
        mqttVersion: wish.mqttVersion,
        timeout: wish.timeout,
        onFailure: "fail" as const,
        rollback: false,
    };
    const result = await runCheck(server, inputs, watching(stages));
    if (result.storedAt !== undefined) stages.reached("stored");
    else if (result.cause === "not-stored") stages.failed();
    return {
        accepted: result.outcome === "accepted",
        cause: result.cause ?? "accepted",
        message: result.message.replace(/^publish check: /, ""),
        warnings: result.warning === undefined ? [] : [result.warning],
        deviceId: device.id.id,
        credentialsId,
        ...(result.mqttVersionUsed === undefined ? {} : { mqttVersion: result.mqttVersionUsed }),
        ...(result.tlsVersion === undefined ? {} : { tlsVersion: result.tlsVersion }),
        ...(result.storedAt === undefined ? {} : { storedAt: result.storedAt }),
    };
}

async function byMqttAlone(wish: PublishWish, server: Server | undefined, deviceName: string, credentialsId: string, stages: Stages): Promise<Published> {
    const { mqtt, certificatePem, privateKeyPem, topic, mqttVersion, timeout } = wish;
    const skew = server?.thingsboard.clockSkewMs();
    const connection = { ...mqtt, certificatePem, privateKeyPem, protocolVersion: mqttVersion, timeoutSeconds: timeout, ...(skew === undefined ? {} : { clockSkewMs: skew }) };
    const message = wish.message === undefined ? deviceMessage(marker(), undefined, topic) : { topic: topic ?? telemetryTopic, payload: wish.message };
    const outcome = await naming(deviceName, () => publishCheck(wish.mode === "connect" ? { ...connection, mode: "connect" } : { ...connection, mode: "publish", ...message }, { watch: watching(stages) }));
    const { cause, sentence } = diagnose(outcome, { deviceName, ...(server === undefined ? {} : { restHost: server.restHost }), ...(skew === undefined ? {} : { clockSkewMs: skew }) });
    return { accepted: outcome.ok, cause, message: sentence, warnings: [], credentialsId, ...versions(outcome) };
}

const watching = (stages: Stages): PublishCheckWatch => ({
    began: () => stages.began(),
    reached: step => stages.reached(step),
    ended({ ok }) {
        if (!ok) stages.failed();
    },
});

const versions = ({ mqttVersion, tlsVersion }: Evidence) => ({ mqttVersion, ...(tlsVersion === undefined ? {} : { tlsVersion }) });

async function naming<Result>(deviceName: string, run: () => Promise<Result>): Promise<Result> {
    try {
        return await run();
    } catch (error) {
        throw error instanceof UserError ? new UserError(`device "${deviceName}": ${error.message}`) : error;
    }
}
