import * as pulumi from "@pulumi/pulumi";
import type { CertificateAuthority } from "./certificateAuthority";
import type { DeviceProfile } from "./deviceProfile";
import { DynamicResource } from "./dynamicResource";

/** Arguments of `EnrolmentCheck`. */
export interface EnrolmentCheckArgs {
    /** The profile under which devices enrol. It needs `x509Chain`. */
    profile: DeviceProfile;
    /** Signs the canary: the authority of the profile, or one below it. */
    authority: CertificateAuthority;
    /** Common name of the canary. It has to fit the profile's pattern, and no device may have the name that the pattern makes of it. */
    commonName: pulumi.Input<string>;
    /**
     * Whom to trust for the MQTT server's certificate (PEM).
     * @default the Provider's `mqttCaPem`, or the public authorities
     */
    caPem?: pulumi.Input<string>;
    /**
     * Seconds that the connection may take.
     * @default 30
     */
    timeout?: pulumi.Input<number>;
    /**
     * `"fail"` fails the deployment, and the next `pulumi up` checks again; `"warn"` says why and goes on.
     * @default "fail"
     */
    onFailure?: pulumi.Input<"fail" | "warn">;
    /** Any values: the check runs again when one of them changes. */
    triggers?: pulumi.Input<pulumi.Input<unknown>[]>;
}

/**
 * Proves that devices can enrol under a profile with the X.509 chain strategy: a canary with a freshly signed certificate
 * connects as a new device would, is seen on ThingsBoard, and is removed again.
 *
 * ```ts
 * new tb.EnrolmentCheck("pumps", { profile, authority, commonName: "canary.factory.example" });
 * ```
 *
 * The canary's key exists in memory alone, for as long as the check takes: under such a profile the key of a certificate
 * that is not bound could sign for any device. It runs when it is created and when the profile, the authority or its own
 * inputs change; never during refresh.
 */
export class EnrolmentCheck extends DynamicResource {
    /** `"accepted"`, or `"refused"` where `onFailure` is `"warn"`. */
    declare readonly outcome: pulumi.Output<"accepted" | "refused">;
    /** The verdict as a sentence. */
    declare readonly message: pulumi.Output<string>;
    /** The name of the device that the canary became. */
    declare readonly deviceName: pulumi.Output<string>;
    /** Reason code of the CONNACK; 0 is accepted. */
    declare readonly connackCode: pulumi.Output<number | undefined>;
    /** Milliseconds from the look-up of the host to CONNACK. */
    declare readonly connectMs: pulumi.Output<number | undefined>;
    /** When the check ran (ISO 8601). */
    declare readonly checkedAt: pulumi.Output<string>;

    constructor(name: string, args: EnrolmentCheckArgs, opts?: pulumi.CustomResourceOptions) {
        const { profile, authority, ...rest } = args;
        const chain = profile.x509ChainArgs;
        if (chain === undefined) throw new pulumi.RunError(`EnrolmentCheck "${name}": its profile has no x509Chain, so nobody can enrol under it: declare x509Chain`);
        const outputs = { outcome: undefined, message: undefined, deviceName: undefined, connackCode: undefined, connectMs: undefined, checkedAt: undefined };
        const inputs = {
            timeout: 30,
            onFailure: "fail",
            ...rest,
            deviceProfileId: profile.id,
            profileName: profile.declaredName,
            commonNamePattern: chain.commonNamePattern,
            createDevices: chain.createDevices ?? true,
            anchorPem: chain.authority?.certificatePem ?? chain.certificatePem,
            authorityPem: authority.certificatePem,
            issuersPem: authority.issuersPem,
            authorityKeyPem: authority.privateKeyPem,
        };
        super("EnrolmentCheck", 1, name, { ...outputs, ...inputs }, pulumi.mergeOptions(opts, { additionalSecretOutputs: ["authorityKeyPem"] }));
    }
}
