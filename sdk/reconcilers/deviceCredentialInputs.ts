// What can be wrong with a declared credential, said before anything is sent.

import type { dynamic } from "@pulumi/pulumi";
import { leafFault, readLeaf } from "../x509/leaf";
import { claim } from "./claims";
import { type DeviceCredentialInputs, named } from "./deviceCredential";
import { isUnknown } from "./reconciler";

export function credentialFailures(olds: Partial<DeviceCredentialInputs>, news: DeviceCredentialInputs, now: Date): dynamic.CheckFailure[] {
    const failures: dynamic.CheckFailure[] = [];
    const device = isUnknown(named(news)) ? "device" : `device "${named(news)}"`;
    const fail = (property: string, reason: string) => failures.push({ property, reason: `${device}: ${reason}` });

    if (named(news) === "") failures.push({ property: "deviceName", reason: "deviceName is blank: name the device, or give device or deviceId" });
    if (news.onDelete !== undefined && !isUnknown(news.onDelete) && !["revoke", "keep"].includes(news.onDelete)) {
        fail("onDelete", `onDelete is ${JSON.stringify(news.onDelete)}: expected "revoke" or "keep"`);
    }
    if (!isUnknown(news.certificatePem)) {
        // One that is bound already and has expired since is reported, but stops no deployment.
        const bound = olds.certificatePem === news.certificatePem;
        const fault = leafFault(news.certificatePem, bound ? new Date(0) : now);
        if (fault) fail("certificatePem", `certificatePem: ${fault}`);
        else {
            const other = claim("certificate", readLeaf(news.certificatePem).credentialsId, news.declaredBy, named(news));
            if (other !== undefined) fail("certificatePem", `certificatePem is also the certificate of device "${other}" in this program: a certificate identifies one device, so issue one for each`);
        }
    }
    const target = news.deviceId ?? news.deviceName;
    if (target !== undefined && target !== "" && !isUnknown(target)) {
        const other = claim("credential of device", target, news.declaredBy, news.declaredBy);
        if (other !== undefined) fail("deviceId", `two DeviceCredentials of this program are for it, also ${other}: a device has one credential`);
    }
    return failures;
}
