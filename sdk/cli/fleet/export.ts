// Takes certificates and keys out of the states.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../../userError";
import { toPem } from "../../x509/leaf";
import type { FleetFlags } from "../fleet";
import { batchesOf, stackNames } from "./stacks";

interface Exported {
    readonly name: string;
    readonly certificatePem: string;
    /** Undefined where the certificate is from outside. */
    readonly privateKeyPem?: string;
}

export async function exportDevices(flags: FleetFlags & { device?: string[]; out?: string }): Promise<void> {
    const wanted = flags.device && new Set(flags.device);
    const folder = flags.out === undefined ? undefined : resolve(flags.out);
    if (folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 });
    let written = 0;
    // One state after the other: each of them may be large.
    for (const stack of stackNames(flags)) {
        const batches = await batchesOf(flags.cwd, stack, "shown");
        if (!batches) throw new UserError(`There is no stack ${stack}${flags.shards === undefined ? "" : `: is the fleet really cut into ${flags.shards} shards?`}`);
        for (const { devices, keys } of batches) {
            for (const [name, { certificate }] of Object.entries(devices)) {
                if (wanted && !wanted.delete(name)) continue;
                const key = keys?.[name];
                give({ name, certificatePem: toPem(certificate), ...(key === undefined ? {} : { privateKeyPem: toPem(key, "PRIVATE KEY") }) }, folder);
                written++;
            }
        }
    }
    if (wanted && wanted.size > 0) throw new UserError(`The fleet has no device ${[...wanted].map(name => `"${name}"`).join(", ")}, or none that has been made yet.`);
    if (folder !== undefined) console.log(`${written.toLocaleString("en")} devices in ${folder}`);
}

function give({ name, certificatePem, privateKeyPem }: Exported, folder: string | undefined): void {
    if (folder === undefined) {
        process.stdout.write(certificatePem + (privateKeyPem ?? ""));
        return;
    }
    const file = join(folder, fileName(name));
    writeFileSync(`${file}.pem`, certificatePem, { mode: 0o600 });
    if (privateKeyPem !== undefined) writeFileSync(`${file}.key`, privateKeyPem, { mode: 0o600 });
}

/** A name may hold slashes, and may be "..". */
const fileName = (name: string): string => encodeURIComponent(name).replace(/^\./, "%2E");
