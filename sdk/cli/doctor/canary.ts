// Does a client certificate get through to ThingsBoard? A throw-away one is presented, which no device holds.
import type { X509Certificate } from "node:crypto";
import { diagnose } from "../../mqtt/diagnosis";
import type { Inspection, InspectRequest } from "../../mqtt/inspect";
import { publishCheck } from "../../mqtt/publishCheck";
import type { Server } from "../../reconcilers/server";
import { issue } from "../../x509/issue";
import { toPem } from "../../x509/leaf";
import { failure, failureOf, type Finding, ok } from "../frame/findings";

export interface Canary {
    readonly finding: Finding;
    /** Whether client certificates reach ThingsBoard; absent where that did not show. */
    readonly arrive?: boolean;
}

const check = "client certificate";

/**
 * ThingsBoard answers "not authorized", and with a proxy before it that has ended TLS something else. Undefined where it
 * was not tried: to a server that nobody would trust nothing is presented.
 */
export async function presentCanary(seen: Inspection, { host, port, timeoutSeconds }: InspectRequest, server: Server): Promise<Canary | undefined> {
    const root = seen.chain.at(-1);
    // A private authority that is not known here is let pass for this.
    if (!seen.rightHost || !root || (seen.configured !== undefined && !(seen.configured.fault === "untrusted" && selfSigned(root)))) return undefined;
    const canary = await issue({ commonName: "pulumi-thingsboard doctor", algorithm: "EC_P256", validityDays: 1 }, new Date());
    const trust = seen.configured !== undefined || seen.publicly !== undefined ? { caPem: pemOf(seen.chain) } : {};
    const clockSkewMs = server.thingsboard.clockSkewMs();
    const outcome = await publishCheck({
        mode: "connect",
        host,
        port,
        ...trust,
        certificatePem: toPem(canary.certificate),
        privateKeyPem: toPem(canary.key, "PRIVATE KEY"),
        clockSkewMs: clockSkewMs ?? 0,
        ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    });
    if (outcome.ok) return { finding: failure(check, "the server lets in a certificate that nobody has bound, so it is no ThingsBoard, or something before it lets everybody in", "correct mqttHost and mqttPort") };
    if (outcome.stage === "connack" && [0x05, 0x87].includes(outcome.reasonCode)) return { finding: ok(check, "they reach ThingsBoard, which refuses one that no device holds"), arrive: true };
    const { cause, sentence } = diagnose(outcome, { deviceName: "", subject: "a throw-away certificate", restHost: server.restHost, ...(clockSkewMs === undefined ? {} : { clockSkewMs }) });
    if (cause === "no-certificate-arrived" || cause === "user-name-refused") {
        return { finding: failure(check, "client certificates do not reach ThingsBoard: a load balancer or proxy in front of it ends TLS", "have it pass TCP through to ThingsBoard's own TLS port, since a client certificate can't be forwarded"), arrive: false };
    }
    return { finding: failureOf(check, sentence) };
}

export const selfSigned = (certificate: X509Certificate): boolean => certificate.checkIssued(certificate);
export const pemOf = (chain: readonly X509Certificate[]): string => chain.map(({ raw }) => toPem(raw.toString("base64"))).join("");
