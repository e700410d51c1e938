import * as pulumi from "@pulumi/pulumi";
import type { DeviceCertificate } from "./deviceCertificate";
import type { DeviceCredential } from "./deviceCredential";
import { DynamicResource } from "./dynamicResource";

/** Arguments of `PublishCheck`. */
export interface PublishCheckArgs {
    /** The binding that is to be proven. The check runs when it is made, and again after each new binding. */
    credential: DeviceCredential;
    /** The device's certificate and key, if this program makes them. Otherwise give `certificatePem` and `privateKeyPem`; mode `"observe"` needs neither. */
    certificate?: DeviceCertificate;
    /** The device's certificate (PEM); under a chain profile followed by the certificates above it. */
    certificatePem?: pulumi.Input<string>;
    /** The key of that certificate (PEM). Stored as a secret, as an input alone. */
    privateKeyPem?: pulumi.Input<string>;
    /**
     * - `"publish"`: connects as the device, publishes with QoS 1, waits for PUBACK;
     * - `"connect"`: connects as the device and leaves;
     * - `"observe"`: waits for the device itself to connect after the binding; needs no key and disturbs nobody.
     *
     * The first two close the session of a device that is connected at that moment: ThingsBoard keeps one per device.
     * @default "publish"
     */
    mode?: pulumi.Input<"publish" | "connect" | "observe">;
    /**
     * Topic to publish to.
     * @default the device profile's own telemetry topic, mostly `v1/devices/me/telemetry`
     */
    topic?: pulumi.Input<string>;
    /**
     * What to publish.
     * @default a marker under the telemetry key `pulumiPublishCheck`, which is deleted again once it was read back: no invented measurement in your data
     */
    payload?: pulumi.Input<string>;
    /**
     * Whether the published value has to show up in ThingsBoard's latest telemetry. A PUBACK means queued, and a rule
     * chain may drop telemetry on purpose. With `"required"` the payload has to be a JSON object, or an array of them, for
     * the topic of telemetry: nothing else can be looked for.
     * @default "warn"
     */
    verifyStored?: pulumi.Input<"required" | "warn" | "off">;
    /**
     * Whom to trust for the MQTT server's certificate (PEM).
     * @default the Provider's `mqttCaPem`, or the public authorities
     */
    caPem?: pulumi.Input<string>;
    /**
     * `"auto"` speaks MQTT 5, and 3.1.1 where the server does not know it.
     * @default "auto"
     */
    mqttVersion?: pulumi.Input<"auto" | "3.1.1" | "5">;
    /**
     * Seconds that one connection may take; in mode `"observe"`, how long to wait for the device.
     * @default 30; 300 in mode "observe"
     */
    timeout?: pulumi.Input<number>;
    /**
     * `"fail"` fails the deployment, and the next `pulumi up` checks again; `"warn"` says why and goes on, for pipelines
     * that can't reach the port.
     * @default "fail"
     */
    onFailure?: pulumi.Input<"fail" | "warn">;
    /**
     * Binds the previous certificate again when the new one is refused right after it replaced that.
     * @default true
     */
    rollback?: pulumi.Input<boolean>;
    /** Any values: the check runs again when one of them changes. */
    triggers?: pulumi.Input<pulumi.Input<unknown>[]>;
}

/**
 * Proves that a device can publish with its certificate: a fresh mutual-TLS connection, a message with QoS 1, its PUBACK,
 * and a look at whether it was stored.
 *
 * ```ts
 * const check = new tb.PublishCheck("pump-1", { credential, certificate });
 * export const stage = check.stage;             // "puback"
 * ```
 *
 * It runs when it is created, when its inputs change, and after each new binding of the credential; never during refresh.
 * A refusal says in one sentence what is wrong and what to do.
 */
export class PublishCheck extends DynamicResource {
    /** `"accepted"`, or `"refused"` where `onFailure` is `"warn"`. */
    declare readonly outcome: pulumi.Output<"accepted" | "refused">;
    /** The verdict as a sentence. */
    declare readonly message: pulumi.Output<string>;
    /** Why it was refused, in one word to act on, such as `"changed-meanwhile"`: the entries of docs/troubleshooting.md. */
    declare readonly cause: pulumi.Output<string | undefined>;
    /** The last step that was completed (`connack`, `puback`), or after a refusal the one that failed. */
    declare readonly stage: pulumi.Output<string>;
    /** Reason code of the CONNACK; 0 is accepted. */
    declare readonly connackCode: pulumi.Output<number | undefined>;
    /** Reason code of the PUBACK; 0 is accepted. */
    declare readonly pubackCode: pulumi.Output<number | undefined>;
    /** `"5"` or `"3.1.1"`. */
    declare readonly mqttVersionUsed: pulumi.Output<string | undefined>;
    /** Such as `TLSv1.3`. */
    declare readonly tlsVersion: pulumi.Output<string | undefined>;
    /** Such as `TLS_AES_256_GCM_SHA384`. */
    declare readonly cipher: pulumi.Output<string | undefined>;
    /** Milliseconds from the look-up of the host to CONNACK. */
    declare readonly connectMs: pulumi.Output<number | undefined>;
    /** Milliseconds from PUBLISH to PUBACK. */
    declare readonly publishMs: pulumi.Output<number | undefined>;
    /** SHA-256 of the MQTT server's certificate. */
    declare readonly serverFingerprint: pulumi.Output<string | undefined>;
    /** When the MQTT server's certificate expires (ISO 8601). */
    declare readonly serverNotAfter: pulumi.Output<string | undefined>;
    /** When the published value was stored (ISO 8601). */
    declare readonly storedAt: pulumi.Output<string | undefined>;
    /** When the check ran (ISO 8601). */
    declare readonly checkedAt: pulumi.Output<string>;

    constructor(name: string, args: PublishCheckArgs, opts?: pulumi.CustomResourceOptions) {
        const { credential, certificate, ...rest } = args;
        if (certificate && (args.certificatePem !== undefined || args.privateKeyPem !== undefined)) {
            throw new pulumi.RunError(`PublishCheck "${name}" has certificate, and certificatePem or privateKeyPem too: give one of the two`);
        }
        const mode = pulumi.output(args.mode ?? "publish");
        const observing = args.mode === "observe";
        const pair = certificate && !observing ? { certificatePem: certificate.certificatePem, privateKeyPem: certificate.privateKeyPem } : {};
        const props = {
            verifyStored: "warn",
            onFailure: "fail",
            rollback: true,
            ...rest,
            ...pair,
            mode,
            timeout: args.timeout ?? mode.apply(text => (text === "observe" ? 300 : 30)),
            deviceId: credential.deviceId,
            deviceName: credential.deviceName,
            credentialsId: credential.credentialsId,
            bindingRevision: credential.bindingRevision,
            boundAt: credential.boundAt,
            replacedCertificatePem: credential.replacedCertificatePem,
        };
        super("PublishCheck", 1, name, { ...undefinedOutputs, ...props }, pulumi.mergeOptions(opts, { additionalSecretOutputs: ["privateKeyPem"] }));
    }
}

const undefinedOutputs = {
    outcome: undefined,
    message: undefined,
    cause: undefined,
    stage: undefined,
    connackCode: undefined,
    pubackCode: undefined,
    mqttVersionUsed: undefined,
    tlsVersion: undefined,
    cipher: undefined,
    connectMs: undefined,
    publishMs: undefined,
    serverFingerprint: undefined,
    serverNotAfter: undefined,
    storedAt: undefined,
    checkedAt: undefined,
    rolledBack: undefined,
};
