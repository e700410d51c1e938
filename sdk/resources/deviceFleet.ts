import * as pulumi from "@pulumi/pulumi";
import { now } from "../clock";
import { certificateId, toPem } from "../x509/leaf";
import type { CertificateAuthority } from "./certificateAuthority";
import { refuse } from "./checked";
import { checkArgs, configuredShard, declared, devicesACall, settingsOf, warnOfGiven } from "./deviceFleetInputs";
import type { DeviceProfile } from "./deviceProfile";
import { declaredBy } from "./dynamicResource";
import { FleetBatch, FleetMembership } from "./fleetBatch";
import { warnOfOutlivingFleet } from "./outliving";
import type { KeyAlgorithm } from "./keyAlgorithm";
import { type Shard, batchOf, membersOf, shardOf } from "./fleetMembership";

/** A device of a fleet, where its name is not all there is to say. */
export interface FleetDevice {
    /** Name of the device, unique on the tenant: 1 to 255 characters. Known while the program runs: it decides the batch. */
    name: string;
    /** Shown beside the name. */
    label?: pulumi.Input<string>;
    /** Server-side attributes. One that is no longer declared is removed; others are left alone. */
    attributes?: pulumi.Input<Record<string, unknown>>;
    /** The device's own certificate (one PEM block), where its key must not be made here. No publish check is made then. */
    certificatePem?: pulumi.Input<string>;
    /**
     * Certificate request (PEM, PKCS#10) of a device that keeps its key: `certificate.authority` signs it, and signs it
     * again for each renewal. Its subject is the common name alone, which is the device's name (of a longer one the first
     * 64 characters), and its signature is verified. No publish check is made then.
     */
    csrPem?: pulumi.Input<string>;
    /**
     * Raise it by one to have a new key and certificate issued for this device in the next `up`, which cuts it off until it
     * has them: for a key that was lost or stolen, or a certificate that was revoked. With `csrPem` a new certificate alone.
     * @default 1
     */
    generation?: number;
}

/** How devices are proven. */
export interface FleetPublishCheck {
    /** Which of them, after each binding: one device a batch, or each. */
    devices: "sample" | "all";
    /**
     * - `"publish"`: connects as the device, publishes with QoS 1, waits for PUBACK, and reads the value back;
     * - `"connect"`: connects as the device and leaves: nothing gets into its telemetry or its rule chain.
     *
     * Not `"observe"`: no device can have its certificate before the deployment that makes it is over.
     * @default "publish"
     */
    mode?: "publish" | "connect";
}

/** What the certificates of a fleet have in common. */
export interface FleetCertificateArgs {
    /**
     * Kind of the key. Applies to certificates that are issued from then on.
     * @default "EC_P256"
     */
    keyAlgorithm?: KeyAlgorithm;
    /**
     * Days from the moment of issue until the certificate expires. Applies to certificates that are issued from then on.
     * @default 365
     */
    validityDays?: number;
    /**
     * How many days before it expires a certificate falls due.
     * @default 30, or a third of `validityDays` where that is less
     */
    renewBeforeDays?: number;
    /**
     * Spreads what was issued in one day over so many days: each device falls due earlier by a number of its own.
     * @default 0
     */
    renewalJitterDays?: number;
    /**
     * Whether a renewed certificate comes with a new key, or is issued for the key that the device has. One with `csrPem`
     * keeps its own.
     * @default "newKey"
     */
    rotationPolicy?: "keepKey" | "newKey";
    /**
     * Who signs. Applies to certificates that are issued from then on. Its key goes into the state of each batch, encrypted.
     * @default none: each certificate is self-signed, as in ThingsBoard's guide
     */
    authority?: CertificateAuthority;
}

