// With `--parallel 1` the engine hears of a resource only when the one before it is done. So two devices whose certificates
// are swapped could not wait for each other: each DeviceCredential then says along with its own wish what the others want.

import { setImmediate } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import type { OtherCredential } from "../reconcilers/others";
import { UserError } from "../userError";
import { readLeaf } from "../x509/leaf";
import type { DeviceCertificate } from "./deviceCertificate";

interface Known {
    readonly declaredBy: string;
    readonly certificate: DeviceCertificate | undefined;
    deviceId?: string;
    deviceName?: string;
    credentialsId?: string;
}

/** By who declares it; of each run its own, since a process may run several programs (Automation API). */
const runs = new WeakMap<object, Map<string, Known>>();
const noStack = {};

/** Each tells of all others: above this the telling would cost more than the swap is worth. */
const most = 200;

interface Wish {
    readonly declaredBy: string;
    readonly deviceId?: pulumi.Input<string>;
    readonly deviceName?: pulumi.Input<string>;
    readonly certificatePem: pulumi.Input<string>;
    /** Where `certificatePem` comes from, if this program makes it. */
    readonly certificate: DeviceCertificate | undefined;
}

/** What the others want, as far as it is known when this one's certificate is; undefined where the engine sees them all at once. */
export function otherCredentials({ declaredBy, deviceId, deviceName, certificatePem, certificate }: Wish): pulumi.Output<OtherCredential[]> | undefined {
    if (!pulumi.runtime.serialize()) return undefined;
    const run = pulumi.runtime.getStackResource() ?? noStack;
    const all = runs.get(run) ?? new Map<string, Known>();
    runs.set(run, all);
    const known: Known = { declaredBy, certificate };
    all.set(declaredBy, known);
    note(deviceId, id => (known.deviceId = id));
    note(deviceName, name => (known.deviceName = name));
    note(certificatePem, pem => {
        const credentialsId = idOf(pem);
        if (credentialsId !== undefined) known.credentialsId = credentialsId;
    });
    return pulumi.output(certificatePem).apply(async () => {
        // The program goes on to declare what comes after this one.
        await setImmediate();
        const others = [...all.values()].filter(other => other !== known).flatMap(other => wishOf(other, known));
        return others.length > most ? [] : others;
    });
}

/** What is not issued yet is another certificate than ours for sure, where the program issues both. */
function wishOf({ certificate, ...other }: Known, { certificate: own }: Known): OtherCredential[] {
    if (other.credentialsId !== undefined) return [other];
    return certificate?.issuedHere === true && own?.issuedHere === true && certificate !== own ? [{ ...other, another: true }] : [];
}

function note(value: pulumi.Input<string> | undefined, keep: (value: string) => void): void {
    if (typeof value === "string") keep(value);
    else if (value !== undefined) pulumi.output(value).apply(keep);
}

/** Undefined for text that holds no certificate: the engine's check of that resource says what is wrong with it. */
function idOf(pem: string): string | undefined {
    try {
        return readLeaf(pem).credentialsId;
    } catch (error) {
        if (error instanceof UserError) return undefined;
        throw error;
    }
}
