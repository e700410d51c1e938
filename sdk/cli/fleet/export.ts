// Takes certificates and keys out of the states.
import { join, resolve } from "node:path";
import { privateFolder, writePrivate } from "../../privateFile";
import { own } from "../../reconcilers/fleet/plan";
import { UserError } from "../../userError";
import { toPem } from "../../x509/leaf";
import type { FleetFlags } from "../fleet";
import { printJson } from "../frame/terminal";
import { fileNames } from "./fileNames";
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
    if (folder !== undefined) privateFolder(folder, "choose another folder with --out");
    const fileOf = fileNames();
    const printed: Exported[] = [];
    let written = 0;
    // One state after the other: each of them may be large.
    for (const stack of stackNames(flags)) {
        const batches = await batchesOf(flags.cwd, stack, "shown");
        if (!batches) throw new UserError(`There is no stack ${stack}${flags.shards === undefined ? "" : `: is the fleet really cut into ${flags.shards} shards?`}`);
        for (const { devices, keys } of batches) {
            for (const [name, { certificate }] of Object.entries(devices)) {
                if (wanted && !wanted.delete(name)) continue;
                const key = own(keys, name);
                const exported = { name, certificatePem: toPem(certificate), ...(key === undefined ? {} : { privateKeyPem: toPem(key, "PRIVATE KEY") }) };
                if (folder !== undefined) await write(exported, join(folder, fileOf(name)));
                else if (flags.json) printed.push(exported);
                else process.stdout.write(exported.certificatePem + (exported.privateKeyPem ?? ""));
                written++;
            }
        }
    }
    if (wanted && wanted.size > 0) throw new UserError(`The fleet has no device ${[...wanted].map(name => `"${name}"`).join(", ")}, or none that has been made yet.`);
    if (flags.json) printJson(folder === undefined ? printed : { devices: written, folder });
    else if (folder !== undefined) console.log(`${written.toLocaleString("en")} devices in ${folder}`);
}

async function write({ certificatePem, privateKeyPem }: Exported, file: string): Promise<void> {
    try {
        await writePrivate(`${file}.pem`, certificatePem);
        if (privateKeyPem !== undefined) await writePrivate(`${file}.key`, privateKeyPem);
    } catch (error) {
        throw new UserError(`Can't write ${file}.pem and .key (${(error as NodeJS.ErrnoException).code ?? "failed"}): choose another folder with --out.`);
    }
}
