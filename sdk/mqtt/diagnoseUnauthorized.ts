// CONNACK "not authorized": the certificate arrived, and ThingsBoard does not take it. Which of many reasons, it never says.

import { codeText } from "./codes";
import type { Diagnosis, DiagnosisContext } from "./diagnosis";
import type { Reason, Refused } from "./outcome";
import { cloudHost, day, deviceAt, duration, short, words } from "./wording";

export function diagnoseUnauthorized(outcome: Refused & Reason, context: DiagnosisContext): Diagnosis {
    const subject = `${deviceAt(outcome, context, "was refused")} (CONNACK ${codeText(outcome.mqttVersion, outcome)})`;
    return dates(subject, outcome, context) ?? binding(subject, outcome, context) ?? boundAndRefused(subject, outcome, context);
}

/** What is presented, when (ISO 8601, by this machine's clock), and to which port: seen on a connection, or foreseen. */
export type Presented = Pick<Refused, "presented" | "at" | "host">;

/**
 * Why ThingsBoard would refuse this certificate for this device, as far as the REST side can tell; undefined where
 * nothing speaks against it.
 */
export function foreseeUnauthorized(subject: string, presented: Presented, context: DiagnosisContext): Diagnosis | undefined {
    return dates(subject, presented, context) ?? binding(subject, presented, context);
}

/** ThingsBoard looks at the leaf's dates by its own clock. */
function dates(subject: string, { presented, at }: Presented, { clockSkewMs = 0 }: DiagnosisContext): Diagnosis | undefined {
    const serverNow = Date.parse(at) + clockSkewMs;
    const skew = Math.abs(clockSkewMs) >= 2000 ? ` (the server's clock is ${duration(clockSkewMs)} ${clockSkewMs < 0 ? "behind" : "ahead of"} this machine's)` : "";
    if (serverNow > Date.parse(presented.notAfter)) {
        return { cause: "certificate-expired", sentence: `${subject}: its certificate expired on ${day(presented.notAfter)}${skew}; issue a new one, bind it with DeviceCredential and bring it to the device` };
    }
    if (serverNow < Date.parse(presented.notBefore)) {
        return {
            cause: "certificate-not-yet-valid",
            sentence: `${subject}: its certificate is valid only from ${day(presented.notBefore)}, which is ${duration(Date.parse(presented.notBefore) - serverNow)} away for ThingsBoard${skew}; set the clocks by NTP, or run again then`,
        };
    }
    return undefined;
}

function binding(subject: string, outcome: Presented, context: DiagnosisContext): Diagnosis | undefined {
    const { credential, boundCredentialsId, boundTo, profile, deviceName } = context;
    const ours = outcome.presented.credentialsId;
    if (boundTo !== undefined && boundTo !== deviceName) {
        return { cause: "bound-to-another-device", sentence: `${subject}: its certificate ${short(ours)} is bound to device ${words(boundTo)}; issue a certificate for each device` };
    }
    if (credential === null) {
        return { cause: "device-gone", sentence: `${subject}: the device is no longer there, and its certificate went with it; run pulumi refresh and pulumi up to have it made again` };
    }
    if (credential === undefined) {
        return { cause: "certificate-unknown", sentence: `${subject}: the certificate ${short(ours)} arrived, but no device holds it, or its dates don't suit the server's clock; bind it with DeviceCredential before the check, and see that mqttHost belongs to the ThingsBoard where it is bound` };
    }
    if (credential.credentialsType === "X509_CERTIFICATE" && credential.credentialsId === ours) return undefined;

    const holds = credential.credentialsType === "X509_CERTIFICATE" ? `another certificate (${short(credential.credentialsId)})` : `${article(credential.credentialsType)} instead of a certificate`;
    if (boundCredentialsId === ours) {
        return { cause: "changed-meanwhile", sentence: `${subject}: the certificate ${short(ours)} was bound, but somebody changed it and the device now holds ${holds}; run pulumi refresh and pulumi up to bind it again, and find out who else writes its credentials` };
    }
    if (credential.credentialsType !== "X509_CERTIFICATE") {
        const cause = credential.credentialsType === "ACCESS_TOKEN" ? "token-bound" : "other-credential-bound";
        return { cause, sentence: `${subject}: the device holds ${holds}; bind the certificate with DeviceCredential` };
    }
    // The chain strategy binds a new leaf by itself, if the certificates up to the profile's own come with it.
    if (profile?.provisionType === "X509_CERTIFICATE_CHAIN" && outcome.presented.chainLength === 1) {
        return { cause: "other-certificate-bound", sentence: `${subject}: the device holds ${holds}, and under the chain profile ${words(profile.name)} a new leaf is taken only with its intermediate; present leaf and chain in one PEM` };
    }
    return { cause: "other-certificate-bound", sentence: `${subject}: the device holds ${holds} and not ${short(ours)}; bind this one with DeviceCredential, or check with the certificate and key that are bound` };
}

/** All seems well on the REST side: the two sides may not be one ThingsBoard, or one of its nodes does not know yet. */
function boundAndRefused(subject: string, outcome: Presented, context: DiagnosisContext): Diagnosis {
    const where = context.restHost === undefined ? "" : ` at ${context.restHost}`;
    const remedy = cloudHost(outcome, context) ?? "see that mqttHost is the same ThingsBoard as url, try again in a minute (nodes of a cluster may lag), and compare the server's clock with the certificate's dates";
    return { cause: "certificate-unknown", sentence: `${subject} although its certificate ${short(outcome.presented.credentialsId)} is bound${where}: ${remedy}` };
}

const article = (credentialsType: string): string => (credentialsType === "ACCESS_TOKEN" ? "an access token" : `a credential of type ${words(credentialsType)}`);
