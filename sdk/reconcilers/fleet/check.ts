// What can be wrong with a declared batch, said before anything is sent.

import type { dynamic } from "@pulumi/pulumi";
import { shown } from "../../printable";
import { keyAlgorithms } from "../../x509/issue";
import { leafFault, readLeaf, toPem } from "../../x509/leaf";
import { UserError } from "../../userError";
import { claim } from "../claims";
import { boundTwice } from "../deviceCredentialInputs";
import { deviceFailures } from "../deviceInputs";
import { isUnknown } from "../reconciler";
import type { FleetBatchInputs, FleetSettings } from "./batch";
import { isReissue, own } from "./plan";
import { verifiedKey } from "./request";
import { fleetName, revokedSentence } from "./words";

export async function batchFailures(olds: Partial<FleetBatchInputs>, news: FleetBatchInputs, now: Date): Promise<dynamic.CheckFailure[]> {
    const failures: dynamic.CheckFailure[] = [];
    const fleet = fleetName(news.fleet);
    const fail = (property: string, reason: string) => failures.push({ property, reason: `${fleet}: ${reason}` });

    for (const [property, reason] of settingFaults(news.settings)) fail(property, reason);
    for (const name of news.members) failures.push(...deviceFaults(olds, news, name, now));
    failures.push(...(await requestFaults(olds, news)));
    if (news.settings.onDrift === "fail") {
        for (const [name, found] of Object.entries(olds.drift ?? {})) failures.push({ property: "onDrift", reason: `device "${name}" ${found}, and onDrift is "fail": put it right on ThingsBoard and run "pulumi refresh", or set onDrift: "repair"` });
        for (const [name, on] of Object.entries(olds.revoked ?? {})) {
            if (keepsCertificate(olds, news, name)) failures.push({ property: "onDrift", reason: revokedSentence(name, on, own(news.details, name)) });
        }
    }
    return failures;
}

function keepsCertificate(olds: Partial<FleetBatchInputs>, news: FleetBatchInputs, name: string): boolean {
    const [before, now] = [own(olds.details, name), own(news.details, name)];
    return news.members.includes(name) && !isReissue(before, now) && before?.certificate === now?.certificate && before?.csr === now?.csr;
}

/** Of requests that were not looked at in an earlier deployment. */
async function requestFaults(olds: Partial<FleetBatchInputs>, news: FleetBatchInputs): Promise<dynamic.CheckFailure[]> {
    const failures: dynamic.CheckFailure[] = [];
    for (const [name, { csr }] of Object.entries(news.details ?? {})) {
        if (csr === undefined || isUnknown(csr) || csr === own(olds.details, name)?.csr) continue;
        try {
            await verifiedKey(name, csr);
        } catch (error) {
            if (!(error instanceof UserError)) throw error;
            failures.push({ property: "csrPem", reason: error.message });
        }
    }
    return failures;
}

function deviceFaults(olds: Partial<FleetBatchInputs>, news: FleetBatchInputs, name: string, now: Date): dynamic.CheckFailure[] {
    const details = own(news.details, name);
    const declaredBy = `${news.fleet}/${name}`;
    const known = details !== undefined && !isUnknown(details) ? details : {};
    const failures = deviceFailures({}, { name, declaredBy, ...(known.label === undefined ? {} : { label: known.label }), ...(known.attributes === undefined ? {} : { attributes: known.attributes }) });
    const binder = claim("credential of device name", name, declaredBy, declaredBy);
    if (binder !== undefined) failures.push({ property: "devices", reason: `device "${name}": ${boundTwice(binder)}` });
    const { certificate } = known;
    if (certificate !== undefined) {
        // One that is bound already and has expired since is reported, but stops no deployment.
        const bound = own(olds.details, name)?.certificate === certificate;
        const pem = certificate.startsWith("M") ? toPem(certificate) : certificate;
        const fault = leafFault(pem, bound ? new Date(0) : now);
        const other = fault === undefined ? claim("certificate", readLeaf(pem).credentialsId, declaredBy, name) : undefined;
        if (fault !== undefined) failures.push({ property: "certificatePem", reason: `device "${name}": certificatePem: ${fault}` });
        if (other !== undefined) failures.push({ property: "certificatePem", reason: `device "${name}": certificatePem is also the certificate of device "${other}" in this program: a certificate identifies one device, so issue one for each` });
    }
    return failures;
}

function settingFaults(settings: FleetSettings): [property: string, reason: string][] {
    const choices = {
        algorithm: keyAlgorithms,
        rotationPolicy: ["always", "never"],
        renewal: ["report", "immediate"],
        publishCheck: ["none", "sample", "all"],
        checkMode: ["publish", "connect"],
        onRemove: ["revoke", "delete", "keep"],
        onDrift: ["repair", "fail"],
    } as const;
    const faults: [string, string][] = [];
    for (const [property, values] of Object.entries(choices)) {
        const value: unknown = settings[property as keyof typeof choices];
        if (property === "checkMode" && value === undefined) continue;
        const reason = notOffered[`${property} ${String(value)}`];
        if (reason !== undefined) faults.push([property, reason]);
        else if (!isUnknown(value) && !(values as readonly unknown[]).includes(value)) faults.push([property, `${property} is ${shown(value)}: expected ${values.map(text => `"${text}"`).join(" or ")}`]);
    }
    for (const [property, least, most] of [["validityDays", 1, 36_500], ["renewBeforeDays", 0, 36_500], ["renewalJitterDays", 0, 36_500]] as const) {
        const value = settings[property];
        if (!isUnknown(value) && !(Number.isInteger(value) && value >= least && value <= most)) faults.push([property, `${property} is ${shown(value)}: expected a whole number of days, ${least} to ${most}`]);
    }
    const { validityDays, renewBeforeDays, renewalJitterDays, maxRenewalsPerUp } = settings;
    if (maxRenewalsPerUp !== undefined && !isUnknown(maxRenewalsPerUp) && !(Number.isInteger(maxRenewalsPerUp) && maxRenewalsPerUp > 0)) faults.push(["maxRenewalsPerUp", `maxRenewalsPerUp is ${shown(maxRenewalsPerUp)}: expected a whole number above 0`]);
    if (!isUnknown([renewBeforeDays, renewalJitterDays]) && renewBeforeDays + renewalJitterDays >= validityDays) faults.push(["renewBeforeDays", `renewBeforeDays and renewalJitterDays (${renewBeforeDays} and ${renewalJitterDays}) leave nothing of validityDays (${validityDays}): each certificate would be due at once`]);
    const profile: unknown = settings.deviceProfile;
    if (profile !== undefined && !isUnknown(profile) && (typeof profile !== "string" || profile.trim() === "")) faults.push(["deviceProfile", "deviceProfile is blank: give the name of an existing device profile, or leave it out"]);
    return faults;
}

/** What single resources have and a fleet has not. */
const notOffered: Readonly<Record<string, string>> = {
    "checkMode observe":
        'publishCheck.mode is "observe", which a fleet does not offer: certificates made by "pulumi up" can be fetched when it is over, so no device could connect before. ' +
        'Use "publish" or "connect", or a PublishCheck where a single device is to be waited for',
    "renewal staged":
        'renewal is "staged", which a fleet does not offer: use "immediate" with maxRenewalsPerUp, and give the devices their new pairs at once, or declare those that must not be cut off as single resources',
};
