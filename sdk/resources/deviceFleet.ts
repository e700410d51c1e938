import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../userError";
import type { IssuedAlgorithm } from "../x509/issue";
import { certificateId, readLeaf, toPem } from "../x509/leaf";
import type { CertificateAuthority } from "./certificateAuthority";
import { declaredBy } from "./dynamicResource";
import { FleetBatch, FleetMembership } from "./fleetBatch";
import { type Shard, batchOf, membersOf, parseShard, shardOf } from "./fleetMembership";

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
}

/** What the certificates of a fleet have in common. */
export interface FleetCertificateArgs {
    /**
     * Kind of the key. Applies to certificates that are issued from then on.
     * @default "EC_P256"
     */
    algorithm?: IssuedAlgorithm;
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
     * Whether a renewed certificate gets a new key.
     * @default "always"
     */
    rotationPolicy?: "always" | "never";
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
     * Name of an existing device profile.
     * @default the tenant's default profile when a device is created; afterwards whatever it has
     */
    deviceProfile?: pulumi.Input<string>;
    /** What the certificates of the fleet are like. */
    certificate?: FleetCertificateArgs;
    /**
     * What happens to certificates that fall due: `"report"` shows them in preview and leaves them; `"immediate"` issues
     * and binds new ones, and the devices are refused until they have got them.
     * @default "report"
     */
    renewal?: "report" | "immediate";
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
     * Proof that devices can publish, after each binding: `"all"`, one device a batch (`"sample"`), or `"none"`.
     * @default "sample"
     */
    publishCheck?: "none" | "sample" | "all";
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
    /** The private key (PEM, PKCS#8), undefined where the certificate is from outside. Secret. */
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
        const members = Array.from({ length: count }, (): FleetDevice[] => []);
        for (const device of devices) members[batchOf(device.name, count)]!.push(device);
        const names = devices.map(({ name }) => name);
        const born = { fleet: declaredBy(fleetName), batches: count, ...(shard ? { shard: `${shard.index}/${shard.count}` } : {}) };
        const authority = args.certificate?.authority;
        const signing = authority ? { authority: pulumi.secret({ certificatePem: authority.identityPem, privateKeyPem: authority.privateKeyPem }) } : {};
        const common = { ...born, ...signing, settings: settingsOf(args), concurrency: args.concurrency ?? devicesACall * (new pulumi.Config("thingsboard").getNumber("concurrency") ?? 8) };
        const guarded = { members: membersOf(names), onRemove: common.settings["onRemove"], ...(args.maxRemovals === undefined ? {} : { maxRemovals: args.maxRemovals }) };
        const membership = new FleetMembership(fleetName, { ...born, ...guarded }, { parent: this });
        this.names = new Set(names);
        this.batches = members.map((those, batch) => new FleetBatch(`${fleetName}-${batch}`, { ...common, batch, ...declared(those) }, { parent: this, dependsOn: membership }));
        this.summary = pulumi.all(this.batches.map(({ summary }) => summary)).apply(summaries => {
            const expiries = summaries.flatMap(({ nextExpiry }) => nextExpiry ?? []).sort();
            const sum = (field: "devices" | "failed") => summaries.reduce((total, summary) => total + summary[field], 0);
            return { devices: sum("devices"), failed: sum("failed"), ...(expiries[0] === undefined ? {} : { nextExpiry: expiries[0] }) };
        });
        // Registered outputs would store certificates and keys once more.
        this.registerOutputs({});
    }

    /** Certificate, key and id of one device; pulumi.RunError if the fleet (or this shard of it) has no device of this name. */
    deviceOutput(name: string): DeviceOfFleet {
        if (!this.names.has(name)) throw new pulumi.RunError(`DeviceFleet "${this.fleetName}" has no device "${name}": give one of its devices`);
        const batch = this.batches[batchOf(name, this.batches.length)]!;
        const record = batch.devices.apply(devices => {
            const found = devices[name];
            if (!found) throw new pulumi.RunError(`device "${name}" of DeviceFleet "${this.fleetName}" has not been made yet`);
            return found;
        });
        return {
            deviceId: record.apply(({ id }) => id),
            certificatePem: record.apply(({ certificate }) => toPem(certificate)),
            privateKeyPem: pulumi.secret(batch.keys.apply(keys => (keys[name] === undefined ? undefined : toPem(keys[name], "PRIVATE KEY")))),
            credentialsId: record.apply(({ certificate }) => certificateId(certificate)),
            notAfter: record.apply(({ notAfter }) => notAfter),
        };
    }
}

