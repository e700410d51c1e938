// What can be wrong with a declared credential, said before anything is sent.

import { X509Certificate } from "node:crypto";
import type { dynamic } from "@pulumi/pulumi";
import { millisecondsPerDay } from "../clock";
import { shown } from "../printable";
import { keyId, leafFault, readLeaf } from "../x509/leaf";
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
    const target = news.deviceId ?? news.deviceName;
    if (target !== undefined && target !== "" && !isUnknown(target)) {
        const other = claim("credential of device", target, news.declaredBy, news.declaredBy);
        if (other !== undefined) fail("deviceId", `two DeviceCredentials of this program are for it, also ${other}: a device has one credential`);
    }
    return failures;
}

/** A warning about a certificate whose like somebody could make; undefined for any other. */
export function weaknessOf(news: DeviceCredentialInputs): string | undefined {
    if (leafFault(news.certificatePem, new Date(0)) !== undefined) return undefined;
    const hash = weakHash(new X509Certificate(news.certificatePem));
    return hash === undefined ? undefined : `device "${named(news)}": its certificate is signed with ${hash}, which can be forged and which clients and servers with current TLS libraries refuse; issue one that is signed with SHA-256`;
}

/** Days; for certificates that live shorter than three times as long, a third of their life. */
const soon = 30;

/** A warning about a certificate that is close to its end or past it; undefined for any other. */
export function endOf(news: DeviceCredentialInputs, now: Date): string | undefined {
    if (leafFault(news.certificatePem, new Date(0)) !== undefined) return undefined;
    const { notBefore, notAfter } = readLeaf(news.certificatePem);
    const days = (notAfter.getTime() - now.getTime()) / millisecondsPerDay;
    const life = (notAfter.getTime() - notBefore.getTime()) / millisecondsPerDay;
    if (days > Math.min(soon, life / 3)) return undefined;
    const when = days < 0 ? `expired on ${notAfter.toISOString()}: ThingsBoard refuses the device` : `expires on ${notAfter.toISOString()}, in ${Math.floor(days)} days`;
    return `device "${named(news)}": its certificate ${when}; issue a new one (DeviceCertificate does with renewal "staged" or "immediate")`;
}
