// What the batches of a fleet are declared with: checked as far as it is known, and as short as it can be stored.

import * as pulumi from "@pulumi/pulumi";
import { printable, shown } from "../printable";
import { UserError } from "../userError";
import { endsSoon, readLeaf } from "../x509/leaf";
import { requestDer } from "../x509/request";
import { weakHash } from "../x509/strength";
import type { DeviceFleetArgs, FleetDevice } from "./deviceFleet";
import { profileName } from "./deviceProfile";
import { keyArgs } from "./keyAlgorithm";
import { type Shard, parseShard } from "./fleetMembership";

/** Names, and what a device has beyond its name. */
export function declared(devices: readonly FleetDevice[]): pulumi.Inputs {
    const details = devices.flatMap(({ name, label, attributes, certificatePem, csrPem, generation }) => {
        const found = {
            ...(label === undefined ? {} : { label }),
            ...(attributes === undefined ? {} : { attributes }),
            ...(certificatePem === undefined ? {} : { certificate: shortened(certificatePem, oneLine) }),
            ...(csrPem === undefined ? {} : { csr: shortened(csrPem, pem => requestDer(pem) ?? withoutKeys(pem)) }),
            // Left out where it is what it would be anyway: so that writing it down is no change.
            ...(generation === undefined || generation === 1 ? {} : { generation }),
        };
        return Object.keys(found).length === 0 ? [] : [[name, found] as const];
    });
    return { members: devices.map(({ name }) => name).sort(), ...(details.length === 0 ? {} : { details: Object.fromEntries(details) }) };
}

/** Plain text at once: ten thousand Outputs cost seconds. */
const shortened = (pem: pulumi.Input<string>, shorten: (pem: string) => string): pulumi.Input<string> => (typeof pem === "string" ? shorten(pem) : pulumi.output(pem).apply(shorten));

/** Base64 of the DER, which is shorter and has one spelling; text that is no certificate is left for the engine's check to name. */
function oneLine(pem: string): string {
    try {
        return readLeaf(pem).base64Der;
    } catch (error) {
        if (error instanceof UserError) return withoutKeys(pem);
        throw error;
    }
}

/** A key that was given by mistake goes no further; its first line stays for the check to complain about. */
const withoutKeys = (text: string): string => (typeof text === "string" ? text.replace(/(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?(?=-----END|$)/g, "$1\n") : text);

/**
 * About certificates that somebody else has issued: nothing here renews or replaces them. Each once with a count, whatever the
 * size of the fleet; those that can't be read are left for the engine's check to name.
 */
export function remarksOn(given: readonly { readonly name: string; readonly certificatePem: string }[], now: Date): string[] {
    const [weak, ending]: [string[], string[]] = [[], []];
    for (const { name, certificatePem } of given) {
        try {
            const { notBefore, notAfter, base64Der } = readLeaf(certificatePem);
            if (weakHash({ raw: Buffer.from(base64Der, "base64") }) !== undefined) weak.push(name);
            if (endsSoon(notBefore, notAfter, now)) ending.push(name);
        } catch (error) {
            if (!(error instanceof UserError)) throw error;
        }
    }
    const of = (names: readonly string[]) => `${names.length} of the ${given.length} certificates that were given to it`;
    const some = (names: readonly string[]) => printable(names.slice(0, 5).map(name => `"${name}"`).join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : ""));
    return [
        ...(weak.length === 0 ? [] : [`${of(weak)} ${weak.length === 1 ? "is" : "are"} signed with SHA-1 or MD5 (${some(weak)}), which can be forged and which clients and servers with current TLS libraries refuse; issue ones that are signed with SHA-256`]),
        ...(ending.length === 0 ? [] : [`${of(ending)} ${ending.length === 1 ? "has" : "have"} expired or will soon (${some(ending)}), and a fleet renews only what it has issued itself; give it their successors`]),
    ];
}

/** Plain text at once; of others when all of them are known. */
export function warnOfGiven(devices: readonly FleetDevice[], warn: (text: string) => void, now: Date): void {
    const given = devices.flatMap(({ name, certificatePem }) => (certificatePem === undefined ? [] : [{ name, certificatePem }]));
    const tell = (known: readonly string[]) => remarksOn(given.map(({ name }, index) => ({ name, certificatePem: known[index]! })), now).forEach(warn);
    const texts = given.map(({ certificatePem }) => certificatePem);
    if (texts.every(text => typeof text === "string")) tell(texts);
    else pulumi.all(texts).apply(tell);
}