function declared(devices: readonly FleetDevice[]): pulumi.Inputs {
    const details = devices.flatMap(({ name, label, attributes, certificatePem }) => {
        const found = {
            ...(label === undefined ? {} : { label }),
            ...(attributes === undefined ? {} : { attributes }),
            ...(certificatePem === undefined ? {} : { certificate: pulumi.output(certificatePem).apply(oneLine) }),
        };
        return Object.keys(found).length === 0 ? [] : [[name, found] as const];
    });
    return { members: devices.map(({ name }) => name).sort(), ...(details.length === 0 ? {} : { details: Object.fromEntries(details) }) };
}

/** Base64 of the DER, which is shorter and has one spelling; text that is no certificate is left for the engine's check to name. */
function oneLine(pem: string): string {
    try {
        return readLeaf(pem).base64Der;
    } catch (error) {
        if (error instanceof UserError) return pem;
        throw error;
    }
}

function settingsOf(args: DeviceFleetArgs): pulumi.Inputs {
    const { algorithm = "EC_P256", validityDays = 365, renewalJitterDays = 0, rotationPolicy = "always" } = args.certificate ?? {};
    return {
        ...(args.deviceProfile === undefined ? {} : { deviceProfile: args.deviceProfile }),
        algorithm,
        validityDays,
        renewBeforeDays: args.certificate?.renewBeforeDays ?? Math.min(30, Math.floor(validityDays / 3)),
        renewalJitterDays,
        rotationPolicy,
        renewal: args.renewal ?? "report",
        publishCheck: args.publishCheck ?? "sample",
        onRemove: args.onRemove ?? "revoke",
        onDrift: args.onDrift ?? "repair",
        adopt: args.adopt ?? false,
    };
}

function configuredShard(fleetName: string): Shard | undefined {
    const text = new pulumi.Config("thingsboard").get("shard");
    if (text === undefined) return undefined;
    const shard = parseShard(text);
    if (!shard) throw new pulumi.RunError(`DeviceFleet "${fleetName}": thingsboard:shard is ${JSON.stringify(text)}: expected index/count such as 3/16, the first index being 0`);
    return shard;
}

const maxBatches = 1024;

/** In work for each REST call in flight: most of them wait, for a publish check or for their turn. */
const devicesACall = 8;

/** What is known while the program runs fails it at once. The engine's check of each batch looks at the rest. */
function checkArgs(fleetName: string, args: DeviceFleetArgs, batches: number, shard: Shard | undefined): void {
    const fail = (reason: string): never => {
        throw new pulumi.RunError(`DeviceFleet "${fleetName}": ${reason}`);
    };
    const whole = (field: string, value: number, least: number, most: number) => {
        if (!Number.isInteger(value) || value < least || value > most) fail(`${field} is ${JSON.stringify(value)}: expected a whole number, ${least} to ${most}`);
    };
    if (!Array.isArray(args.devices)) fail("devices is no list: names are needed while the program runs, so an Output can't be used");
    whole("batches", batches, 1, maxBatches);
    if (args.concurrency !== undefined) whole("concurrency", args.concurrency, 1, 1000);
    if (args.maxRemovals !== undefined) whole("maxRemovals", args.maxRemovals, 0, 1e9);
    if (shard) {
        whole("shard.count", shard.count, 1, 100_000);
        whole("shard.index", shard.index, 0, shard.count - 1);
    }
    const seen = new Set<string>();
    for (const device of args.devices) {
        const name: unknown = typeof device === "object" ? device.name : device;
        if (typeof name !== "string") return fail(`devices has an entry without a name that is text: ${typeof name}`);
        if (name === "__proto__") fail('devices has "__proto__", which no JavaScript object takes as a key: declare it as a Device');
        if (seen.has(name)) fail(`devices has "${name}" twice: names are unique on a ThingsBoard`);
        seen.add(name);
    }
}