/** Arguments of `DeviceFleet`. */
export interface DeviceFleetArgs {
    /** Names, or names with more. Known while the program runs. */
    devices: readonly (string | FleetDevice)[];
    /**
     * The device profile, if this program declares it; otherwise the name of an existing one. It is never created by this.
     * @default the tenant's default profile when a device is created; afterwards whatever it has
     */
    deviceProfile?: DeviceProfile | pulumi.Input<string>;
    /** What the certificates of the fleet are like. */
    certificate?: FleetCertificateArgs;
    /**
     * What happens to certificates that fall due: `"report"` shows them in preview and leaves them; `"immediate"` issues
     * and binds new ones, and the devices are refused until they have got them.
     *
     * There is no `"staged"`: a fleet would have to keep two pairs a device and to know when each device has the second.
     * Devices that must not be cut off are declared as single resources, renew their own certificate under a device profile
     * with X.509 chain, or are given `certificatePem` by whoever issues in advance.
     * @default "report"
     */
    renewal?: "report" | "immediate";
    /**
     * How many devices of this stack one `up` may renew, soonest to expire first in each batch; preview names those that
     * wait. It is divided among the batches; where it is smaller than their number, some batches have a turn, by lot, others each day (UTC).
     * @default all that are due
     */
    maxRenewalsPerUp?: number;
    /**
     * Number of batches, each of them one Pulumi resource. Fixed when the fleet is made, so choose it for the fleet's
     * final size: some hundreds of devices a batch are good, thousands work.
     * @default 32
     */
    batches?: number;
    /**
     * Which part of the fleet this stack holds, where several share it. Fixed like `batches`.
     * @default what stack config says in `thingsboard:shard` ("3/16": the fourth of sixteen), or else the whole fleet
     */
    shard?: Shard;
    /**
     * Proof that devices can publish, after each binding: `"all"`, one device a batch (`"sample"`), or `"none"`; with a mode
     * such as `{ devices: "all", mode: "connect" }`.
     * @default "sample"
     */
    publishCheck?: "none" | "sample" | "all" | FleetPublishCheck;
    /**
     * What becomes of a device that is no longer declared, and of all of them on destroy: `"revoke"` gives it a fresh
     * random token, so that its certificate is refused; `"delete"` deletes it with its telemetry (an adopted device is
     * revoked); `"keep"` leaves it as it is.
     * @default "revoke"
     */
    onRemove?: "revoke" | "delete" | "keep";
    /**
     * How many devices one `up` may take out of the list; more fail the preview.
     * @default 20, or a tenth of the fleet where that is more
     */
    maxRemovals?: number;
    /**
     * What happens to a device that was changed elsewhere, once a refresh has found it.
     * @default "repair"
     */
    onDrift?: "repair" | "fail";
    /**
     * Takes over devices that exist under these names, and gives them certificates of this fleet.
     * @default false: a device of that name which this fleet did not make is an error
     */
    adopt?: boolean;
    /**
     * Devices in work at once, and so the most publish checks. REST calls in flight have a bound of their own
     * (`concurrency` of the Provider).
     * @default 64; eight times `thingsboard:concurrency` where stack config has that, as a shard does
     */
    concurrency?: number;
}

/** One device of a fleet. */
export interface DeviceOfFleet {
    /** ThingsBoard's id of the device (a UUID). */
    readonly deviceId: pulumi.Output<string>;
    /** The certificate: one PEM block. */
    readonly certificatePem: pulumi.Output<string>;
    /** The private key (PEM, PKCS#8), undefined where it was not made here (`certificatePem`, `csrPem`). Secret. */
    readonly privateKeyPem: pulumi.Output<string | undefined>;
    /** SHA3-256 of the certificate, by which ThingsBoard knows it (lower-case hex). */
    readonly credentialsId: pulumi.Output<string>;
    /** Last moment of its validity (ISO 8601). */
    readonly notAfter: pulumi.Output<string>;
}

/** What became of a fleet's devices, of one shard where there are several. */
export interface FleetSummary {
    /** Devices that are bound as declared. */
    readonly devices: number;
    /** Devices that failed; the next `up` tries them again. */
    readonly failed: number;
    /** First certificate to expire (ISO 8601). */
    readonly nextExpiry?: string;
}

/**
 * Thousands of devices, each with a key and a certificate of its own, bound on ThingsBoard.
 *
 * ```ts
 * const fleet = new tb.DeviceFleet("pumps", {
 *     devices: ["pump-1", "pump-2", { name: "pump-3", label: "Hall 3" }],
 *     publishCheck: "all",
 * });
 * export const summary = fleet.summary;
 * ```
 *
 * A device belongs to one of `batches` resources by its name alone, for ever: adding one touches one batch. Preview says
 * in words what each batch will do. Devices that fail are named, the others are kept, and the next `up` tries again.
 *
 * Keys are in the stack's state, encrypted; `deviceOutput` gives those of one device, and
 * `pulumi-thingsboard fleet export` writes them to files.
 */
