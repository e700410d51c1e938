import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../userError";
import { readLeaf } from "../x509/leaf";
import type { Device } from "./device";
import type { DeviceCertificate } from "./deviceCertificate";
import { DynamicResource, declaredBy } from "./dynamicResource";
import { otherCredentials } from "./otherCredentials";

/** Arguments of `DeviceCredential`. */
export interface DeviceCredentialArgs {
    /** The device, if this program declares it. Otherwise give `deviceId` or `deviceName`. */
    device?: Device;
    /** ThingsBoard's id of an existing device (a UUID). */
    deviceId?: pulumi.Input<string>;
    /** Name of an existing device, exactly as ThingsBoard shows it. */
    deviceName?: pulumi.Input<string>;
    /** The device's certificate, if this program makes it. Otherwise give `certificatePem`. */
    certificate?: DeviceCertificate;
    /** The device's certificate: one PEM block, without the authorities above it. The key is not needed. */
    certificatePem?: pulumi.Input<string>;
    /**
     * Replaces what the device holds although this stack did not make it: another certificate, or an access token with
     * which it has connected.
     * @default false
     */
    adopt?: pulumi.Input<boolean>;
    /**
     * What becomes of the binding when this resource goes: `"revoke"` gives the device a fresh random access token, so
     * that the certificate is refused from then on; `"keep"` leaves it bound.
     * @default "revoke"
     */
    onDelete?: pulumi.Input<"revoke" | "keep">;
    /**
     * What follows when somebody changed it on ThingsBoard: `"repair"` puts it right with the next `pulumi up` after a
     * refresh; `"fail"` stops that `up` and says what was changed.
     * @default "repair"
     */
    onDrift?: pulumi.Input<"repair" | "fail">;
    /**
     * Takes a leaf that ThingsBoard itself has bound for no drift. Under a device profile with the X.509 chain strategy a
     * device that connects with a new certificate of the same authority has it bound by the server.
     * @default false
     */
    ignoreServerRotation?: pulumi.Input<boolean>;
}

/**
 * An X.509 certificate as the credential of a ThingsBoard device.
 *
 * A device has one credential: binding replaces the one before, access token or certificate, and ThingsBoard drops the
 * device's open session. Changing the certificate rebinds in place; changing the device moves the certificate.
 *
 * ```ts
 * const certificate = new tb.DeviceCertificate("pump-1", { commonName: "pump-1" });
 * new tb.DeviceCredential("pump-1", { deviceName: "pump-1", certificate });
 * ```
 *
 * A device that this stack made, or that has never connected, is bound at once. One that is in use needs `adopt: true`.
 */
export class DeviceCredential extends DynamicResource {
    /** ThingsBoard's id of the device (a UUID). */
    declare readonly deviceId: pulumi.Output<string>;
    /** Name of the device. */
    declare readonly deviceName: pulumi.Output<string>;
    /** SHA3-256 of the bound certificate, as ThingsBoard computes it (lower-case hex). Known in preview if the certificate is. */
    readonly credentialsId: pulumi.Output<string>;
    /** Rises with each binding: the trigger for what has to follow one. */
    declare readonly bindingRevision: pulumi.Output<number>;
    /** When it was bound, by ThingsBoard's clock (milliseconds since 1970). */
    declare readonly boundAt: pulumi.Output<number>;

    /** The certificate that this binding has replaced, if that was this resource's too. */
    declare readonly replacedCertificatePem: pulumi.Output<string | undefined>;

    constructor(name: string, args: DeviceCredentialArgs, opts?: pulumi.CustomResourceOptions) {
        const { device, certificate, ...rest } = args;
        exactlyOne(name, "device", { device, deviceId: args.deviceId, deviceName: args.deviceName });
        exactlyOne(name, "certificate", { certificate, certificatePem: args.certificatePem });
        const certificatePem = certificate?.certificatePem ?? args.certificatePem!;
        const target = device?.reference ?? {};
        const computed = { credentialsId: undefined, bindingRevision: undefined, boundAt: undefined, replacedCertificatePem: undefined, ...(rest.deviceId === undefined && !device ? { deviceId: undefined } : {}) };
        const declared = { ...rest, ...target, certificatePem, declaredBy: declaredBy(name) };
        const others = otherCredentials({ ...declared, certificate });
        super("DeviceCredential", 1, name, { ...computed, ...declared, ...(others === undefined ? {} : { others }) }, device?.surelyDeleted ? pulumi.mergeOptions({ deletedWith: device }, opts) : opts);
        this.credentialsId = pulumi.output(certificatePem).apply(credentialsId);
    }
}

/** Empty for text that holds no certificate: the engine's check of this resource says what is wrong with it. */
function credentialsId(pem: string): string {
    try {
        return readLeaf(pem).credentialsId;
    } catch (error) {
        if (error instanceof UserError) return "";
        throw error;
    }
}

function exactlyOne(name: string, what: string, choices: Record<string, unknown>): void {
    const given = Object.keys(choices).filter(key => choices[key] !== undefined);
    if (given.length === 1) return;
    const found = given.length === 0 ? "none is given" : `${given.join(" and ")} are given`;
    throw new pulumi.RunError(`DeviceCredential "${name}" needs its ${what} as one of ${Object.keys(choices).join(", ")}: ${found}`);
}
