import * as pulumi from "@pulumi/pulumi";
import { type DeviceProfile, profileName } from "./deviceProfile";
import { DynamicResource, declaredBy } from "./dynamicResource";

/** Arguments of `Device`. */
export interface DeviceArgs {
    /** Name of the device, unique on the tenant: 1 to 255 characters. Changing it renames the device. */
    name: pulumi.Input<string>;
    /** Shown beside the name. */
    label?: pulumi.Input<string>;
    /**
     * The device profile, if this program declares it; otherwise the name of an existing one. It is never created by this.
     * @default the tenant's default profile when the device is created; afterwards whatever it has
     */
    deviceProfile?: DeviceProfile | pulumi.Input<string>;
    /** Title of the customer that the device is assigned to. Community Edition; see `owner` for the others. */
    customer?: pulumi.Input<string>;
    /**
     * Title of the customer that owns the device, or `"tenant"`. Taken out of the program, the device goes back to the
     * tenant. Professional Edition and Cloud (from documentation: not tried on a live server).
     * @default whoever owns it
     */
    owner?: pulumi.Input<string>;
    /**
     * Names of device groups of `owner`, or, where none is declared, of whoever owns the device. Professional Edition and
     * Cloud (from documentation: not tried on a live server).
     */
    groups?: pulumi.Input<pulumi.Input<string>[]>;
    /** Lets the device speak for others, as a ThingsBoard IoT Gateway does. */
    gateway?: pulumi.Input<boolean>;
    /** Server-side attributes. One that is no longer declared is removed if this resource had set it; others are left alone. */
    attributes?: pulumi.Input<Record<string, unknown>>;
    /** Fields of the device's `additionalInfo`. Fields that others set there are left alone. */
    additionalInfo?: pulumi.Input<Record<string, unknown>>;
    /**
     * Takes over a device that exists under this name. It is then kept when the resource is destroyed.
     * @default false: a device of that name which this stack did not make is an error
     */
    adopt?: pulumi.Input<boolean>;
    /**
     * What becomes of the device when this resource goes. Deleting a device deletes its telemetry.
     * @default "delete"; "keep" for an adopted device
     */
    onDelete?: pulumi.Input<"delete" | "keep">;
    /**
     * What follows when somebody changed it on ThingsBoard: `"repair"` puts it right with the next `pulumi up` after a
     * refresh; `"fail"` stops that `up` and says what was changed.
     * @default "repair"
     */
    onDrift?: pulumi.Input<"repair" | "fail">;
}

/**
 * A device on ThingsBoard.
 *
 * ```ts
 * const device = new tb.Device("pump-1", { name: "pump-1", label: "Hall 3", attributes: { site: "north" } });
 * ```
 *
 * Only what is declared is managed; what others set on the device survives each update. A field that is taken out of the
 * program is taken off the device too, apart from `deviceProfile`, which stays as it is. Changes made elsewhere show in
 * `pulumi preview --refresh`, and `pulumi up --refresh` puts them right.
 *
 * The device carries a mark of this stack (`additionalInfo.pulumi`), by which a `pulumi up` that was interrupted
 * recognises it.
 */
export class Device extends DynamicResource {
    /** ThingsBoard's id of the device (a UUID). */
    declare readonly deviceId: pulumi.Output<string>;
    /** Id of its device profile (a UUID). */
    declare readonly deviceProfileId: pulumi.Output<string>;
    /** The device was there before this resource. */
    declare readonly adopted: pulumi.Output<boolean>;
    /** Name of the device. */
    declare readonly name: pulumi.Output<string>;
    /** Shown beside the name. */
    declare readonly label: pulumi.Output<string | undefined>;

    /** @internal What others refer to the device by: known in preview, where outputs of a device that is being updated are not. */
    readonly reference: { readonly deviceId: pulumi.Output<string>; readonly deviceName: pulumi.Input<string> };

    /** @internal Declared in so many words to go with its resource. By default that depends on whether it was adopted once. */
    readonly surelyDeleted: boolean;

    /**
     * A device that exists, by its name on ThingsBoard or by its id. It is read and never changed; whether its credential
     * may be replaced is for `DeviceCredential` to say.
     */
    static get(name: string, nameOrId: pulumi.Input<string>, opts?: pulumi.CustomResourceOptions): Device {
        return new Device(name, { name: nameOrId }, { ...opts, id: nameOrId });
    }

    constructor(name: string, args: DeviceArgs, opts?: pulumi.CustomResourceOptions) {
        const inputs = { ...args, ...(args.deviceProfile === undefined ? {} : { deviceProfile: profileName(args.deviceProfile) }), declaredBy: declaredBy(name), deviceId: undefined, deviceProfileId: undefined, adopted: undefined };
        // What drifted attributes were, in state under a name that is no input: the engine would take them for public.
        super("Device", 1, name, inputs, pulumi.mergeOptions(opts, { additionalSecretOutputs: ["expected"] }));
        this.surelyDeleted = args.onDelete === "delete";
        // Of a device that is looked up, the engine's id is what it was looked up by.
        this.reference = opts?.id === undefined ? { deviceId: this.id, deviceName: args.name } : { deviceId: this.deviceId, deviceName: this.name };
    }
}
