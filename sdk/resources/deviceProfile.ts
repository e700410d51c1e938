import * as pulumi from "@pulumi/pulumi";
import type { CertificateAuthority } from "./certificateAuthority";
import { DynamicResource, declaredBy } from "./dynamicResource";

/** Arguments of `DeviceProfile`. */
export interface DeviceProfileArgs {
    /** Name of the profile, unique on the tenant: 1 to 255 characters. Changing it renames the profile. */
    name: pulumi.Input<string>;
    /** Shown with the profile in the web page. */
    description?: pulumi.Input<string>;
    /**
     * `"MQTT"` allows topics and a payload type of its own (`mqtt`); `"DEFAULT"` has ThingsBoard's topics, over MQTT, HTTP and CoAP.
     * @default "DEFAULT" for a new profile
     */
    transport?: pulumi.Input<"DEFAULT" | "MQTT">;
    /** Topics and payload type of transport `"MQTT"`. */
    mqtt?: pulumi.Input<MqttTransportArgs>;
    /** Lets devices enrol by themselves with a certificate that the authority signed. Without it a new profile lets nobody enrol. */
    x509Chain?: X509ChainArgs;
    /** Name of the rule chain that processes what its devices send. It is never created by this (from ThingsBoard's source: not tried on a live server). */
    ruleChain?: pulumi.Input<string>;
    /** Title of the dashboard that opens for its devices. It is never created by this (from ThingsBoard's source: not tried on a live server). */
    dashboard?: pulumi.Input<string>;
    /** Makes it the tenant's default profile; the former default is put back when this goes. */
    default?: pulumi.Input<boolean>;
    /**
     * Takes over a profile that exists under this name. It is then kept when the resource is destroyed.
     * @default false: a profile of that name which this stack did not make is an error
     */
    adopt?: pulumi.Input<boolean>;
    /**
     * What becomes of the profile when this resource goes. ThingsBoard deletes none that devices still use.
     * @default "delete"; "keep" for an adopted one
     */
    onDelete?: pulumi.Input<"delete" | "keep">;
    /**
     * What follows when somebody changed it on ThingsBoard: `"repair"` puts it right with the next `pulumi up` after a
     * refresh; `"fail"` stops that `up` and says what was changed.
     * @default "repair"
     */
    onDrift?: pulumi.Input<"repair" | "fail">;
}

/** How devices of a profile enrol by themselves, with a certificate that an authority signed. */
export interface X509ChainArgs {
    /** The authority whose certificates are believed, if this program declares it. Otherwise give `certificatePem`. */
    authority?: CertificateAuthority;
    /** The certificate of the authority (one PEM block). No key is needed. Not a public authority's, and in one profile only. */
    certificatePem?: pulumi.Input<string>;
    /**
     * Regular expression for the common name of a device's certificate. Its first group is the name of the device:
     * `(.*)\.factory\.example` makes `pump-1` of `pump-1.factory.example`.
     */
    commonNamePattern: pulumi.Input<string>;
    /**
     * Whether a device that does not exist yet is created. Without that only those enrol that exist in this profile and
     * already hold a certificate, which the new one then replaces.
     * @default true
     */
    createDevices?: pulumi.Input<boolean>;
}

/** How devices of a profile speak MQTT. */
export interface MqttTransportArgs {
    /** @default "v1/devices/me/telemetry" */
    telemetryTopic?: pulumi.Input<string>;
    /** @default "v1/devices/me/attributes" */
    attributesTopic?: pulumi.Input<string>;
    /** @default "JSON" */
    payloadType?: pulumi.Input<"JSON" | "PROTOBUF">;
    /** The schemas (proto3) of payload type `"PROTOBUF"` (from ThingsBoard's source: not tried on a live server). */
    proto?: pulumi.Input<{ telemetry: pulumi.Input<string>; attributes: pulumi.Input<string>; rpcRequest: pulumi.Input<string>; rpcResponse: pulumi.Input<string> }>;
    /** Answers a message that can't be read with PUBACK, instead of closing the connection. */
    acknowledgeInvalid?: pulumi.Input<boolean>;
}

/**
 * A device profile on ThingsBoard; with `x509Chain`, one under which devices enrol by themselves.
 *
 * ```ts
 * const authority = new tb.CertificateAuthority("factory", { commonName: "Acme factory root" });
 * const profile = new tb.DeviceProfile("pumps", {
 *     name: "pumps",
 *     x509Chain: { authority, commonNamePattern: "(.*)\\.factory\\.example" },
 * });
 * ```
 *
 * A device that connects over MQTT with a certificate of the authority, and the certificates above it
 * (`DeviceCertificate.chainPem`), is created in this profile and bound to its certificate; from then on its certificate
 * alone suffices. When it comes with a new one, that replaces the old one: so bindings of such devices change without
 * any program, and none should declare a `DeviceCredential` for them.
 *
 * **Read this before you use `x509Chain` where devices can be stolen.** ThingsBoard does not look at who may sign: under
 * the profile any key whose certificate is not bound at that moment, even an expired or a replaced one, can sign a
 * certificate for any name in the profile and take that device over. A single certificate can't be revoked: a device
 * whose credential was released enrols again with it. What helps: one authority for each profile, keys in hardware, short
 * validity, `createDevices: false` once the fleet has enrolled, and directly bound certificates (`DeviceCredential`)
 * where a stolen device must not endanger others. To shut out everybody, change the authority.
 *
 * Only what is declared is managed. Changes made elsewhere show in `pulumi preview --refresh`, and `pulumi up --refresh`
 * puts them right. A line at the end of the description says which stack manages the profile; by it a `pulumi up` that was
 * interrupted recognises what it had made.
 */
export class DeviceProfile extends DynamicResource {
    /** ThingsBoard's id of the profile (a UUID). */
    declare readonly deviceProfileId: pulumi.Output<string>;
    /** The profile was there before this resource. */
    declare readonly adopted: pulumi.Output<boolean>;
    /** Name of the profile. */
    declare readonly name: pulumi.Output<string>;

    /** @internal As declared: known in preview, where outputs of a profile that is being updated are not. */
    readonly declaredName: pulumi.Input<string>;
    /** @internal */
    readonly x509ChainArgs: X509ChainArgs | undefined;

    constructor(name: string, args: DeviceProfileArgs, opts?: pulumi.CustomResourceOptions) {
        const { x509Chain, ...rest } = args;
        const chain = x509Chain && chainInputs(name, x509Chain);
        const outputs = { deviceProfileId: undefined, adopted: undefined, claim: undefined, formerDefault: undefined };
        super("DeviceProfile", 1, name, { ...outputs, ...rest, ...(chain ? { x509Chain: chain } : {}), declaredBy: declaredBy(name) }, opts);
        this.declaredName = args.name;
        this.x509ChainArgs = x509Chain;
    }
}

/** Ids stay known in a preview that changes the profile, its outputs don't; without its id nothing would wait for it. */
export function profileName(profile: DeviceProfile | pulumi.Input<string>): pulumi.Input<string> {
    return profile instanceof DeviceProfile ? pulumi.all([profile.declaredName, profile.id]).apply(([name]) => name) : profile;
}

function chainInputs(name: string, { authority, certificatePem, commonNamePattern, createDevices }: X509ChainArgs) {
    if ((authority === undefined) === (certificatePem === undefined)) {
        throw new pulumi.RunError(`DeviceProfile "${name}" needs the authority of its x509Chain as one of authority, certificatePem: ${authority === undefined ? "none is given" : "both are given"}`);
    }
    return { certificatePem: authority?.certificatePem ?? certificatePem!, commonNamePattern, createDevices: createDevices ?? true };
}
