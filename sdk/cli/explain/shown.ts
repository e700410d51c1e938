// The facts as lines for people, and for JSON.
import { day, duration, hostAndPort } from "../../mqtt/wording";
import type { Leaf } from "../../x509/leaf";
import type { Facts } from "./facts";

/** By the name of each fact; only what is known. */
export function shownFacts({ credential, bound, own, profile, times, revoked, mark, usage, inState, clockSkewMs, mqtt, now }: Facts): Record<string, string> {
    const when = (time: number) => `${day(new Date(time).toISOString())}, ${duration(now - time)} ago`;
    const couldNot = "could not be read";
    const noted = revoked === "unread" ? couldNot : Object.entries(revoked);
    const facts: [string, string | undefined][] = [
        ["credential", credential && (credential.credentialsType === "X509_CERTIFICATE" ? `X509_CERTIFICATE, ${bound ? certificate(bound) : "which holds no certificate"}` : credential.credentialsType)],
        ["certificate", own && `${own.leaf.credentialsId === credential?.credentialsId ? "the same" : certificate(own.leaf)}, from ${own.from}${own.presented.chainLength > 1 ? `, with ${own.presented.chainLength - 1} above it` : ""}`],
        ["device profile", profile && `${profile.name}, transport ${profile.transportType}, provisioning ${profile.provisionType}`],
        ["last connected", times === "unread" ? couldNot : times.lastConnect === undefined ? "never" : when(times.lastConnect)],
        ["disconnected", times === "unread" || times.lastDisconnect === undefined ? undefined : when(times.lastDisconnect)],
        ["last activity", times === "unread" || times.lastActivity === undefined ? undefined : when(times.lastActivity)],
        ["active", times === "unread" || times.active === undefined ? undefined : String(times.active)],
        ["declared by", mark && `${mark.declaredBy}${mark.adopted ? ", which has adopted it" : ""}`],
        ["last check", inState?.check && `${inState.check.outcome}, ${day(inState.check.checkedAt)}: ${inState.check.message.replace(/^publish check: /, "")}`],
        ["revoked", typeof noted === "string" ? noted : noted.length === 0 ? "no certificate" : noted.map(([credentialsId, on]) => `${credentialsId.slice(0, 12)}… on ${on}`).join(", ")],
        ["server's clock", clockSkewMs === undefined ? undefined : Math.abs(clockSkewMs) < 2000 ? "agrees with this machine's" : `${duration(clockSkewMs)} ${clockSkewMs < 0 ? "behind" : "ahead of"} this machine's`],
        ["device limit", usage && (usage.maxDevices === 0 ? `${usage.devices} in use, no limit` : `${usage.devices} of ${usage.maxDevices} in use`)],
        ["connects to", hostAndPort(mqtt)],
    ];
    return Object.fromEntries(facts.filter((fact): fact is [string, string] => fact[1] !== undefined));
}

const certificate = ({ subject, credentialsId, notBefore, notAfter }: Leaf): string => `${JSON.stringify(subject)} (${credentialsId.slice(0, 12)}…), valid ${day(notBefore.toISOString())} to ${day(notAfter.toISOString())}`;