export class DeviceFleet extends pulumi.ComponentResource {
    /** What became of the fleet's devices. */
    readonly summary: pulumi.Output<FleetSummary>;
    private readonly batches: readonly FleetBatch[];
    private readonly names: ReadonlySet<string>;

    constructor(
        private readonly fleetName: string,
        args: DeviceFleetArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("thingsboard:index:DeviceFleet", fleetName, {}, opts);
        const count = args.batches ?? 32;
        const shard = args.shard ?? configuredShard(fleetName);
        checkArgs(fleetName, args, count, shard);
        const devices = args.devices.map(device => (typeof device === "string" ? { name: device } : device)).filter(({ name }) => !shard || shardOf(name, shard.count) === shard.index);
        warnOfGiven(devices, text => void pulumi.log.warn(`fleet ${JSON.stringify(fleetName)}: ${text}`, this), now());
        const members = Array.from({ length: count }, (): FleetDevice[] => []);
        for (const device of devices) members[batchOf(device.name, count)]!.push(device);
        const names = devices.map(({ name }) => name);
        const born = { fleet: declaredBy(fleetName), batches: count, ...(shard ? { shard: `${shard.index}/${shard.count}` } : {}) };
        const authority = args.certificate?.authority;
        const signing = authority ? { authority: pulumi.secret({ certificatePem: authority.identityPem, privateKeyPem: authority.privateKeyPem }) } : {};
        const common = { ...born, ...signing, settings: settingsOf(args), concurrency: args.concurrency ?? devicesACall * (new pulumi.Config("thingsboard").getNumber("concurrency") ?? 8) };
        const guarded = { members: membersOf(names), onRemove: common.settings.onRemove, ...(args.maxRemovals === undefined ? {} : { maxRemovals: args.maxRemovals }) };
        const membership = new FleetMembership(fleetName, { ...born, ...guarded }, { parent: this });
        this.names = new Set(names);
        this.batches = members.map((those, batch) => new FleetBatch(`${fleetName}-${batch}`, { ...common, batch, ...declared(those) }, { parent: this, dependsOn: membership }));
        this.summary = pulumi.all(this.batches.map(({ summary }) => summary)).apply(summaries => {
            const expiries = summaries.flatMap(({ nextExpiry }) => nextExpiry ?? []).sort();
            const sum = (field: "devices" | "failed") => summaries.reduce((total, summary) => total + summary[field], 0);
            return { devices: sum("devices"), failed: sum("failed"), ...(expiries[0] === undefined ? {} : { nextExpiry: expiries[0] }) };
        });
        const given = new Set(devices.flatMap(({ name, certificatePem }) => (certificatePem === undefined ? [] : [name])));
        if (authority) warnOfOutlivingFleet(fleetName, this.batches.map(batch => batch.devices), given, authority, this);
        // Registered outputs would store certificates and keys once more.
        this.registerOutputs({});
    }

    /** Certificate, key and id of one device; pulumi.RunError if the fleet (or this shard of it) has no device of this name. */
    deviceOutput(name: string): DeviceOfFleet {
        const fail = refuse("DeviceFleet", this.fleetName);
        if (!this.names.has(name)) fail(`it has no device "${name}": give one of its devices`);
        const batch = this.batches[batchOf(name, this.batches.length)]!;
        const record = batch.devices.apply(devices => {
            // Names are the user's: one may be called `constructor`.
            return Object.hasOwn(devices, name) ? devices[name]! : fail(`device "${name}" has not been made yet: run "pulumi up" again, which tries those that failed`);
        });
        return {
            deviceId: record.apply(({ id }) => id),
            certificatePem: record.apply(({ certificate }) => toPem(certificate)),
            privateKeyPem: pulumi.secret(batch.keys.apply(keys => (Object.hasOwn(keys, name) ? toPem(keys[name]!, "PRIVATE KEY") : undefined))),
            credentialsId: record.apply(({ certificate }) => certificateId(certificate)),
            notAfter: record.apply(({ notAfter }) => notAfter),
        };
    }
}
