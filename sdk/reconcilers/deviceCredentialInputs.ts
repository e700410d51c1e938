// What can be wrong with a declared credential, said before anything is sent.

import { X509Certificate } from "node:crypto";
import type { dynamic } from "@pulumi/pulumi";
import { daysInWords } from "../clock";
import { shown } from "../printable";
import { endsSoon, keyId, leafFault, readLeaf } from "../x509/leaf";
import { weakHash } from "../x509/strength";
import { claim, noteHeldBefore } from "./claims";
import type { DeviceCredentialInputs } from "./deviceCredential";
import { driftFailures } from "./drift";
import { isUnknown } from "./reconciler";
import { revokedKeySentence, revokedSentence } from "./revoked";

/** The device as the reader knows it; empty where none is given. */
export const named = (inputs: DeviceCredentialInputs): string => inputs.deviceName ?? inputs.deviceId ?? "";

export function credentialFailures(olds: Partial<DeviceCredentialInputs>, news: DeviceCredentialInputs, now: Date): dynamic.CheckFailure[] {
    const failures: dynamic.CheckFailure[] = [];
    const device = isUnknown(named(news)) ? "device" : `device ${shown(named(news))}`;
    const fail = (property: string, reason: string) => failures.push({ property, reason: `${device}: ${reason}` });

    if (named(news) === "") failures.push({ property: "deviceName", reason: "deviceName is blank: name the device, or give device or deviceId" });
    if (news.onDelete !== undefined && !isUnknown(news.onDelete) && !["revoke", "keep"].includes(news.onDelete)) {
        fail("onDelete", `onDelete is ${shown(news.onDelete)}: expected "revoke" or "keep"`);
    }
    if (!isUnknown(news.certificatePem)) {
        // One that is bound already and has expired since is reported, but stops no deployment.
        const bound = olds.certificatePem === news.certificatePem;
        const fault = leafFault(news.certificatePem, bound ? new Date(0) : now);
        if (fault) fail("certificatePem", `certificatePem: ${fault}`);
        else {
            const { base64Der, credentialsId } = readLeaf(news.certificatePem);
            const { revoked } = olds;
            if (revoked?.credentialsId === credentialsId) failures.push({ property: "certificatePem", reason: revokedSentence(named(news), revoked.on) });
            else if (revoked?.keyId !== undefined && revoked.keyId === keyId(base64Der)) failures.push({ property: "certificatePem", reason: revokedKeySentence(named(news), revoked.on) });
            const other = claim("certificate", credentialsId, news.declaredBy, named(news));
            if (other !== undefined) fail("certificatePem", `certificatePem is also the certificate of device "${other}" in this program: a certificate identifies one device, so issue one for each`);
        }
    }
    if (olds.certificatePem !== undefined && leafFault(olds.certificatePem, new Date(0)) === undefined) {
        noteHeldBefore(readLeaf(olds.certificatePem).credentialsId, news.declaredBy);
    }
    failures.push(...driftFailures(device, olds, news));
    checked.add(news.declaredBy);
    // Both, as far as they are known: another one may name the device in the other way.
    const others = ([["credential of device", news.deviceId], ["credential of device name", news.deviceName]] as const).map(([what, target]) =>
        target === undefined || target === "" || isUnknown(target) ? undefined : claim(what, target, news.declaredBy, news.declaredBy),
    );
    const other = others.find(found => found !== undefined);
    if (other !== undefined) fail("deviceId", boundTwice(other));
    return failures;
}

/** DeviceCredentials of this run. */
const checked = new Set<string>();

/** What another DeviceCredential of this program is called that has bound this device in this run: by its name, where this one has the id. */
export function boundAlready(deviceId: string, declaredBy: string): string | undefined {
    const other = claim("device bound", deviceId, declaredBy, declaredBy);
    return other !== undefined && checked.has(other) ? other : undefined;
}

export const boundTwice = (other: string): string => `two resources of this program bind a certificate to it, also ${other}: a device has one credential`;

/** A warning about a certificate whose like somebody could make; undefined for any other. */
export function weaknessOf(news: DeviceCredentialInputs): string | undefined {
    if (leafFault(news.certificatePem, new Date(0)) !== undefined) return undefined;
    const hash = weakHash(new X509Certificate(news.certificatePem));
    return hash === undefined ? undefined : `device "${named(news)}": its certificate is signed with ${hash}, which can be forged and which clients and servers with current TLS libraries refuse; issue one that is signed with SHA-256`;
}

/** A warning about a certificate that is close to its end or past it; undefined for any other. */
export function endOf(news: DeviceCredentialInputs, now: Date): string | undefined {
    if (leafFault(news.certificatePem, new Date(0)) !== undefined) return undefined;
    const { notBefore, notAfter } = readLeaf(news.certificatePem);
    if (!endsSoon(notBefore, notAfter, now)) return undefined;
    const left = notAfter.getTime() - now.getTime();
    const when = left < 0 ? `expired on ${notAfter.toISOString()}: ThingsBoard refuses the device` : `expires on ${notAfter.toISOString()}, in ${daysInWords(left)}`;
    return `device "${named(news)}": its certificate ${when}; issue a new one (DeviceCertificate does with renewal "staged" or "immediate")`;
}