export function settingsOf(args: DeviceFleetArgs) {
    const { publishCheck = "sample" } = args;
    const { devices: checked, mode } = typeof publishCheck === "object" ? publishCheck : { devices: publishCheck, mode: undefined };
    const { keyAlgorithm: algorithm = "EC_P256", validityDays = 365, renewalJitterDays = 0, rotationPolicy = "newKey" } = args.certificate ?? {};
    return {
        ...(args.deviceProfile === undefined ? {} : { deviceProfile: profileName(args.deviceProfile) }),
        algorithm,
        validityDays,
        renewBeforeDays: args.certificate?.renewBeforeDays ?? Math.min(30, Math.floor(validityDays / 3)),
        renewalJitterDays,
        rotationPolicy: rotationPolicy === "newKey" ? "always" : "never",
        renewal: args.renewal ?? "report",
        ...(args.maxRenewalsPerUp === undefined ? {} : { maxRenewalsPerUp: args.maxRenewalsPerUp }),
        publishCheck: checked,
        ...(mode === undefined || mode === "publish" ? {} : { checkMode: mode }),
        onRemove: args.onRemove ?? "revoke",
        onDrift: args.onDrift ?? "repair",
        adopt: args.adopt ?? false,
    };
}

export function configuredShard(fleetName: string): Shard | undefined {
    const text = new pulumi.Config("thingsboard").get("shard");
    if (text === undefined) return undefined;
    const shard = parseShard(text);
    if (!shard) throw new pulumi.RunError(`DeviceFleet "${fleetName}": thingsboard:shard is ${shown(text)}: expected index/count such as 3/16, the first index being 0`);
    return shard;
}

const maxBatches = 1024;

/** Devices in work for each REST call in flight: most of them wait, for a publish check or for their turn. */
export const devicesACall = 8;

/** What is known while the program runs fails it at once. The engine's check of each batch looks at the rest. */
export function checkArgs(fleetName: string, args: DeviceFleetArgs, batches: number, shard: Shard | undefined): void {
    const fail = (reason: string): never => {
        throw new pulumi.RunError(`DeviceFleet "${fleetName}": ${reason}`);
    };
    const whole = (field: string, value: number, least: number, most: number) => {
        if (!Number.isInteger(value) || value < least || value > most) fail(`${field} is ${shown(value)}: expected a whole number, ${least} to ${most}`);
    };
    if (!Array.isArray(args.devices)) fail("devices is no list: names are needed while the program runs, so an Output can't be used");
    whole("batches", batches, 1, maxBatches);
    if (args.concurrency !== undefined) whole("concurrency", args.concurrency, 1, 1000);
    if (args.maxRemovals !== undefined) whole("maxRemovals", args.maxRemovals, 0, 1e9);
    const { keyAlgorithm, rotationPolicy } = args.certificate ?? {};
    if (keyAlgorithm !== undefined && !Object.hasOwn(keyArgs, keyAlgorithm)) fail(`certificate.keyAlgorithm is ${shown(keyAlgorithm)}: expected one of ${Object.keys(keyArgs).join(", ")}`);
    if (rotationPolicy !== undefined && !["newKey", "keepKey"].includes(rotationPolicy)) fail(`certificate.rotationPolicy is ${shown(rotationPolicy)}: expected "newKey" or "keepKey"`);
    if (shard) {
        whole("shard.count", shard.count, 1, 100_000);
        whole("shard.index", shard.index, 0, shard.count - 1);
    }
    const seen = new Set<string>();
    for (const device of args.devices) {
        // A list that was read from a file may hold null.
        const name: unknown = typeof device === "object" && device !== null ? device.name : device;
        if (typeof name !== "string") return fail(`devices has an entry whose name is ${shown(name)}: expected text`);
        if (name === "__proto__") fail('devices has "__proto__", which no JavaScript object takes as a key: declare it as a Device');
        if (seen.has(name)) fail(`devices has "${name}" twice: names are unique on a ThingsBoard`);
        seen.add(name);
        if (typeof device === "object") checkDevice(device, args.certificate?.authority !== undefined, reason => fail(`device "${name}": ${reason}`));
    }
}

function checkDevice({ certificatePem, csrPem, generation }: FleetDevice, hasAuthority: boolean, fail: (reason: string) => never): void {
    if (csrPem !== undefined && certificatePem !== undefined) fail("csrPem and certificatePem exclude each other: give the request that is to be signed, or the certificate that exists already");
    if (csrPem !== undefined && !hasAuthority) fail("csrPem is given, and the fleet has no certificate.authority: somebody has to sign the request, so declare a CertificateAuthority");
    if (generation === undefined) return;
    if (certificatePem !== undefined) fail("generation and certificatePem exclude each other: nothing is issued for this device, so give it another certificatePem");
    if (!Number.isInteger(generation) || generation < 1) fail(`generation is ${shown(generation)}: expected a whole number above 0`);
}
